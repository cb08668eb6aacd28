"""From a Keras model to an int8 .tflite file that is proven against its float parent. Runs on a workstation."""
