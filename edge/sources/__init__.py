"""A camera, a stream, a file or a pipe becomes frames.

In: what the user typed (`shirt.png`, `photos/`, `--camera 0`, an address). Out: an iterator of Frame. Read grammar
first: it says what each input means and opens it. pictures reads still pictures, video reads streams and cameras, mjpeg
reads JPEGs through a pipe. http_content finds out what an http address has; network_mjpeg and snapshot read it.
live and frame_reader watch cameras and open them again, liveness marks black and frozen frames. A camera with a new
protocol goes here.
"""
