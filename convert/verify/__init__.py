"""The float model and the int8 model on the same pictures, through the classifier of the device.

In: a Source and a flatbuffer. Out: AccuracyParity and the errors of each layer, or an error. Read parity first; guards
refuses files that are not what they are called, layer_errors finds where int8 loses, evaluation compares models of
any kind.
"""
