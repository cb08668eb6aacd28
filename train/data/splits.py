"""The three parts of a run's pictures: to train on, to watch the training with, to test the end with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from edge.datasets.dataset import LARGEST_DEFAULT_PER_CLASS, Dataset, default_held_out, load, split_held_out
from edge.datasets.image_folders import FASHION_MNIST_IMAGE
from edge.errors import DatasetDamaged

if TYPE_CHECKING:
    from edge.spec import ImageSpec
    from train.settings import Settings


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Disjoint pictures with the same labels in the same order; the test images are looked at once, at the end."""

    training: Dataset
    held_out: Dataset
    test: Dataset


class DataProgress(Protocol):
    """Is told how the data set is found and read; train.fitting.callbacks.Callback is one."""

    def note(self, text: str) -> None:
        """Take one line for people."""
        ...

    def downloading(self, name: str, done: int, total: int) -> None:
        """Take the state of a download: file, bytes done, bytes in all (0: unknown)."""
        ...

    def reading(self, what: str, done: int, total: int) -> None:
        """Take how many picture files are read, and how many there are."""
        ...


def load_parts(
    settings: Settings,
    data: Path | None,
    progress: DataProgress,
    *,
    held_out_per_class: int | None = None,
    image: ImageSpec = FASHION_MNIST_IMAGE,
) -> Parts:
    """Load what a run with these settings needs: every recipe gets its pictures here.

    `data` is a folder with Fashion-MNIST or with pictures of one's own, which become what `image` says; None finds or
    downloads Fashion-MNIST.
    Unless the settings say how many are held out, it is a tenth of the smallest class of each class, at most
    `held_out_per_class` of each: a recipe of which many variants are compared wants more, small data has fewer.
    Raises the errors of edge.datasets.dataset.load and split_held_out.
    """
    # The test images first, lest they be missing at the end.
    test, all_training = (
        load(split, data, progress=progress.downloading, reading=progress.reading, image=image)
        for split in ("test", "train")
    )
    if test.label_names != all_training.label_names:
        raise DatasetDamaged("the training and the test data have different labels")
    wanted = settings.validation_images or default_held_out(
        all_training, held_out_per_class or LARGEST_DEFAULT_PER_CLASS
    )
    rest, held_out = split_held_out(all_training, wanted)
    copies = len(_digests(test) & _digests(all_training))
    if copies:
        progress.note(f"{copies:,} of the test images are among the training data too: the test accuracy flatters")
    return Parts(rest.first(settings.limit) if settings.limit else rest, held_out, test)


def _digests(data: Dataset) -> set[bytes]:
    return {hashlib.sha256(picture.tobytes()).digest() for picture in data.images}
