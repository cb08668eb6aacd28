"""A Source and calibration pictures become an int8 flatbuffer.

Read calibration (which pictures), converter (TensorFlow's converter and our own statistics), ranges (the rules that
turn statistics into a range) and search (which rule loses least). splits rewrites what the quantiser
would leave in float. internals is the only file that touches
TensorFlow's private interface. A new calibration rule goes into ranges.
"""
