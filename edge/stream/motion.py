"""Which frames are worth classifying: one in so many seconds, and those in which something moves.

Both generators look at one source's frames; the first frame always passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from edge.frame import Frame
from edge.thumbnail import differ, thumbnail

if TYPE_CHECKING:
    from numpy.typing import NDArray

SETTLE_S = 1.0
"""Frames are still classified so long after the last motion: until the hand is gone and the exposure has settled."""

_CLOCK_S = 1e-3  # video files tell their times in rounded milliseconds


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
    last frame that passed. A new unusable_because counts as motion, too, for a camera that freezes shows none.
    """
    last: tuple[NDArray[np.uint8], str | None] | None = None
    moved_at_s = 0.0
    for frame in frames:
        look = thumbnail(frame.pixels)
        if last is None or frame.unusable_because != last[1] or differ(look, last[0], threshold):
            moved_at_s = frame.captured_at_s
        elif frame.captured_at_s - moved_at_s > SETTLE_S:
            continue
        last = look, frame.unusable_because
        yield frame
