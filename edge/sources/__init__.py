"""A camera, a stream, a file or a pipe becomes frames.

In: what the user typed (`shirt.png`, `photos/`, `--camera 0`, an address). Out: an iterator of Frame. Read grammar
first: it says what each input means and opens it. pictures reads still pictures, video reads videos and streams, mjpeg
reads JPEGs through a pipe. The rooms within, cameras and network, open cameras of this machine and of the network. live
and frame_reader watch them and open them again; orientation turns frames, liveness marks black and frozen ones. A
camera with a new protocol goes here.
"""
