"""The three parts of a run's pictures: to train on, to watch the training with, to test the end with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge.dataset import Dataset, load, split_held_out

if TYPE_CHECKING:
    from train.fit import Watcher
    from train.settings import Settings


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Disjoint pictures with the same labels in the same order; the test images are looked at once, at the end."""

    training: Dataset
    held_out: Dataset
    test: Dataset


def load_parts(settings: Settings, data: Path | None, watcher: Watcher) -> Parts:
    """Load what a run with these settings needs: every recipe gets its pictures here.

    `data` is a folder with the data set; None finds or downloads Fashion-MNIST. Raises the errors of
    edge.dataset.load and split_held_out.
    """
    test = load("test", data, progress=watcher.downloading)  # now, lest it be missing at the end
    all_training = load("train", data, progress=watcher.downloading)
    rest, held_out = split_held_out(all_training, settings.validation_images)
    return Parts(rest.first(settings.limit) if settings.limit else rest, held_out, test)
