"""The command `fmnist-edge`: registers its commands. NumPy, OpenCV and the runtime load only when needed."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from edge.cli import console
from edge.cli.cameras import cameras
from edge.cli.classify import classify
from edge.cli.doctor import doctor
from edge.cli.evaluate import evaluate, fetch_data
from edge.cli.explain import explain
from edge.cli.models import info, models

app = typer.Typer(
    help="Classify garments on Raspberry Pi and Coral: camera frames, pictures and videos.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Entry point of the console script."""
    # Before NumPy loads: its products here are too small for threads, which would only wait for each other, busily.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    console.run_and_leave(app)


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Options before the command."""
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"fmnist-edge {installed('fmnist-edge')}")
        raise typer.Exit


app.command()(classify)
app.command()(explain)
app.command()(cameras)
app.command()(models)
app.command()(info)
app.command()(evaluate)
app.command("fetch-data")(fetch_data)
app.command()(doctor)
