"""Which pictures calibrate the quantiser: some of those that training never saw."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.dataset import Dataset, split_held_out
from edge.errors import BadOption

DEFAULT_IMAGES = 200
"""Enough for min-max ranges; a smaller data set gives as many as training held out."""


def choose(training: Dataset, held_out: int, images: int | None, seed: int) -> NDArray[np.uint8]:
    """Draw calibration pictures uint8 (images, 28, 28), as equally many of each class as can be.

    They come from the `held_out` pictures of the training split that training leaves alone (edge.dataset); the
    test split stays for the proof. None stands for the default. Raises BadOption if more are asked for than are
    held out.
    """
    _, reserve = split_held_out(training, held_out)
    if images is None:
        images = min(DEFAULT_IMAGES, len(reserve))
    if images > len(reserve):
        raise BadOption(
            f"{images} calibration images are asked for, but training held out {len(reserve)}",
            f"--calibration-images {len(reserve)} or fewer",
        )
    generator = np.random.default_rng(seed)
    classes = len(reserve.label_names)
    # Shuffled within each class, then dealt class by class: any beginning of the list is balanced to within one.
    order = np.empty(len(reserve), np.int64)
    for number in range(classes):
        members = np.flatnonzero(reserve.labels == number)
        order[generator.permutation(members)] = np.arange(len(members)) * classes + number
    return reserve.images[np.argsort(order)[:images]]
