"""Which parts of a picture an answer rests on: a window of ground is moved over it, and the answer watched.

Zeiler and Fergus 2014, arxiv.org/abs/1311.2901, section 4.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.spec import FASHION_MNIST_SIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.inference.classifier import Classifier

WINDOW = 6
STEP = 2
"""Of a picture of 28 pixels a side; a larger one has a larger window, and as many."""


def occlusion_map(classifier: Classifier, picture: NDArray[np.uint8], label: str) -> NDArray[np.float32]:
    """How much of a label's probability is lost where the window lies: uint8 (height, width) -> float32 (same), -1..1.

    Each pixel has the mean of the windows over it. Raises ValueError for a label that the model does not have.
    """
    number = classifier.labels.index(label)
    height, width = picture.shape
    scale = max(1, min(height, width) // FASHION_MNIST_SIDE)
    window, step = scale * WINDOW, scale * STEP
    corners = [(top, left) for top in _starts(height, window, step) for left in _starts(width, window, step)]
    hidden = np.repeat(picture[np.newaxis], len(corners), axis=0)
    for one, (top, left) in zip(hidden, corners, strict=True):
        one[top : top + window, left : left + window] = 0
    whole = classifier.probabilities(picture[np.newaxis])[0, number]
    lost = whole - classifier.probabilities(hidden)[:, number]
    summed, counted = np.zeros((height, width)), np.zeros((height, width))
    for loss, (top, left) in zip(lost.tolist(), corners, strict=True):
        summed[top : top + window, left : left + window] += loss
        counted[top : top + window, left : left + window] += 1
    return np.asarray(summed / np.maximum(counted, 1), np.float32)


def _starts(length: int, window: int, step: int) -> list[int]:
    """Where windows begin, the last at the end."""
    return sorted({*range(0, max(1, length - window + 1), step), max(0, length - window)})
