"""The .tflite file itself: its graph, TFLite Metadata, the manifest, and MediaPipe's variant.

In and out: flatbuffers. Nothing here runs a model. Read graph, metadata, manifest, mediapipe_variant.
"""
