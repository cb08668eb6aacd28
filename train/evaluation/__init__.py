"""A trained model becomes figures: accuracy, calibration of scores, mistakes, cost, plots.

In: a model and its held-out and test pictures. Out: metrics and plots in the run folder. Read results first.
"""
