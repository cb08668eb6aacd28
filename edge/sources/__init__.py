"""A camera, a stream, a file or a pipe becomes frames.

In: what the user typed (`shirt.png`, `photos/`, `--camera 0`, an address). Out: an iterator of Frame. Read grammar
first: it says what each input means and opens it. pictures reads still pictures, video reads streams and cameras,
snapshot asks an address for one picture, liveness marks black and frozen frames. A camera with a new protocol goes
here.
"""
