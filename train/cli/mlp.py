"""The command `fmnist-train mlp`: its options, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from edge.errors import BadOption
from train.cli.shared import (
    DataOption,
    LimitOption,
    OutOption,
    Recipe,
    ResumeOption,
    TeacherOption,
    TensorBoardOption,
    ValidationOption,
    run_recipe,
    taught,
)
from train.recipes import mlp, mlp_best
from train.settings import LARGEST_SEED, Settings


class MlpRecipe(StrEnum):
    """How the network is trained."""

    REFERENCE = "reference"
    BEST = "best"


RECIPES: dict[MlpRecipe, tuple[Settings, Recipe]] = {
    MlpRecipe.REFERENCE: (mlp.DEFAULTS, mlp.train),
    MlpRecipe.BEST: (mlp_best.DEFAULTS, mlp_best.train),
}

_BEST = " (best only)"


def train_mlp(
    recipe: Annotated[
        MlpRecipe, typer.Option(help="Plain SGD as in the reference, or the same network trained as well as it can be.")
    ] = MlpRecipe.REFERENCE,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the training images.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Images in one step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Step size, the largest of the training.")] = None,
    dropout: Annotated[float | None, typer.Option(help="Share of hidden units left out of a step." + _BEST)] = None,
    weight_decay: Annotated[float | None, typer.Option(help="Of AdamW." + _BEST)] = None,
    label_smoothing: Annotated[
        float | None, typer.Option(help="Share of a target spread over all classes." + _BEST)
    ] = None,
    flip: Annotated[float | None, typer.Option(help="Probability of a mirrored image." + _BEST)] = None,
    shift: Annotated[int | None, typer.Option(min=0, max=8, help="Most pixels an image is moved by." + _BEST)] = None,
    mixup: Annotated[float | None, typer.Option(help="Probability of a blend with another image." + _BEST)] = None,
    average: Annotated[float | None, typer.Option(help="Momentum of the weights' moving average." + _BEST)] = None,
    teacher: TeacherOption = None,
    teacher_share: Annotated[
        float | None, typer.Option(help="Share of the teachers' answers in a target." + _BEST)
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="Of the teachers' layers: float32, or bfloat16 for newer processors." + _BEST)
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=LARGEST_SEED, help="Fixes the first weights and every epoch's order.")
    ] = None,
    data: DataOption = None,
    out: OutOption = Path("runs/mlp"),
    resume: ResumeOption = False,
    validation_images: ValidationOption = None,
    limit: LimitOption = None,
    tensorboard: TensorBoardOption = None,
) -> None:
    """Train the multilayer perceptron 784-1536-784-10; what is not given is the recipe's own."""
    given: dict[str, Any] = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "dropout": dropout,
        "weight_decay": weight_decay,
        "label_smoothing": label_smoothing,
        "flip": flip,
        "shift": shift,
        "mixup": mixup,
        "average": average,
        "teacher": teacher or None,
        "teacher_share": teacher_share,
        "precision": precision,
        "seed": seed,
        "validation_images": validation_images,
        "limit": limit,
    }
    defaults, train = RECIPES[recipe]
    chosen = {name: value for name, value in given.items() if value is not None}
    foreign = [f"--{name.replace('_', '-')}" for name in chosen if not hasattr(defaults, name)]
    if foreign:
        raise BadOption(f"the {recipe} recipe has no {', '.join(foreign)}", "add --recipe best")
    teachers = chosen.pop("teacher", ())
    settings = replace(defaults, **chosen)
    command = None
    if teachers:
        train, settings, command = taught(train, settings, teachers)
    run_recipe(train, settings, data, out, resume, command=command, tensorboard=tensorboard)
