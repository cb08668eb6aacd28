"""Calibration pictures: some of those held out of training, or the user's own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.datasets.dataset import Dataset, reserved
from edge.errors import BadOption

DEFAULT_IMAGES = 200
"""Enough for min-max ranges; a smaller data set gives as many as training held out."""


SCORED_IMAGES = 2000
"""Held-out pictures, none of those that calibrate, on which the rules are compared: a tenth of a point shows."""

FIRST_LOOK_IMAGES = 500
"""Of a large model, what every rule is compared on before the better ones are on all."""

LARGE_BYTES = 8 << 20
"""Of a float model that takes a minute and more for all rules on all pictures."""


def choose(
    training: Dataset, held_out: int, images: int | None, seed: int, own: NDArray[np.uint8] | None = None
) -> tuple[NDArray[np.uint8], Dataset]:
    """Draw pictures that calibrate, uint8 (images, *of one), and others to compare rules on.

    Both come from the `held_out` pictures of the training split that training leaves alone (edge.datasets.dataset),
    with equal numbers of each class where possible; the test split stays for the parity check. Where all are needed to
    calibrate, the rules are compared on the same pictures. `own` pictures, uint8 (N, height, width), take the place of
    those that calibrate, not of those that compare. `images` None stands for the default. Raises BadOption if more are
    asked for than there are.
    """
    dealt = _deal(training.subset(np.flatnonzero(reserved(training, held_out))), seed)
    if own is not None:
        wanted = _count(images, len(own), "--representative holds {} different ones")
        return own[np.random.default_rng(seed).permutation(len(own))[:wanted]], dealt.first(SCORED_IMAGES)
    wanted = _count(images, len(dealt), "training held out {}")
    others = np.arange(wanted if len(dealt) >= 2 * wanted else 0, len(dealt))
    return dealt.images[:wanted], dealt.subset(others[:SCORED_IMAGES])


def _count(images: int | None, there: int, said: str) -> int:
    """Number of calibration pictures, of those available."""
    if images is None:
        return min(DEFAULT_IMAGES, there)
    if images > there:
        raise BadOption(
            f"{images} calibration images are asked for, but {said.format(there)}",
            f"--calibration-images {there} or fewer",
        )
    return images


def _deal(reserve: Dataset, seed: int) -> Dataset:
    """Shuffle within each class, then deal class by class: any beginning is balanced to within one."""
    generator = np.random.default_rng(seed)
    classes = len(reserve.label_names)
    order = np.empty(len(reserve), np.int64)
    for number in range(classes):
        members = np.flatnonzero(reserve.labels == number)
        order[generator.permutation(members)] = np.arange(len(members)) * classes + number
    return reserve.subset(np.argsort(order))
