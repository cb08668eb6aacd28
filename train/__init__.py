"""Keras recipes that train garment classifiers; each writes a run folder with a model that convert/ takes."""
