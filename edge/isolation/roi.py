"""A region of interest: the part of each frame that is classified."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from edge.errors import BadOption, SourceError
from edge.frame import Frame

GRAMMAR = "--roi 120,40,400,400 (pixels) or --roi 0.2,0.1,0.6,0.8 (fractions): left, top, width, height"


@dataclass(frozen=True, slots=True)
class Roi:
    """Left, top, width and height: whole pixels, or fractions 0..1 of the frame's width and height."""

    left: float
    top: float
    width: float
    height: float
    is_fraction: bool

    def pixels_of(self, frame: Frame) -> tuple[slice, slice]:
        """Rows and columns of the region in a frame. Raises SourceError if the frame does not hold it all."""
        high, wide = frame.pixels.shape[:2]
        if self.is_fraction:
            left, top = int(self.left * wide), int(self.top * high)
            right = max(round((self.left + self.width) * wide), left + 1)
            bottom = max(round((self.top + self.height) * high), top + 1)
        else:
            left, top = int(self.left), int(self.top)
            right, bottom = left + int(self.width), top + int(self.height)
        if right > wide or bottom > high:
            raise SourceError(
                f"--roi {left},{top},{right - left},{bottom - top} reaches outside {frame.source}, "
                f"whose frames are {wide} x {high}",
                "make it smaller, or give fractions, which fit every size: --roi 0.2,0.1,0.6,0.8",
            )
        return slice(top, bottom), slice(left, right)


def parse_roi(text: str) -> Roi:
    """Read `x,y,w,h`: fractions if there is a decimal point or none is above 1, else pixels. Raises BadOption."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 4 or not all(re.fullmatch(r"\d+(\.\d*)?|\.\d+", part) for part in parts):
        raise BadOption(f"--roi {text}: expected four numbers", GRAMMAR)
    left, top, width, height = numbers = [float(part) for part in parts]
    is_fraction = "." in text or max(numbers) <= 1
    if not (width and height):
        raise BadOption(f"--roi {text} is empty", GRAMMAR)
    if is_fraction and (max(numbers) > 1 or left + width > 1 or top + height > 1):
        raise BadOption(f"--roi {text} reaches outside the frame, which is 0,0,1,1 in fractions", GRAMMAR)
    return Roi(left, top, width, height, is_fraction)


def cropped(frames: Iterable[Frame], roi: Roi) -> Iterator[Frame]:
    """Each frame's region of interest. Raises SourceError for a frame that does not hold it."""
    for frame in frames:
        yield replace(frame, pixels=np.ascontiguousarray(frame.pixels[roi.pixels_of(frame)]))
