"""From a Keras model to an int8 .tflite file whose accuracy is compared with the float model's. For a workstation."""
