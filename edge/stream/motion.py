"""Which frames are worth classifying: one in so many seconds, and those in which something moves.

Both generators look at one source's frames; the first frame always passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from edge.frame import Frame
from edge.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

LIKENESS_SIZE = (64, 48)
"""Width and height of a frame's likeness: so far averaged, a sensor's noise stays under two grey levels."""

SETTLE_S = 1.0
"""Frames are still classified so long after the last motion: until the hand is gone and the exposure has settled."""

_CLOCK_S = 1e-3  # video files tell their times in rounded milliseconds


def likeness(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A small grey picture of a frame, to compare it by: uint8 (H, W, 3) blue green red -> uint8 (48, 64)."""
    width, height = LIKENESS_SIZE
    # Every sixteenth pixel or more of each cell is enough; all those of a 1080p frame take ten times as long (8.6 ms).
    step = max(1, min(pixels.shape[0] // (4 * height), pixels.shape[1] // (4 * width)))
    sparse = np.ascontiguousarray(pixels[::step, ::step])
    small = cv2.resize(sparse, LIKENESS_SIZE, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)


def differ(one: NDArray[np.uint8], other: NDArray[np.uint8], threshold: float) -> bool:
    """Whether two likenesses, uint8 (48, 64), differ by more than `threshold` grey levels on average."""
    total = int(np.abs(one.astype(np.int16) - other.astype(np.int16)).sum(dtype=np.int64))
    return total > threshold * one.size


def spaced(frames: Iterable[Frame], interval_s: float) -> Iterator[Frame]:
    """Let at most one frame pass in `interval_s` seconds of capture time.

    The others are read all the same, so that a camera's queue never fills with old frames.
    """
    due_s = float("-inf")
    for frame in frames:
        if frame.captured_at_s >= due_s:
            due_s = frame.captured_at_s + interval_s - _CLOCK_S
            yield frame


def moving(frames: Iterable[Frame], threshold: float) -> Iterator[Frame]:
    """Let frames pass from the first that differs from the last one passed until all has been still for SETTLE_S.

    They differ by more than `threshold` grey levels on average. A slow change adds up, as the comparison is with the
    last frame that passed. A new flaw counts as motion, too, for a camera that freezes shows none.
    """
    last: tuple[NDArray[np.uint8], str | None] | None = None
    moved_at_s = 0.0
    for frame in frames:
        look = likeness(frame.pixels)
        if last is None or frame.flaw != last[1] or differ(look, last[0], threshold):
            moved_at_s = frame.captured_at_s
        elif frame.captured_at_s - moved_at_s > SETTLE_S:
            continue
        last = look, frame.flaw
        yield frame
