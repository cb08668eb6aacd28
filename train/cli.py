"""The command `fmnist-train`: parses, wires and prints. Keras and NumPy load only when training starts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge import console
from train import mlp as mlp_recipe
from train.commands import DataOption, LimitOption, OutOption, ResumeOption, SeedOption, ValidationOption, run_recipe
from train.settings import Settings

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


@app.command()
def mlp(
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training images.")] = (mlp_recipe.DEFAULTS.epochs),
    batch_size: Annotated[int, typer.Option(min=1, help="Images in one step.")] = (mlp_recipe.DEFAULTS.batch_size),
    learning_rate: Annotated[float, typer.Option(help="Step size of SGD.")] = (mlp_recipe.DEFAULTS.learning_rate),
    seed: SeedOption = mlp_recipe.DEFAULTS.seed,
    data: DataOption = None,
    out: OutOption = Path("runs/mlp"),
    resume: ResumeOption = False,
    validation_images: ValidationOption = mlp_recipe.DEFAULTS.validation_images,
    limit: LimitOption = None,
) -> None:
    """Train the multilayer perceptron 784-1536-784-10: about two minutes on a PC, 89 % right."""
    settings = Settings("mlp", epochs, batch_size, learning_rate, seed, validation_images, limit)
    run_recipe(mlp_recipe.train, settings, data, out, resume)


if __name__ == "__main__":
    main()
