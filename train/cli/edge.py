"""The command `fmnist-train edge`: its options, and nothing else."""

from __future__ import annotations

import shlex
from dataclasses import fields, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from edge.errors import BadOption
from train.cli.shared import (
    AverageOption,
    DataOption,
    LimitOption,
    OutOption,
    PrecisionOption,
    ResumeOption,
    SeedOption,
    TeacherOption,
    TensorBoardOption,
    ValidationOption,
    WeightDecayOption,
    run_recipe,
    taught,
)
from train.recipes import camera, edge_cnn


class EdgeRecipe(StrEnum):
    """What the network is taught with."""

    PLAIN = "plain"
    CAMERA = "camera"


RECIPES: dict[EdgeRecipe, edge_cnn.EdgeSettings] = {
    EdgeRecipe.PLAIN: edge_cnn.DEFAULTS,
    EdgeRecipe.CAMERA: camera.DEFAULTS,
}

_CAMERA = " (camera only)"
_DIFFERING = "the recipe's own"


def edge(
    recipe: Annotated[
        EdgeRecipe, typer.Option(help="Fashion-MNIST as it is, or as a camera would see it: spread, worn, in pairs.")
    ] = EdgeRecipe.PLAIN,
    size: Annotated[
        str, typer.Option(help="tiny, small or base; large, a teacher for a GPU.")
    ] = edge_cnn.DEFAULTS.size,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Passes over the training images.", show_default=_DIFFERING)
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Images in one step.")] = edge_cnn.DEFAULTS.batch_size,
    learning_rate: Annotated[
        float | None, typer.Option(help="Largest step size of Muon.", show_default=_DIFFERING)
    ] = None,
    weight_decay: WeightDecayOption = edge_cnn.DEFAULTS.weight_decay,
    label_smoothing: Annotated[
        float, typer.Option(help="Share of a target spread over all classes.")
    ] = edge_cnn.DEFAULTS.label_smoothing,
    flip: Annotated[float, typer.Option(help="Probability of a mirrored image.")] = edge_cnn.DEFAULTS.flip,
    shift: Annotated[int, typer.Option(help="Most pixels that an image is moved by.")] = edge_cnn.DEFAULTS.shift,
    erase: Annotated[float, typer.Option(help="Probability of random erasing.")] = edge_cnn.DEFAULTS.erase,
    cutmix: Annotated[float, typer.Option(help="Probability of CutMix.")] = edge_cnn.DEFAULTS.cutmix,
    worn: Annotated[float | None, typer.Option(help="Share of images shown on a person." + _CAMERA)] = None,
    heavy: Annotated[float | None, typer.Option(help="Share of images in other poses." + _CAMERA)] = None,
    outliers: Annotated[float | None, typer.Option(help="Share of images of no class." + _CAMERA)] = None,
    average: AverageOption = edge_cnn.DEFAULTS.average,
    easy: Annotated[
        float | None,
        typer.Option(
            help="Part of the easy images that an epoch shows; fewer take less time.", show_default=_DIFFERING
        ),
    ] = None,
    teacher: TeacherOption = None,
    teacher_share: Annotated[
        float, typer.Option(help="Share of the teachers' answers in a target.")
    ] = edge_cnn.DEFAULTS.teacher_share,
    start: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Start from the weights of this run, of the same --size.")
    ] = None,
    precision: PrecisionOption = edge_cnn.DEFAULTS.precision,
    distribute: Annotated[
        str | None,
        typer.Option(
            metavar="N/ALL@HOST:PORT",
            help="Train with other processes, on JAX: this is number N, and number 0 listens at HOST:PORT.",
        ),
    ] = None,
    seed: SeedOption = edge_cnn.DEFAULTS.seed,
    data: DataOption = None,
    out: OutOption = Path("runs/edge"),
    resume: ResumeOption = False,
    validation_images: ValidationOption = edge_cnn.DEFAULTS.validation_images,
    limit: LimitOption = None,
    tensorboard: TensorBoardOption = None,
) -> None:
    """Train the compact network for the device: tiny, small or base."""
    defaults = RECIPES[recipe]
    given: dict[str, Any] = {
        "epochs": epochs,
        "learning_rate": learning_rate,
        "worn": worn,
        "heavy": heavy,
        "outliers": outliers,
        "easy": easy,
    }
    chosen = {name: value for name, value in given.items() if value is not None}
    foreign = [f"--{name}" for name in chosen if name not in {field.name for field in fields(defaults)}]
    if foreign:
        raise BadOption(f"the {recipe} recipe has no {', '.join(foreign)}", "add --recipe camera")
    settings = replace(
        defaults,
        batch_size=batch_size,
        seed=seed,
        validation_images=validation_images,
        limit=limit,
        size=size,
        weight_decay=weight_decay,
        label_smoothing=label_smoothing,
        flip=flip,
        shift=shift,
        erase=erase,
        cutmix=cutmix,
        average=average,
        teacher_share=teacher_share,
        start=None if start is None else start.name,
        precision=precision,
        **chosen,
    )
    share = None
    if distribute is not None:
        from train.fitting.distribution import parse_share

        share = parse_share(distribute)
    train, settings, command = taught(partial(edge_cnn.train, start=start, share=share), settings, teacher or ())
    if start is not None:
        command = command.replace(f"--start {start.name}", f"--start {shlex.quote(str(start))}")
    if distribute is not None:
        command += f" --distribute {distribute}"
    run_recipe(train, settings, data, out, resume, command=command, tensorboard=tensorboard)
