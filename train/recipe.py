"""The steps of every recipe: open the run folder, load the pictures, train, measure on the test images once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from train.fitting.run_folder import EpochResult, RunFolder, open_run
from train.quiet import load_keras
from train.settings import Settings

if TYPE_CHECKING:
    from edge.spec import ImageSpec
    from train.data.splits import Parts
    from train.fitting.callbacks import Callback

Teach = Callable[["Parts", RunFolder, "Callback"], tuple[Any, list[EpochResult]]]
"""Trains on parts, with the run folder's checkpoints, and gives the Keras model and its history."""


def follow(
    settings: Settings,
    teach: Teach,
    *,
    data_dir: Path | None,
    out: Path,
    resume: bool,
    callback: Callback,
    held_out_per_class: int | None = None,
    figures: Mapping[str, Any] | None = None,
    image: ImageSpec | None = None,
    labels: tuple[str, ...] | None = None,
) -> dict[str, Any]:
    """Train as `teach` does, measure and write the run folder `out`; return what metrics.json holds.

    `figures`, which `teach` may fill, join the metrics. `image` is what the network sees of one's own pictures; None:
    what Fashion-MNIST shows. `labels`, if given, are a model's, by which the pictures' classes are numbered. Keras
    loads in here, so recipes import it in their functions.
    Raises the errors of load_parts, open_run, `teach` and conclude.
    """
    with open_run(out, settings, resume=resume) as folder:
        if folder.finished:
            callback.note(f"{out} is finished: nothing left to train")
            return folder.read_metrics()

        load_keras()
        from edge.datasets.image_folders import FASHION_MNIST_IMAGE
        from train.data.splits import Parts, load_parts
        from train.evaluation.results import conclude

        parts = load_parts(
            settings, data_dir, callback, held_out_per_class=held_out_per_class, image=image or FASHION_MNIST_IMAGE
        )
        if labels is not None:
            parts = Parts(*(part.numbered_as(labels) for part in (parts.training, parts.held_out, parts.test)))
        model, history = teach(parts, folder, callback)
        return conclude(model, history, parts.held_out, parts.test, folder, figures or {}, image)
