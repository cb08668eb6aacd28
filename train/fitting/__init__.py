"""The training itself: epochs, optimizer, schedules, and the run folder that survives an interrupt.

In: a model and an EpochBuilder. Out: trained weights and a history. Read fit first, then run_folder; callbacks hear
how it goes (progress on the screen, tensorboard in a file).
"""
