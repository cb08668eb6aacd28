"""A model file and a runtime become a Classifier: frame in, Prediction out.

model_file reads a .tflite with its labels and manifest; interpreters opens it in LiteRT, in tflite-runtime or on a
Coral (delegates); sandbox tries in a child process what may crash; classifier puts them together. accuracy measures a
classifier on labelled pictures. Read in that order. Another runtime goes into interpreters.
"""
