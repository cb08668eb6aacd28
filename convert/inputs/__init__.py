"""A float model of any kind becomes one Source.

In: a path (.keras, .h5, a SavedModel's folder, a float .tflite). Out: a loaded, checked Source that can be run and
exported. Read source first (the protocol), then readers (which reader takes which path). input_spec and probing find
out how the model wants its pixels. inference_config rewrites Keras configurations for inference, inference_graph the
graphs of SavedModels. A new file format goes here.
"""
