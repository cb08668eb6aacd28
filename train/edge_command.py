"""The command `fmnist-train edge`: its options, and nothing else."""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from train import edge_cnn as edge_recipe
from train.commands import (
    DataOption,
    LimitOption,
    OutOption,
    ResumeOption,
    SeedOption,
    TeacherOption,
    TensorBoardOption,
    ValidationOption,
    run_recipe,
    taught,
)


def edge(
    size: Annotated[str, typer.Option(help="tiny, small or base.")] = edge_recipe.DEFAULTS.size,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training images.")] = edge_recipe.DEFAULTS.epochs,
    batch_size: Annotated[int, typer.Option(min=1, help="Images in one step.")] = edge_recipe.DEFAULTS.batch_size,
    learning_rate: Annotated[
        float, typer.Option(help="Largest step size of Muon.")
    ] = edge_recipe.DEFAULTS.learning_rate,
    weight_decay: Annotated[float, typer.Option(help="Of kernels.")] = edge_recipe.DEFAULTS.weight_decay,
    label_smoothing: Annotated[
        float, typer.Option(help="Share of a target spread over all classes.")
    ] = edge_recipe.DEFAULTS.label_smoothing,
    flip: Annotated[float, typer.Option(help="Probability of a mirrored image.")] = edge_recipe.DEFAULTS.flip,
    shift: Annotated[int, typer.Option(help="Most pixels that an image is moved by.")] = edge_recipe.DEFAULTS.shift,
    erase: Annotated[float, typer.Option(help="Probability of random erasing.")] = edge_recipe.DEFAULTS.erase,
    cutmix: Annotated[float, typer.Option(help="Probability of CutMix.")] = edge_recipe.DEFAULTS.cutmix,
    average: Annotated[
        float, typer.Option(help="Momentum of the weights' moving average; 0 for none.")
    ] = edge_recipe.DEFAULTS.average,
    easy: Annotated[
        float, typer.Option(help="Part of the easy images that an epoch shows; fewer take less time.")
    ] = edge_recipe.DEFAULTS.easy,
    teacher: TeacherOption = None,
    teacher_share: Annotated[
        float, typer.Option(help="Share of the teachers' answers in a target.")
    ] = edge_recipe.DEFAULTS.teacher_share,
    start: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Start from the weights of this run, of the same --size.")
    ] = None,
    precision: Annotated[
        str, typer.Option(help="float32, or bfloat16, which newer processors do in two thirds of the time.")
    ] = edge_recipe.DEFAULTS.precision,
    seed: SeedOption = edge_recipe.DEFAULTS.seed,
    data: DataOption = None,
    out: OutOption = Path("runs/edge"),
    resume: ResumeOption = False,
    validation_images: ValidationOption = edge_recipe.DEFAULTS.validation_images,
    limit: LimitOption = None,
    tensorboard: TensorBoardOption = None,
) -> None:
    """Train the compact network for the device: tiny, small or base."""
    settings = edge_recipe.EdgeSettings(
        "edge",
        epochs,
        batch_size,
        learning_rate,
        seed,
        validation_images,
        limit,
        size=size,
        weight_decay=weight_decay,
        label_smoothing=label_smoothing,
        flip=flip,
        shift=shift,
        erase=erase,
        cutmix=cutmix,
        average=average,
        easy=easy,
        teacher_share=teacher_share,
        start=None if start is None else start.name,
        precision=precision,
    )
    recipe, settings, command = taught(partial(edge_recipe.train, start=start), settings, teacher or ())
    if start is not None:
        command = command.replace(f"--start {start.name}", f"--start {shlex.quote(str(start))}")
    run_recipe(recipe, settings, data, out, resume, command=command, tensorboard=tensorboard)
