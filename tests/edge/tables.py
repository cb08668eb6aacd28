"""A camera over a table: garments of the bundled samples come and go on a light ground, with a sensor's noise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge.opencv import cv2
from edge.sources.grammar import parse_sources
from edge.sources.pictures import read_image

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLES = {Path(one.where).stem: Path(one.where) for one in parse_sources(["samples:"])}
GROUND = 225
EMPTY = "-"
COVERED = "black"


def table(what: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A frame with a sample, an empty table or a covered lens: uint8 (480, 640, 3)."""
    pixels = np.full((480, 640, 3), 4 if what == COVERED else GROUND, np.uint8)
    if what not in {EMPTY, COVERED}:
        garment = cv2.resize(255 - read_image(SAMPLES[what]), (336, 336), interpolation=cv2.INTER_CUBIC)
        pixels[72:408, 152:488] = np.minimum(garment, GROUND)
    return np.clip(pixels + rng.integers(-2, 3, pixels.shape), 0, 255).astype(np.uint8)


def write_clip(path: Path, story: Sequence[str], codec: str = "FFV1", rate: int = 10) -> Path:
    """A video with a frame for each word of the story: a sample's name, EMPTY or COVERED."""
    rng = np.random.default_rng(0)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), rate, (640, 480))
    for what in story:
        writer.write(table(what, rng))
    writer.release()
    return path
