"""What flows through the runtime: frames in, predictions out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture: `pixels` uint8 (H, W, 3) in OpenCV's colour order, blue green red.

    `source` names where it came from, `index` counts within that source, `captured_at_s` is on the
    monotonic clock, and `read_ms` is how long it took to read and decode.
    """

    pixels: NDArray[np.uint8]
    source: str
    index: int
    captured_at_s: float
    read_ms: float

    def __post_init__(self) -> None:
        if self.pixels.dtype != np.uint8 or self.pixels.ndim != 3 or self.pixels.shape[2] != 3:
            raise ValueError(f"expected uint8 (H, W, 3), got {self.pixels.dtype} {self.pixels.shape}")


class Decision(StrEnum):
    """What a prediction amounts to."""

    GARMENT = "garment"
    NO_GARMENT = "no_garment"
    """The picture is blank: without contrast there is nothing to classify."""


@dataclass(frozen=True, slots=True)
class LabelScore:
    """A label and its probability, 0..1."""

    label: str
    score: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """The ranked labels of one frame, most probable first (none where there is no garment).

    `latency_ms` holds a wall time per stage: read, preprocess, invoke.
    """

    source: str
    frame: int
    decision: Decision
    ranked: tuple[LabelScore, ...]
    latency_ms: Mapping[str, float]

    @property
    def best(self) -> LabelScore | None:
        """The most probable label, or None where there is no garment."""
        return self.ranked[0] if self.ranked else None
