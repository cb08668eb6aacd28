"""A model file and a runtime become a Classifier: frame in, Prediction out.

model_file reads a .tflite with its labels and manifest; interpreters opens it in LiteRT or tflite-runtime, edgetpu on a
Coral, in a process of its own (edgetpu_child). fallback finds a compiled model's twin for the CPU, which goes on where
the Coral fails; backends chooses among them all. sandbox tries in a child process what may crash; classifier puts them
together. accuracy measures a classifier on labelled pictures. Read in that order. Another runtime goes into
interpreters.
"""
