"""A camera, a stream, a file or a pipe becomes frames.

In: what the user typed (`shirt.png`, `photos/`, `--camera 0`, an address). Out: an iterator of Frame. Read grammar
first: it says what each input means and opens it. pictures reads still pictures, video reads videos and streams, mjpeg
reads JPEGs through a pipe. http_content finds out what an http address has; network_mjpeg and snapshot read it. camera
finds the camera that is meant (v4l2 asks the kernel; picamera opens the Pi's own, usb_camera all others). live and
frame_reader watch cameras and open them again, orientation turns frames, liveness marks black and frozen ones. A camera
with a new protocol goes here.
"""
