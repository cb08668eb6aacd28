"""Which training images are easy, found by a network of random features in seconds, before any training.

Half of Fashion-MNIST's images (trousers, bags, most shoes) are learned in the first epoch and teach little after it.
An epoch may show a part of them only, with the weight of all, and take a good deal less time. Leaving out what is
easy: Paul et al. 2021, arxiv.org/abs/2107.07075; weighting what stays: Qin et al. 2024, arxiv.org/abs/2303.04947.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.augment.basic import one_hot

EASY = 0.6
"""The part of the images that counts as easy: the network of random features has all of Fashion-MNIST's right."""

FEATURES = 1500
RIDGE = 1e-3
CHUNK = 5000


@dataclass(frozen=True, slots=True)
class HardExampleSampler:
    """Shows every hard image once an epoch and a part of the easy ones, at random."""

    hard: NDArray[np.int64]
    easy: NDArray[np.int64]
    part: float

    def __len__(self) -> int:
        """How many images an epoch shows."""
        return len(self.hard) + self._easy_shown

    @property
    def _easy_shown(self) -> int:
        return round(self.part * len(self.easy))

    def __call__(self, generator: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Numbers of the images of an epoch, mixed, and the factors of their losses: easy ones stand for all easy."""
        shown = self._easy_shown
        chosen = np.concatenate([self.hard, generator.choice(self.easy, shown, replace=False)])
        weights = np.ones(len(chosen), np.float32)
        weights[len(self.hard) :] = len(self.easy) / max(shown, 1)
        order = generator.permutation(len(chosen))
        return chosen[order], weights[order] / weights.mean()


def choose(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], classes: int, part: float
) -> HardExampleSampler | None:
    """Show this part of the easy images; None where it is all of them.

    Images uint8 (N, height, width) with class numbers (N,).
    """
    if part >= 1:
        return None
    order = np.argsort(margins(images, labels, classes), kind="stable")
    hard = len(order) - int(EASY * len(order))
    return HardExampleSampler(np.sort(order[:hard]), np.sort(order[hard:]), part)


def margins(images: NDArray[np.uint8], labels: NDArray[np.uint8], classes: int) -> NDArray[np.float32]:
    """By how much an image's own class leads the others, float32 (N,): the larger, the easier; below 0, mistaken.

    Ridge regression of one-hot classes on random ReLU features of the bytes (N, height, width): the same images give
    the same margins on the same machine.
    """
    generator = np.random.default_rng(0)
    pixels = images[0].size
    weights = generator.normal(0, (2 / pixels) ** 0.5, (pixels, FEATURES)).astype(np.float32)
    targets = one_hot(labels, classes, 0.0)
    gram = np.zeros((FEATURES + 1, FEATURES + 1))
    moments = np.zeros((FEATURES + 1, classes))
    for start in range(0, len(images), CHUNK):
        features = _features(images[start : start + CHUNK], weights)
        gram += features.T @ features
        moments += features.T @ targets[start : start + CHUNK]
    gram[np.diag_indices_from(gram)] += RIDGE * len(images)
    solution = np.linalg.solve(gram, moments).astype(np.float32)
    scores = np.concatenate(
        [_features(images[start : start + CHUNK], weights) @ solution for start in range(0, len(images), CHUNK)]
    )
    own = scores[np.arange(len(labels)), labels]
    scores[np.arange(len(labels)), labels] = -np.inf
    return np.asarray(own - scores.max(axis=1), np.float32)


def _features(images: NDArray[np.uint8], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Random features of images, and a one for the bias: float32 (N, FEATURES + 1)."""
    flat = images.reshape(len(images), -1).astype(np.float32) / 255 - np.float32(0.3)
    return np.concatenate([np.maximum(flat @ weights, 0), np.ones((len(images), 1), np.float32)], axis=1)
