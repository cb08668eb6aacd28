"""What the commands of `fmnist-train` share: options, and running a recipe with progress on the terminal."""

from __future__ import annotations

import importlib.util
import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from edge.cli import console
from train.settings import LARGEST_SEED, Settings

SeedOption = Annotated[
    int, typer.Option(min=0, max=LARGEST_SEED, help="Fixes the first weights and every epoch's order.")
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        "--data-dir",
        metavar="DIR",
        help="Your own pictures, train/CLASS/*.png and test/CLASS/*.png, or a folder with Fashion-MNIST; "
        "without it, Fashion-MNIST is found or downloaded.",
    ),
]
OutOption = Annotated[Path, typer.Option(help="Folder to write the run to.")]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Continue the run in --out.")]
ValidationOption = Annotated[
    int | None,
    typer.Option(
        min=2,
        help="Training images held out to watch the training, a multiple of the number of classes; "
        "a tenth of the smallest class of each class, at most 200, if not given.",
    ),
]
TensorBoardOption = Annotated[
    bool | None,
    typer.Option(
        "--tensorboard/--no-tensorboard",
        help="Write OUT/tensorboard for TensorBoard; done if the extra `tensorboard` is installed.",
        show_default=False,
    ),
]
TeacherOption = Annotated[
    list[Path] | None,
    typer.Option(metavar="RUN", help="Learn from this run's model, too; more than once for several."),
]
AverageOption = Annotated[float, typer.Option(help="Momentum of the weights' moving average; 0 for none.")]
WeightDecayOption = Annotated[float, typer.Option(help="Of kernels.")]
PrecisionOption = Annotated[
    str, typer.Option(help="float32, or bfloat16, which newer processors compute in two thirds of the time.")
]
LimitOption = Annotated[int | None, typer.Option(min=1, help="Train on this many images only.")]

S = TypeVar("S", bound=Settings)

Recipe = Callable[..., dict[str, Any]]
"""A recipe's `train(settings, *, data_dir, out, resume, callback)`, which gives what metrics.json holds."""


def run_recipe(
    recipe: Recipe,
    settings: Settings,
    data: Path | None,
    out: Path,
    resume: bool,
    command: str | None = None,
    *,
    tensorboard: bool | None = None,
) -> None:
    """Run a recipe with progress on the terminal, and print its results.

    `tensorboard` None writes its log if the package is there; True insists. Raises MissingExtra, and what the
    recipe raises.
    """
    console.require_extra("train", ("keras", os.environ.get("KERAS_BACKEND", "tensorflow"), "matplotlib", "rich"))
    if tensorboard:
        console.require_extra("tensorboard", ("tensorboardX",))
    from train.fitting.callbacks import CallbackList
    from train.fitting.progress import ProgressDisplay
    from train.fitting.tensorboard import EventLog

    with ProgressDisplay() as screen, EventLog(out / "tensorboard") as log:
        silent = tensorboard is False or importlib.util.find_spec("tensorboardX") is None
        callback = screen if silent else CallbackList(screen, log)
        try:
            metrics = recipe(settings, data_dir=data, out=out, resume=resume, callback=callback)
        except KeyboardInterrupt:
            screen.note(_how_to_resume(command or settings.command, data, out))
            raise
    console.say(
        f"{out / 'model.keras'}: {metrics['test_accuracy']:.2%} of {metrics['test_images']:,} test images right "
        f"(validation {metrics['validation_accuracy']:.2%})"
    )


def taught(train: Recipe, settings: S, teachers: Sequence[Path]) -> tuple[Recipe, S, str]:
    """Add teachers to a recipe: (recipe, settings with their names, the command that names their folders).

    The settings travel in the model file and so hold no paths.
    """
    named = replace(settings, teacher=tuple(path.name for path in teachers))  # type: ignore[call-arg]
    command = replace(settings, teacher=tuple(map(str, teachers))).command  # type: ignore[call-arg]
    return partial(train, teachers=tuple(teachers)), named, command


def _how_to_resume(command: str, data_folder: Path | None, out: Path) -> str:
    """Print how to continue an interrupted run."""
    if not (out / "checkpoint.keras").exists():
        return "interrupted before the end of the first epoch: nothing to resume"
    data = f" --data {shlex.quote(str(data_folder))}" if data_folder else ""
    return f"interrupted; to go on: {command}{data} --out {shlex.quote(str(out))} --resume"
