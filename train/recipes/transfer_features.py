"""A frozen backbone's features of variations of pictures: computed once, a few hundred pictures at a time, and kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.datasets.dataset import Dataset, cache_folder
from train.augment.colour import ColourAugmentation
from train.data.epochs import EpochInput, Examples
from train.fitting.callbacks import Callback
from train.recipes.resnet50_features import Features, kept_features

AT_A_TIME = 512
"""Pictures of one file: an interrupt costs no more, and only so many are varied at a time."""


def features_folder() -> Path:
    """Where features are kept: beside the downloads, fmnist-edge/transfer-features in the user's cache."""
    return cache_folder().parent / "transfer-features"


def compute_varied(
    extractor: Any,
    pictures: Dataset,
    augmentation: ColourAugmentation,
    variants: int,
    seed: int,
    callback: Callback,
) -> list[Features]:
    """The extractor's output for so many variations of each picture, the first of which is the picture itself.

    What a run computed before an interrupt, or another run of the same pictures, weights and variations, is read from
    the cache: 4 bytes a feature. It may be deleted at any time.
    """
    part = _Progress(callback, variants * len(pictures))
    varied = []
    for variant in range(variants):
        parts = []
        for at in range(0, len(pictures), AT_A_TIME):
            some = pictures.subset(np.arange(at, min(at + AT_A_TIME, len(pictures))))
            if variant:
                images = augmentation.varied(some.images, np.random.default_rng([seed, variant, at]))
                some = Dataset(images, some.labels, some.label_names, some.origin)
            parts.append(kept_features(extractor, some, features_folder(), part.tell, part))
            part.done += len(some)
        varied.append(Features(np.concatenate(parts), pictures.labels, pictures.label_names))
    return varied


class _Progress(Callback):
    """Counts the pictures of all variations as one, and says once what is computed, or cannot be kept."""

    def __init__(self, callback: Callback, total: int) -> None:
        self._callback, self._total, self.done = callback, total, 0
        self._told: set[str] = set()

    def tell(self) -> None:
        """Say what takes time."""
        self.note(f"computing features of {self._total:,} pictures and variations, once; kept in {features_folder()}")

    def note(self, text: str) -> None:
        """Take one line for people, once."""
        if text not in self._told:
            self._told.add(text)
            self._callback.note(text)

    def reading(self, what: str, done: int, total: int) -> None:
        """Take the progress within a file."""
        self._callback.reading(what, self.done + done, self._total)


@dataclass(frozen=True, slots=True)
class VariedFeatures:
    """Epochs of features: of each picture, one of its variations, by chance."""

    seed: int
    varied: Sequence[Features]
    identity: str = ""

    def epoch(self, training: Examples, epoch: int) -> EpochInput:
        """Features float32 (N, features) and class numbers (N,) in the epoch's order."""
        generator = np.random.default_rng([self.seed, epoch])
        order = generator.permutation(len(training))
        which = generator.integers(0, len(self.varied), len(training))
        features = np.empty_like(training.images)
        for number, one in enumerate(self.varied):
            chosen = np.flatnonzero(which == number)
            features[chosen] = one.images[order[chosen]]
        return EpochInput(features, training.labels[order])

    def inputs(self, data: Examples) -> NDArray[Any]:
        """Features that are only measured."""
        return data.images

    def targets(self, data: Examples) -> NDArray[Any]:
        """Their class numbers."""
        return data.labels
