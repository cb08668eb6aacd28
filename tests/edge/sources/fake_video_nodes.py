"""Files that answer as /dev/video nodes do: the kernel's side of edge/sources/cameras/v4l2.py, and OpenCV's.

What the structures look like in memory is checked against the kernel's own header in test_v4l2.py; a real node in an
emulated machine is asked in tests/arm.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.opencv import cv2
from edge.sources.cameras import v4l2

CAPTURE, M2M_MPLANE, META, STREAMING = 0x1, 0x4000, 0x00800000, 0x04000000
UVC = CAPTURE | STREAMING

Sizes = dict[tuple[int, int], Sequence[float]]

WEBCAM: dict[str, Sizes] = {
    "MJPG": {(640, 480): (30, 15), (1280, 720): (30, 15), (1920, 1080): (30,)},
    "YUYV": {(640, 480): (30, 15), (1280, 720): (10, 5), (320, 240): (30, 29.97, 15)},
}


@dataclass
class FakeNode:
    """One node. Modes map a format to sizes to rates; `any_size` says that they are the largest of a range."""

    name: str = "HD Pro Webcam C920"
    driver: str = "uvcvideo"
    caps: int = UVC
    inputs: int = 1
    modes: dict[str, Sizes] = field(default_factory=lambda: WEBCAM)
    any_size: bool = False
    closed_to_us: bool = False
    busy: bool = False

    def answer(self, number: int, asked: bytearray) -> None:
        """Fill one of the kernel's structures in, or raise the OSError of a question that it does not take."""
        index, code = struct.unpack_from("=2I", asked)
        formats = list(self.modes)
        if number == v4l2.QUERYCAP[0]:
            name, driver = self.name.encode(), self.driver.encode()
            everything = self.caps | 0x80000000 | META  # of all nodes of this camera
            struct.pack_into("=16s32s32s3I", asked, 0, driver, name, b"usb-1", 0x060100, everything, self.caps)
        elif number == v4l2.ENUMINPUT[0]:
            self._refuse(index >= self.inputs, errno.ENOTTY if not self.inputs else errno.EINVAL)
            struct.pack_into("=I32sI", asked, 0, index, b"Camera 1", 2)
        elif number == v4l2.ENUM_FMT[0]:
            self._refuse(code != 1 or index >= len(formats))
            described = int.from_bytes(formats[index].encode("latin-1"), "little")
            struct.pack_into("=3I32sI", asked, 0, index, 1, 0, formats[index].encode(), described)
        elif number == v4l2.ENUM_FRAMESIZES[0]:
            sizes = list(self.modes[code.to_bytes(4, "little").decode("latin-1")])
            self._refuse(index >= len(sizes))
            width, height = sizes[index]
            values = (3, 16, width, 2, 16, height, 2) if self.any_size else (1, width, height)
            struct.pack_into(f"={len(values)}I", asked, 8, *values)
        else:
            assert number == v4l2.ENUM_FRAMEINTERVALS[0]
            width, height = struct.unpack_from("=2I", asked, 8)
            rates = self.modes[code.to_bytes(4, "little").decode("latin-1")][width, height]
            self._refuse(index >= (min(1, len(rates)) if self.any_size else len(rates)))
            fractions = [
                number for rate in (rates if self.any_size else [rates[index]]) for number in (100, rate * 100)
            ]
            values = (2 if self.any_size else 1, *(round(number) for number in fractions))
            struct.pack_into(f"={len(values)}I", asked, 16, *values)

    @staticmethod
    def _refuse(refused: bool, number: int = errno.EINVAL) -> None:
        if refused:
            raise OSError(number, os.strerror(number))


class FakeCapture:
    """cv2.VideoCapture of a fake node: as the real one, it says yes to everything and gives what the camera has."""

    def __init__(self, node: FakeNode) -> None:
        self.node = node
        self.values = {cv2.CAP_PROP_FRAME_WIDTH: 640.0, cv2.CAP_PROP_FRAME_HEIGHT: 480.0, cv2.CAP_PROP_FPS: 30.0}
        self.released = False

    def set(self, prop: int, value: float) -> bool:
        self.values[prop] = value
        return True

    def get(self, prop: int) -> float:
        modes = self.node.modes.get(self.pixel_format, {})
        asked = (self.values[cv2.CAP_PROP_FRAME_WIDTH], self.values[cv2.CAP_PROP_FRAME_HEIGHT])
        size = min(modes, key=lambda one: abs(one[0] - asked[0]) + abs(one[1] - asked[1]))
        given: dict[int, float] = {
            cv2.CAP_PROP_FRAME_WIDTH: size[0],
            cv2.CAP_PROP_FRAME_HEIGHT: size[1],
            cv2.CAP_PROP_FPS: min(modes[size], key=lambda rate: abs(rate - self.values[cv2.CAP_PROP_FPS])),
            cv2.CAP_PROP_FRAME_COUNT: -1,
        }
        return given.get(prop, 0.0)

    @property
    def pixel_format(self) -> str:
        code = int(self.values.get(cv2.CAP_PROP_FOURCC, 0))
        return code.to_bytes(4, "little").decode() if code else next(iter(self.node.modes))

    def isOpened(self) -> bool:
        return not self.node.busy

    def read(self) -> tuple[bool, Any]:
        size = int(self.get(cv2.CAP_PROP_FRAME_HEIGHT)), int(self.get(cv2.CAP_PROP_FRAME_WIDTH))
        pixels = np.zeros((*size, 3), np.uint8)
        pixels[0, 0] = 255
        return True, pixels

    def release(self) -> None:
        self.released = True


class FakeDev:
    """A /dev with fake nodes, for as long as the test lasts."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.nodes: dict[str, FakeNode] = {}
        self.captures: list[FakeCapture] = []
        self.questions = 0
        self._open = os.open
        monkeypatch.setattr(v4l2, "DEV", folder)
        monkeypatch.setattr(v4l2, "ioctl", self._ioctl)
        monkeypatch.setattr(os, "open", self._open_node)
        monkeypatch.setattr(cv2, "VideoCapture", self._capture)

    def plug_in(self, number: int, node: FakeNode) -> Path:
        path = self.folder / f"video{number}"
        path.touch()
        self.nodes[str(path)] = node
        return path

    def _open_node(self, path: Any, *arguments: Any, **named: Any) -> int:
        node = self.nodes.get(str(path))
        if node is not None and node.closed_to_us:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return self._open(path, *arguments, **named)

    def _ioctl(self, descriptor: int, number: int, asked: bytearray) -> int:
        self.questions += 1
        path = str(Path(f"/proc/self/fd/{descriptor}").readlink())
        if path not in self.nodes:
            raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))
        self.nodes[path].answer(number, asked)
        return 0

    def _capture(self, path: str, _library: int) -> FakeCapture:
        self.captures.append(FakeCapture(self.nodes[str(Path(path).resolve())]))
        return self.captures[-1]
