"""OpenCV, set up before it loads: it reads its limits and log levels from the environment, once.

The rest of edge imports `cv2` from here (ruff refuses anything else).
"""

from __future__ import annotations

import os

MAX_PIXELS = 50_000_000
"""Of one picture. OpenCV's own limit is 2**30 pixels, 3 GB: more than a Pi has."""

os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "3")  # of 10 s: so long a silent camera stays taken
os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

import cv2  # noqa: E402, TID251 - after its settings

__all__ = ["MAX_PIXELS", "cv2"]
