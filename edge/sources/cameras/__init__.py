"""Cameras on this machine: the Pi's own, and USB.

In: a number, a path or part of a name. Out: an open camera, or a list of those that are there. Read camera first: it
says what a number means. picamera opens the Pi's own by picamera2, usb_camera all others by OpenCV; v4l2 asks the
kernel what a /dev/video node is and gives.
"""
