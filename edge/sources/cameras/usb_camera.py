"""A USB camera, or whatever else has a /dev/video node: opened by OpenCV, which is silent about what it was given."""

from __future__ import annotations

import grp
import os
from collections.abc import Sequence
from pathlib import Path

from edge.errors import CameraBusy, CameraNeedsPicamera2, CameraNotFound, SourceDenied
from edge.opencv import cv2
from edge.sources.cameras import picamera, v4l2
from edge.sources.cameras.v4l2 import Mode, VideoNode
from edge.sources.settings import SourceSettings, say_what_it_gives
from edge.sources.video import VideoSource

LIST_HINT = "fmnist-edge cameras lists those that are there"

BUFFERS = 2
"""The camera fills one while the other is read. More of them are frames that have grown old."""

SIZE = (640, 480)
"""What OpenCV asks for unless told."""

USUAL_RATE = 30.0

READABLE = ("YUYV", "UYVY", "NV12", "YU12", "YV12", "BGR3", "RGB3", "MJPG")
"""Formats that OpenCV turns into colours, the cheapest first: a JPEG costs a Pi a third of a core at 30 a second."""


def open_usb_camera(device: Path, settings: SourceSettings) -> VideoSource:
    """A camera by its node. Raises CameraNotFound, CameraBusy, CameraNeedsPicamera2 or SourceDenied."""
    node = _asked(device, briefly=settings.resolution is None and settings.fps is None)
    capture = cv2.VideoCapture(str(device), cv2.CAP_V4L2)
    if not capture.isOpened():
        capture.release()
        raise CameraBusy(f"{device} ({node.name}) is in use by another program", f"fuser -v {device} says by which")
    _set(capture, node, settings)
    source = VideoSource(capture, str(device))
    if settings.fps is not None:
        source.expected_gap_s = 1 / settings.fps
    return source


def _asked(device: Path, *, briefly: bool) -> VideoNode:
    """What the node is; it is a camera, else this raises."""
    try:
        node = v4l2.ask(device, briefly=briefly)
    except FileNotFoundError as error:
        found = ", ".join(str(path) for path in v4l2.node_paths()) or "none"
        raise CameraNotFound(f"there is no camera {device} (found: {found})", f"plug it in; {LIST_HINT}") from error
    except PermissionError as error:
        raise denied(device) from error
    except OSError as error:
        raise CameraNotFound(f"{device} is no camera: {error.strerror}", LIST_HINT) from error
    if node.needs_libcamera:
        raise needs_libcamera(node)
    if not node.is_camera:
        raise CameraNotFound(f"{device} ({node.name}) delivers no pictures: it is no camera", LIST_HINT)
    return node


def _set(capture: cv2.VideoCapture, node: VideoNode, settings: SourceSettings) -> None:
    """Set what is asked for, and read back what came of it: OpenCV's `set` reports success when it is ignored."""
    capture.set(cv2.CAP_PROP_BUFFERSIZE, BUFFERS)
    if settings.resolution is None and settings.fps is None:
        return
    pixel_format = pixel_format_for(node.modes, settings.resolution or SIZE, settings.fps)
    if pixel_format is not None:
        capture.set(cv2.CAP_PROP_FOURCC, int.from_bytes(pixel_format.encode("ascii"), "little"))
    if settings.resolution is not None:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, settings.resolution[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, settings.resolution[1])
    if settings.fps is not None:
        capture.set(cv2.CAP_PROP_FPS, settings.fps)
    size = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    say_what_it_gives(str(node.path), settings, size, float(capture.get(cv2.CAP_PROP_FPS)))


def pixel_format_for(modes: Sequence[Mode], size: tuple[int, int], fps: float | None) -> str | None:
    """The cheapest format in which a camera gives this size fast enough, else the fastest; None leaves it to OpenCV.

    USB is too narrow for large raw pictures: at 1280 x 720 most cameras give 30 a second as JPEGs, and 10 as YUYV.
    """
    usable = [mode for mode in modes if mode.pixel_format in READABLE and (mode.width, mode.height) == size]
    if not usable:
        return None
    fastest = {mode.pixel_format: max(mode.rates, default=0.0) for mode in usable}
    wanted = min(fps or USUAL_RATE, max(fastest.values()))
    return next(one for one in READABLE if fastest.get(one, -1.0) >= wanted * 0.98)


def denied(device: Path) -> SourceDenied:
    """The error of a node that is closed to this user, with the group that may open it."""
    try:
        group = grp.getgrgid(device.stat().st_gid).gr_name
    except (KeyError, OSError):
        group = "video"
    if group == "root" or os.getuid() == 0:
        return SourceDenied(f"{device}: permission denied", f"sudo chmod a+rw {device}")
    return SourceDenied(f"{device}: permission denied", f"sudo usermod -aG {group} $USER, then log in again")


def needs_libcamera(node: v4l2.VideoNode) -> CameraNeedsPicamera2:
    """The error of a ribbon cable's raw node, with what keeps picamera2 away."""
    try:
        picamera.pi_cameras()
    except CameraNeedsPicamera2 as error:
        return CameraNeedsPicamera2(f"{node.path} is the Pi's own camera: {error.message}", error.hint)
    return CameraNeedsPicamera2(f"{node.path} is the Pi's own camera, before libcamera made it a picture", LIST_HINT)
