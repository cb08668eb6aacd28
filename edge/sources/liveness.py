"""Black frames and frozen cameras.

A sensor's noise never repeats: a live camera that gives the same frame again, to the bit, has frozen. Only where the
noise is cut off may it repeat, in the dark and in glaring light. Files may repeat their frames as they like.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from edge.frame import Frame
from edge.thumbnail import thumbnail

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLACK = 16
"""A frame whose thumbnail is darker than this everywhere is black: a covered sensor's noise, or video's own black."""

FROZEN_FRAMES = 4
"""So many equal frames are no chance. A camera of two frames a second gives them in 1.5 s."""

BLACK_HINT = "the frame is black: is the lens covered, the light on?"
FROZEN_HINT = "the camera repeats one frame to the bit: it has frozen"


class Sameness:
    """How long a live source has been giving black frames, or one and the same frame. It is shown each frame."""

    def __init__(self) -> None:
        self._previous: Frame | None = None
        self._equal = 1
        self._equal_since_s = 0.0
        self._repeats = False
        self._counts_anew = False
        self._black_since_s: float | None = None
        self._now_s = 0.0

    def see(self, frame: Frame) -> None:
        """Take the next frame into account."""
        self._now_s = frame.captured_at_s
        if not is_black(frame.pixels):
            self._black_since_s = None
        elif self._black_since_s is None:
            self._black_since_s = frame.captured_at_s
        previous = self._previous
        self._repeats = previous is not None and not self.is_black and _are_equal(frame.pixels, previous.pixels)
        if self._repeats and not self._counts_anew:
            self._equal += 1
        else:
            self._equal, self._equal_since_s = 1, frame.captured_at_s
        self._counts_anew = False
        self._previous = frame

    def count_anew(self) -> None:
        """Begin to count with the next frame: the source was opened again, and has to show that it is still frozen."""
        self._counts_anew = True

    @property
    def is_black(self) -> bool:
        """Whether the frame seen last is black."""
        return self._black_since_s is not None

    @property
    def black_s(self) -> float:
        """Seconds from the first to the last of the black frames seen last; 0 if the last one is not black."""
        return 0.0 if self._black_since_s is None else self._now_s - self._black_since_s

    @property
    def repeats(self) -> bool:
        """Whether the frame seen last is the one before, to the bit."""
        return self._repeats

    @property
    def frozen_s(self) -> float:
        """Seconds from the first to the last of the equal frames seen last; 0 while they are fewer than four."""
        return self._now_s - self._equal_since_s if self._equal >= FROZEN_FRAMES else 0.0


def mark_unusable(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Mark the black frames of a source, so that they are never classified."""
    return map(marked, frames)


def marked(frame: Frame) -> Frame:
    """The frame, marked if it is black."""
    return mark_black(frame) if is_black(frame.pixels) else frame


def mark_black(frame: Frame) -> Frame:
    """A black frame that must not be classified."""
    return replace(frame, unusable_because=BLACK_HINT)


def is_black(pixels: NDArray[np.uint8]) -> bool:
    """Whether a uint8 (H, W, 3) frame is black all over; bright dots of a hot sensor aside."""
    few = pixels[::16, ::16]  # they tell most frames from a black one
    return int(few.sum()) < 2 * BLACK * few.size and int(thumbnail(pixels).max()) < BLACK


def _are_equal(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    """Whether two frames are equal to the bit, and not of one value all over; a few rows tell most frames apart."""
    equal = one.shape == other.shape and np.array_equal(one[::32], other[::32]) and np.array_equal(one, other)
    return equal and bool((one != one[0, 0, 0]).any())
