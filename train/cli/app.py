"""The command `fmnist-train`: parses, wires and prints. Keras and NumPy load only when training starts."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from edge.cli import console
from train.cli.adapt import adapt
from train.cli.compare import compare
from train.cli.edge import edge
from train.cli.mlp import train_mlp
from train.cli.shared import (
    DataOption,
    LimitOption,
    OutOption,
    ResumeOption,
    SeedOption,
    TensorBoardOption,
    ValidationOption,
    run_recipe,
)
from train.cli.transfer import transfer
from train.recipes import resnet50 as resnet50_recipe

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Entry point of the console script."""
    console.run(app)


@app.callback()
def recipes() -> None:
    """Train garment classifiers on Fashion-MNIST; `convert` makes the device's int8 models of them."""


app.command("mlp")(train_mlp)
app.command()(edge)
app.command()(adapt)
app.command()(transfer)
app.command()(compare)


@app.command()
def resnet50(
    weights: Annotated[
        str,
        typer.Option(
            metavar="imagenet|none|FILE",
            help="What the backbone starts from: ImageNet's weights, fetched once; nothing, so that the whole network "
            "learns; a .weights.h5, .keras or .h5 file.",
        ),
    ] = resnet50_recipe.DEFAULTS.weights,
    weights_sha256: Annotated[
        str | None, typer.Option(metavar="HEX", help="Refuse a --weights FILE with another SHA-256.")
    ] = None,
    epochs: Annotated[
        int, typer.Option(min=1, help="Epochs of the head, or, with --weights none, of the whole network.")
    ] = resnet50_recipe.DEFAULTS.epochs,
    batch_size: Annotated[int, typer.Option(min=1, help="Images in one step.")] = resnet50_recipe.DEFAULTS.batch_size,
    learning_rate: Annotated[float, typer.Option(help="Step size of Adam.")] = resnet50_recipe.DEFAULTS.learning_rate,
    fine_tune: Annotated[
        int, typer.Option(min=0, max=5, help="Then train this many of the backbone's last stages, conv5 first.")
    ] = resnet50_recipe.DEFAULTS.fine_tune,
    fine_tune_epochs: Annotated[
        int, typer.Option(min=1, help="Epochs of the fine-tuning.")
    ] = resnet50_recipe.DEFAULTS.fine_tune_epochs,
    fine_tune_learning_rate: Annotated[
        float, typer.Option(help="Step size of Adam in the fine-tuning.")
    ] = resnet50_recipe.DEFAULTS.fine_tune_learning_rate,
    unfreeze_batch_norm: Annotated[
        bool, typer.Option("--unfreeze-batch-norm", help="Fine-tune BatchNormalization too, its statistics included.")
    ] = False,
    seed: SeedOption = resnet50_recipe.DEFAULTS.seed,
    data: DataOption = None,
    out: OutOption = Path("runs/resnet50"),
    resume: ResumeOption = False,
    validation_images: ValidationOption = resnet50_recipe.DEFAULTS.validation_images,
    limit: LimitOption = None,
    tensorboard: TensorBoardOption = None,
) -> None:
    """Train a head on ResNet50's frozen features, and its last stages if asked: reference 85.7 % with ImageNet."""
    file = None if weights in {"imagenet", "none"} else Path(weights)
    settings = resnet50_recipe.Resnet50Settings(
        "resnet50",
        epochs,
        batch_size,
        learning_rate,
        seed,
        validation_images,
        limit,
        file.name if file else weights,
        weights_sha256,
        fine_tune,
        fine_tune_epochs,
        fine_tune_learning_rate,
        unfreeze_batch_norm,
    )
    recipe = partial(resnet50_recipe.train, weights_file=file)
    run_recipe(recipe, settings, data, out, resume, command=settings.command_with(file), tensorboard=tensorboard)
