"""A new head learns on a frozen backbone's features; then, if asked, the backbone's top learns with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from train.data.epochs import EpochBuilder, Examples
from train.data.splits import Parts
from train.fitting.callbacks import Callback
from train.fitting.fit import fit, sha256_of
from train.fitting.run_folder import EpochResult, RunFolder
from train.recipes.backbone_head import connect, without_optimizer


@dataclass(frozen=True, slots=True)
class FrozenFeatures:
    """What gives the features, and those of both parts; `epochs` puts them in order, plainly unless given."""

    extractor: Any
    training: Examples
    held_out: Examples
    epochs: EpochBuilder | None = None


@dataclass(frozen=True, slots=True)
class FineTuning:
    """The second phase: so many `epochs` after the whole network went through `free`; `what` says what is freed.

    `shown` puts the pictures in order, plainly unless given.
    """

    epochs: int
    free: Callable[[Any], Any]
    what: str
    shown: EpochBuilder | None = None


def head_then_top(
    parts: Parts,
    folder: RunFolder,
    callback: Callback,
    compute: Callable[[], FrozenFeatures],
    build_head: Callable[..., Any],
    fine_tuning: FineTuning | None,
) -> tuple[Any, list[EpochResult]]:
    """Train in up to two phases: (whole network, history).

    `build_head(settings, classes, features=N)` makes the compiled head of features (N,).
    One checkpoint serves both: as long as its history is no longer than --epochs, it holds the head, later the whole.
    """
    epochs = folder.settings.epochs
    pictures = sha256_of(parts.training)
    done = len(folder.read_progress(pictures)) if folder.checkpoint.exists() else 0
    network: Any = None
    history: list[EpochResult] = []
    if done <= epochs:
        frozen = compute()
        head, history = fit(
            partial(build_head, features=frozen.extractor.output_shape[-1]),
            frozen.training,
            frozen.held_out,
            folder,
            callback,
            epoch_builder=frozen.epochs,
            phase=range(1, epochs + 1),
            data_sha256=pictures,
        )
        network = connect(frozen.extractor, without_optimizer(head))
        if fine_tuning is not None:
            callback.note(f"fine-tuning {fine_tuning.what}")
    if fine_tuning is None:
        return network, history
    free = fine_tuning.free
    phase = range(epochs + 1, epochs + fine_tuning.epochs + 1)
    return fit(
        lambda *_: free(network),
        parts.training,
        parts.held_out,
        folder,
        callback,
        epoch_builder=fine_tuning.shown,
        phase=phase,
    )
