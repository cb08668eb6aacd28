"""The command `fmnist-train`: parses, wires and prints. Keras and NumPy load only when training starts."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from edge import console
from train import mlp as mlp_recipe
from train.settings import LARGEST_SEED, Settings

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
    seed: Annotated[
        int, typer.Option(min=0, max=LARGEST_SEED, help="Fixes the first weights and every epoch's order.")
    ] = mlp_recipe.DEFAULTS.seed,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder with Fashion-MNIST; found or downloaded if not given.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder to write the run to.")] = Path("runs/mlp"),
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in --out.")] = False,
    validation_images: Annotated[
        int, typer.Option(min=10, help="Training images held out to watch the training; a multiple of 10.")
    ] = mlp_recipe.DEFAULTS.validation_images,
    limit: Annotated[int | None, typer.Option(min=1, help="Train on this many images only.")] = None,
) -> None:
    """Train the multilayer perceptron 784-1536-784-10: about two minutes on a PC, 89 % right."""
    settings = Settings("mlp", epochs, batch_size, learning_rate, seed, validation_images, limit)
    console.require_extra("train", ("keras", os.environ.get("KERAS_BACKEND", "tensorflow"), "matplotlib", "rich"))
    from train.screen import Screen

    with Screen() as screen:
        try:
            metrics = mlp_recipe.train(settings, data_dir=data_dir, out=out, resume=resume, watcher=screen)
        except KeyboardInterrupt:
            screen.note(_how_to_resume(settings, data_dir, out))
            raise
    typer.echo(
        f"{out / 'model.keras'}: {metrics['test_accuracy']:.2%} of {metrics['test_images']:,} test images right "
        f"(validation {metrics['validation_accuracy']:.2%})"
    )


def _how_to_resume(settings: Settings, data_dir: Path | None, out: Path) -> str:
    """Say how a run goes on that was interrupted."""
    if not (out / "checkpoint.keras").exists():
        return "interrupted before the end of the first epoch: nothing to resume"
    data = f" --data-dir {shlex.quote(str(data_dir))}" if data_dir else ""
    return f"interrupted; to go on: {settings.command}{data} --out {shlex.quote(str(out))} --resume"


if __name__ == "__main__":
    main()
