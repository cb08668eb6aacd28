"""Videos, cameras and network streams through OpenCV, with its silences turned into errors."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import numpy as np

from edge.errors import CameraLost, CameraNotFound, ImageUnreadable, SourceDenied
from edge.frame import Frame
from edge.opencv import cv2
from edge.sources.network.address import without_password
from edge.sources.settings import AS_THEY_COME, SourceSettings

OPEN_TIMEOUT_MS = 10_000
READ_TIMEOUT_MS = 5_000
"""A stalled stream otherwise blocks for 30 s."""


MOTION_JPEG = tuple(cv2.VideoWriter.fourcc(*code) for code in ("MJPG", "mjpg", "jpeg", "JPEG"))
"""Codecs of which every frame stands for itself."""


class VideoSource:
    """Frames of a video file, a stream or a camera. A context manager; opening happens in the constructor.

    Raises CameraNotFound, SourceDenied or ImageUnreadable when opened, CameraLost when a live source ends.
    """

    def __init__(self, capture: cv2.VideoCapture, name: str) -> None:
        self.name = name
        self.expected_gap_s = 0.0
        """Seconds between two frames, where a camera was asked for so slow a rate."""
        self.repeats_still_scenes = False
        """Whether frames are coded as differences, so that those of a still scene are equal."""
        self._capture = capture
        # Live streams report no frames, or a huge negative number of them.
        self.is_live = capture.get(cv2.CAP_PROP_FRAME_COUNT) <= 0

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        opened_s = captured_s = time.monotonic()
        while True:
            began = time.monotonic()
            delivered, pixels = self._capture.read()
            now = time.monotonic()
            if not delivered:
                break
            captured_s = now if self.is_live else max(captured_s, opened_s + self._played_s(index))
            read_ms = (now - began) * 1e3
            yield Frame(np.asarray(pixels, np.uint8), self.name, index, captured_s, read_ms, is_live=self.is_live)
            index += 1
        if self.is_live:
            raise CameraLost(
                f"{self.name} stopped delivering frames after {index}", "check its cable, power and network"
            )
        if index == 0:
            raise ImageUnreadable(f"{self.name} holds no readable frame", "is it a complete video?")

    def _played_s(self, index: int) -> float:
        """Seconds from the start of a video file to its frame number `index`, which was just read."""
        position_s = float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) / 1e3
        if position_s > 0 or index == 0:
            return max(position_s, 0.0)
        rate = float(self._capture.get(cv2.CAP_PROP_FPS))  # the file tells no times
        return index / rate if rate > 0 else 0.0

    def __enter__(self) -> VideoSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._capture.release()


def open_video(path: Path) -> VideoSource:
    """A video file. Raises SourceDenied or ImageUnreadable."""
    if not os.access(path, os.R_OK):
        raise SourceDenied(f"{path}: permission denied", f"chmod a+r {path}, or run as its owner")
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    if not capture.isOpened():
        raise ImageUnreadable(f"{path} is not a readable video", "MP4, AVI, MKV, WebM and MJPEG are understood")
    source = VideoSource(capture, str(path))
    source.is_live = False
    return source


def open_stream(url: str, settings: SourceSettings = AS_THEY_COME) -> VideoSource:
    """A video or live stream at an http, https or rtsp address. Raises CameraNotFound."""
    timeouts = [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
        OPEN_TIMEOUT_MS,
        cv2.CAP_PROP_READ_TIMEOUT_MSEC,
        READ_TIMEOUT_MS,
    ]
    name = without_password(url)
    if url.startswith(("https:", "rtsps:")):
        from edge.sources.network.tls import prepare_ffmpeg

        prepare_ffmpeg(url, name, settings)
    capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, timeouts)
    if not capture.isOpened():
        raise CameraNotFound(f"nothing that can be read at {name}", "does a browser or VLC on this machine open it?")
    source = VideoSource(capture, name)
    source.repeats_still_scenes = capture.get(cv2.CAP_PROP_FOURCC) not in MOTION_JPEG
    return source
