"""Frames turned and mirrored, for cameras that hang upside down or look into a mirror."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.choices import Flip, Rotation
from edge.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.frame import Frame, FrameSource

_ROTATIONS = {
    Rotation.RIGHT: cv2.ROTATE_90_CLOCKWISE,
    Rotation.HALF: cv2.ROTATE_180,
    Rotation.LEFT: cv2.ROTATE_90_COUNTERCLOCKWISE,
}
_FLIPS = {Flip.HORIZONTAL: 1, Flip.VERTICAL: 0, Flip.BOTH: -1}


def turned(pixels: NDArray[np.uint8], rotation: Rotation, flip: Flip | None) -> NDArray[np.uint8]:
    """A picture, uint8 (H, W, 3), turned clockwise, then mirrored; a quarter turn gives (W, H, 3)."""
    if rotation in _ROTATIONS:
        pixels = np.asarray(cv2.rotate(pixels, _ROTATIONS[rotation]), np.uint8)
    return pixels if flip is None else np.asarray(cv2.flip(pixels, _FLIPS[flip]), np.uint8)


def oriented(source: FrameSource, rotation: Rotation, flip: Flip | None) -> FrameSource:
    """A source whose frames are turned and mirrored; the source itself where nothing is to be done."""
    return source if rotation is Rotation.NONE and flip is None else _Oriented(source, rotation, flip)


class _Oriented:
    """The frames of another source, turned and mirrored; what else that source says of itself stays."""

    def __init__(self, source: FrameSource, rotation: Rotation, flip: Flip | None) -> None:
        self._source = source
        self._frames: Iterable[Frame] = ()
        self._rotation = rotation
        self._flip = flip

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._frames:
            yield replace(frame, pixels=turned(frame.pixels, self._rotation, self._flip))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._frames, name)

    def __enter__(self) -> _Oriented:
        self._frames = self._source.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._source.__exit__(kind, error, trace)
