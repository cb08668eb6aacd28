"""Which parts of a picture an answer rests on: a window is moved over it, and the answer watched.

What is hidden has the ground's colour where a garment was isolated, and is mid-grey in a whole frame.

Zeiler and Fergus 2014, arxiv.org/abs/1311.2901, section 4.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.spec import FASHION_MNIST_SIDE, Colour, Framing, ImageSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.inference.classifier import Classifier

WINDOW = 6
STEP = 2
"""Of a picture of 28 pixels a side; a larger one has a larger window, and about as many."""

MOST_WINDOWS = 256
"""Of any picture: so often the network is asked at most."""

_AT_ONCE_BYTES = 4_000_000
MID_GREY = 128


def occlusion_map(classifier: Classifier, picture: NDArray[np.uint8], label: str) -> NDArray[np.float32]:
    """How much of a label's probability is lost where the window lies: uint8 image.shape -> float32 (h, w), -1..1.

    Each pixel has the mean of the windows over it. Raises ValueError for a label that the model does not have.
    """
    number = classifier.labels.index(label)
    height, width = picture.shape[:2]
    window, corners = _windows(height, width)
    whole = classifier.probabilities(picture[np.newaxis])[0, number]
    scores = []
    some = max(1, _AT_ONCE_BYTES // picture.size)
    for first in range(0, len(corners), some):
        at = corners[first : first + some]
        hidden = np.repeat(picture[np.newaxis], len(at), axis=0)
        for one, (top, left) in zip(hidden, at, strict=True):
            one[top : top + window, left : left + window] = _colour_of_hidden(classifier.image)
        scores.append(classifier.probabilities(hidden)[:, number])
    lost = whole - np.concatenate(scores)
    summed, counted = np.zeros((height, width)), np.zeros((height, width))
    for loss, (top, left) in zip(lost.tolist(), corners, strict=True):
        summed[top : top + window, left : left + window] += loss
        counted[top : top + window, left : left + window] += 1
    return np.asarray(summed / np.maximum(counted, 1), np.float32)


def _colour_of_hidden(image: ImageSpec) -> int | tuple[int, ...]:
    """What a hidden pixel is, in the picture's channels."""
    match image.framing:
        case Framing.GARMENT_GREY:
            return 0
        case Framing.GARMENT_COLOUR:
            return image.ground if image.colour is Colour.RGB else image.ground[::-1]
        case _:
            return MID_GREY


def _windows(height: int, width: int) -> tuple[int, list[tuple[int, int]]]:
    """The side of the window, and its corners."""
    scale = max(1, min(height, width) // FASHION_MNIST_SIDE)
    while True:
        window, step = scale * WINDOW, scale * STEP
        rows, columns = _starts(height, window, step), _starts(width, window, step)
        if len(rows) * len(columns) <= MOST_WINDOWS:
            return window, [(top, left) for top in rows for left in columns]
        scale += 1


def _starts(length: int, window: int, step: int) -> list[int]:
    """Where windows begin, the last at the end."""
    return sorted({*range(0, max(1, length - window + 1), step), max(0, length - window)})
