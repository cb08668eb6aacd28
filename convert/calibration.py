"""Which pictures calibrate the quantiser: some of those that training never saw."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.dataset import Dataset, split_held_out
from edge.errors import BadOption

DEFAULT_IMAGES = 200
"""Enough for min-max ranges; a smaller data set gives as many as training held out."""


SCORED_IMAGES = 2000
"""Held-out pictures, none of those that calibrate, on which the rules are compared: a tenth of a point shows."""

SCORED_IMAGES_OF_LARGE = 500
LARGE_BYTES = 8 << 20
"""Of a float model that takes minutes for more."""


def choose(training: Dataset, held_out: int, images: int | None, seed: int) -> tuple[NDArray[np.uint8], Dataset]:
    """Draw pictures that calibrate, uint8 (images, 28, 28), and others to compare rules on.

    Both come from the `held_out` pictures of the training split that training leaves alone (edge.dataset), as
    equally many of each class as can be; the test split stays for the proof. Where all are needed to calibrate, the
    rules are compared on the same. `images` None stands for the default. Raises BadOption if more are asked for
    than are held out.
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
    dealt = reserve.subset(np.argsort(order))
    others = np.arange(images if len(dealt) >= 2 * images else 0, len(dealt))
    return dealt.images[:images], dealt.subset(others[:SCORED_IMAGES])
