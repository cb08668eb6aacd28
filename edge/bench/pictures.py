"""The bundled pictures with their classes, and the files that are classified while time is taken.

The pictures are the first 30 of each class of the Fashion-MNIST test set (MIT; edge/samples/LICENSE);
scripts/make-bench-slice wrote them.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.bench.scenes import draw_scene
from edge.opencv import cv2
from edge.sources.grammar import Input, Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

SLICE = Path(__file__).parents[1] / "samples" / "fashion_mnist_300.npz"
OUTPUTS = Path(__file__).with_name("x86_outputs.npz")
_JPEG_QUALITY = 90


class Pictures(StrEnum):
    """What is classified while time is taken."""

    PHOTO = "photo"
    """Scenes of 640 x 480, as JPEG: a garment on a ground, which has to be found first."""
    PICTURE = "picture"
    """Pictures of 28 x 28, as PNG: the network's own input, or enlarged by repeating pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """Labelled pictures: uint8 (N, 28, 28) and class numbers uint8 (N,)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]


def load_slice() -> Slice:
    """The bundled pictures."""
    with np.load(SLICE) as archive:
        return Slice(archive["images"], archive["labels"])


def load_x86_outputs() -> Mapping[str, NDArray[Any]]:
    """What each bundled model answers to the slice on x86-64: SHA-256 of its flatbuffer -> raw outputs int8 (N, 10)."""
    with np.load(OUTPUTS) as archive:
        return dict(archive)


def write_pictures(folder: Path) -> dict[Pictures, list[Input]]:
    """Write the files to classify; the same bytes on every machine. Raises OSError.

    One garment of each class is photographed; of it and of two more there is the picture itself.
    """
    found = load_slice()
    chosen = [np.flatnonzero(found.labels == label)[:3].tolist() for label in range(10)]
    written: dict[Pictures, list[Input]] = {Pictures.PHOTO: [], Pictures.PICTURE: []}
    for number, (first, *_) in enumerate(chosen):
        scene = draw_scene(found.images[first], seed=number)
        jpeg = cv2.imencode(".jpg", scene, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1]
        written[Pictures.PHOTO].append(_write(folder / f"photo-{number}.jpg", jpeg.tobytes()))
    for number in itertools.chain(*chosen):
        png = cv2.imencode(".png", found.images[number])[1]
        written[Pictures.PICTURE].append(_write(folder / f"picture-{number}.png", png.tobytes()))
    return written


def _write(path: Path, content: bytes) -> Input:
    path.write_bytes(content)
    return Input(Kind.IMAGE, str(path))
