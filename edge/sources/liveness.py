"""Black frames and frozen cameras: marked, so that they are never classified.

A sensor's noise never repeats: a live camera that gives the same frame again, to the bit, has frozen. Only where the
noise is cut off may it repeat, in the dark and in glaring light. Files may repeat their frames as they like.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from edge.errors import CameraLost
from edge.frame import Frame
from edge.thumbnail import thumbnail

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLACK = 16
"""A frame whose thumbnail is darker than this everywhere is black: a covered sensor's noise, or video's own black."""

FROZEN_FRAMES = 5
FROZEN_S = 2.0
"""So many equal frames over so many seconds are no chance. Network cameras repeat a still scene until the next key
frame, which comes every second or two."""

LOST_S = 10.0
"""After so long the camera will not come back by itself, and a slow network camera would have sent a key frame."""

BLACK_HINT = "the frame is black: is the lens covered, the light on?"
FROZEN_HINT = "the camera repeats one frame to the bit: it has frozen"


def mark_unusable(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Mark the black and frozen frames of one source with their unusable_because.

    Raises CameraLost when a live camera stays frozen for LOST_S.
    """
    previous: Frame | None = None
    equal, since_s = 1, 0.0
    for frame in frames:
        black = is_black(frame.pixels)
        if frame.is_live and previous is not None and not black and _repeats(frame.pixels, previous.pixels):
            equal += 1
        else:
            equal, since_s = 1, frame.captured_at_s
        previous = frame
        frozen_s = frame.captured_at_s - since_s if equal >= FROZEN_FRAMES else 0.0
        if frozen_s >= LOST_S:
            raise CameraLost(
                f"{frame.source} has frozen: one and the same frame for {frozen_s:.0f} s",
                "unplug the camera and plug it in again, or restart it",
            )
        if black:
            yield replace(frame, unusable_because=BLACK_HINT)
        elif frozen_s >= FROZEN_S:
            yield replace(frame, unusable_because=FROZEN_HINT)
        else:
            yield frame


def is_black(pixels: NDArray[np.uint8]) -> bool:
    """Whether a uint8 (H, W, 3) frame is black all over; bright dots of a hot sensor aside."""
    # A few pixels tell most frames from a black one.
    return float(pixels[::16, ::16].mean()) < 2 * BLACK and int(thumbnail(pixels).max()) < BLACK


def _repeats(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    """Whether two frames are equal to the bit, and not of one value all over; a few rows tell most frames apart."""
    equal = one.shape == other.shape and np.array_equal(one[::32], other[::32]) and np.array_equal(one, other)
    return equal and bool((one != one[0, 0, 0]).any())
