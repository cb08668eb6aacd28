"""What flows through the runtime: frames in, predictions out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture: `pixels` uint8 (H, W, 3) in OpenCV's colour order, blue green red.

    `source` names where it came from, `index` counts within that source, `captured_at_s` is on the
    monotonic clock (in a video file: the time at which it would be played), and `read_ms` is how long it took to read
    and decode. `is_live` says that a camera delivers it now, and `dropped` how many frames of the camera were left out
    since the frame before. `unusable_because` tells a person why a frame must not be classified.
    """

    pixels: NDArray[np.uint8]
    source: str
    index: int
    captured_at_s: float
    read_ms: float
    is_live: bool = False
    unusable_because: str | None = None
    dropped: int = 0

    def __post_init__(self) -> None:
        if self.pixels.dtype != np.uint8 or self.pixels.ndim != 3 or self.pixels.shape[2] != 3:
            raise ValueError(f"expected uint8 (H, W, 3), got {self.pixels.dtype} {self.pixels.shape}")


FrameSource = AbstractContextManager[Iterable[Frame]]
"""Something that gives frames, and releases what it opened when its `with` block ends."""


class Decision(StrEnum):
    """What a prediction amounts to."""

    GARMENT = "garment"
    UNKNOWN = "unknown"
    """There is something, but the model is not sure enough what it is."""
    NO_GARMENT = "no_garment"
    """The picture is blank or empty, or the frame cuts off what it shows."""


@dataclass(frozen=True, slots=True)
class LabelScore:
    """A label and its probability, 0..1."""

    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """The ranked labels of one frame, most probable first (none where a frame is blank or empty).

    `latency_ms` holds a wall time per stage: read, preprocess, invoke. `time` is when the answer was there, in UTC, and
    `age_ms` how old a live source's frame was by then; None for pictures, files and pipes. `presence` says how sure it
    is that there is a garment at all, 0..1, from the mask alone; None for a picture that was no photo. `hint` tells a
    person what to do about a decision that is no label. `views` is how many views of the garment the network saw.
    """

    source: str
    frame: int
    decision: Decision
    ranked: tuple[LabelScore, ...]
    latency_ms: Mapping[str, float]
    presence: float | None = None
    hint: str | None = None
    time: datetime | None = None
    age_ms: float | None = None
    views: int = 0

    @property
    def best(self) -> LabelScore | None:
        """The most probable label, whatever the decision; None where a frame is blank or empty."""
        return self.ranked[0] if self.ranked else None
