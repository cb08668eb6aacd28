"""Asks the kernel's video nodes what they are: by Video4Linux's own queries, without a library.

linuxpy answers the same for 17 MB of memory and a tenth of a second, which a Pi Zero 2 W has not to spare. Numbers
and layouts are those of linux/videodev2.h, which are the same on every 64-bit machine.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fcntl import ioctl
from itertools import islice
from pathlib import Path
from typing import Any

DEV = Path("/dev")

QUERYCAP = (0x80685600, struct.Struct("16s32s32s3I12x"))  # v4l2_capability
ENUM_FMT = (0xC0405602, struct.Struct("3I32sI16x"))  # v4l2_fmtdesc
ENUMINPUT = (0xC050561A, struct.Struct("I32sI40x"))  # v4l2_input
ENUM_FRAMESIZES = (0xC02C564A, struct.Struct("3I6I8x"))  # v4l2_frmsizeenum
ENUM_FRAMEINTERVALS = (0xC034564B, struct.Struct("5I6I8x"))  # v4l2_frmivalenum

VIDEO_CAPTURE = 0x00000001
IO_MC = 0x20000000
"""The node does nothing until a media controller (libcamera) has wired it up."""
DEVICE_CAPS = 0x80000000
_DISCRETE = 1

_LIBCAMERAS = frozenset({"unicam", "rp1-cfe"})
"""Drivers of a Raspberry Pi's ribbon cable. Before Linux 6.6 unicam does not say IO_MC."""
_MOST = 256
"""A driver that enumerates without end is not followed further."""


@dataclass(frozen=True, slots=True)
class Mode:
    """A pixel format (as a four-character code) in one size, and its rates in frames a second, fastest first.

    Where a driver offers every size up to one, it is the largest; where it offers every rate, they are the fastest
    and the slowest.
    """

    pixel_format: str
    width: int
    height: int
    rates: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class VideoNode:
    """What a /dev/video node says of itself."""

    path: Path
    name: str
    driver: str
    captures: bool
    """It delivers pictures; metadata nodes and most codecs do not."""
    has_input: bool
    """They come from somewhere outside: an ISP, which turns memory into memory, has no input."""
    needs_libcamera: bool
    modes: tuple[Mode, ...]

    @property
    def is_camera(self) -> bool:
        """Whether it can be opened as a camera."""
        return self.captures and self.has_input and bool(self.modes) and not self.needs_libcamera


def node_paths() -> list[Path]:
    """The /dev/video nodes, by number."""
    numbers = (path.name.removeprefix("video") for path in DEV.glob("video*"))
    return [DEV / f"video{number}" for number in sorted(int(one) for one in numbers if one.isdecimal())]


def ask(path: Path, *, briefly: bool = False) -> VideoNode:
    """What a node is and what it can do; a camera that another program uses answers, too.

    Asked `briefly` it tells one mode, enough to know that it is a camera: some have thousands of rates to ask for.
    Raises OSError: no such node, no permission, or no video device.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        driver, card, _bus, _version, all_caps, device_caps = _query(descriptor, QUERYCAP)
        caps = device_caps if all_caps & DEVICE_CAPS else all_caps
        captures = bool(caps & VIDEO_CAPTURE)
        return VideoNode(
            path,
            _text(card),
            _text(driver),
            captures,
            captures and _try(descriptor, ENUMINPUT, 0) is not None,
            captures and (bool(caps & IO_MC) or _text(driver) in _LIBCAMERAS),
            tuple(islice(_modes(descriptor), 1 if briefly else None)) if captures else (),
        )
    finally:
        os.close(descriptor)


def _modes(descriptor: int) -> Iterator[Mode]:
    for index in range(_MOST):
        format_ = _try(descriptor, ENUM_FMT, index, VIDEO_CAPTURE)  # the buffer type's number is 1, too
        if format_ is None:
            return
        code = format_[4]
        for width, height in _sizes(descriptor, code):
            yield Mode(_format_name(code), width, height, tuple(_rates(descriptor, code, width, height)))


def _sizes(descriptor: int, code: int) -> Iterator[tuple[int, int]]:
    for index in range(_MOST):
        found = _try(descriptor, ENUM_FRAMESIZES, index, code)
        if found is None:
            return
        if found[2] != _DISCRETE:
            yield found[4], found[7]  # smallest, largest and step of the width, then of the height
            return
        yield found[3], found[4]


def _rates(descriptor: int, code: int, width: int, height: int) -> list[float]:
    rates: set[float] = set()
    for index in range(_MOST):
        found = _try(descriptor, ENUM_FRAMEINTERVALS, index, code, width, height)
        if found is None:
            break
        # Seconds for a frame as fractions: one, or the shortest, the longest and the step.
        fractions = [found[5:7]] if found[4] == _DISCRETE else [found[5:7], found[7:9]]
        rates |= {round(below / above, 2) for above, below in fractions if above and below}
        if found[4] != _DISCRETE:
            break
    return sorted(rates, reverse=True)


def _query(descriptor: int, query: tuple[int, struct.Struct], *given: int) -> tuple[Any, ...]:
    number, layout = query
    asked = bytearray(layout.size)
    struct.pack_into(f"={len(given)}I", asked, 0, *given)
    ioctl(descriptor, number, asked)
    return layout.unpack(asked)


def _try(descriptor: int, query: tuple[int, struct.Struct], *given: int) -> tuple[Any, ...] | None:
    """One answer of an enumeration; None behind its end, and where the driver does not know the question."""
    try:
        return _query(descriptor, query, *given)
    except OSError as error:
        if error.errno in {errno.EINVAL, errno.ENOTTY, errno.ENODATA}:
            return None
        raise


def _format_name(code: int) -> str:
    """YUYV; with the highest bit set, the same format in the other byte order, which v4l2-ctl calls XR24-BE."""
    return _text(struct.pack("<I", code & 0x7FFFFFFF)) + ("-BE" if code >> 31 else "")


def _text(content: bytes) -> str:
    return content.split(b"\0")[0].decode("utf-8", "replace").strip()
