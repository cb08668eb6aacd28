"""The command `fmnist-train compare`: a table on stdout and, with -o, a picture of accuracy against cost."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli import console

if TYPE_CHECKING:
    from train.evaluation.comparison import Contender


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of finished runs, or .tflite files.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="PNG", help="Draw accuracy against size and multiply-accumulates."),
    ] = None,
) -> None:
    """Compare runs: parameters, multiply-accumulates, size, accuracy, training time."""
    console.require_extra("train", ("keras", "matplotlib", "rich"))
    from train.evaluation.comparison import read_contenders

    contenders = read_contenders(runs)
    _print(contenders)
    if len({one.labels for one in contenders}) > 1:
        print_note("the labels differ: these accuracies are of different tasks")
    if output is not None:
        from train.evaluation.pareto import draw_pareto

        draw_pareto(contenders, output)


def print_note(text: str) -> None:
    """Print a note on the figures to stderr."""
    console.note(f"note: {text}")


def _print(contenders: Sequence[Contender]) -> None:
    from rich.table import Table

    from edge.cli.plain_console import PlainConsole

    table = Table(box=None, pad_edge=False)
    headings = ("recipe", "parameters", "MACs", "size", "validation", "test", "epochs", "seed", "training")
    table.add_column("run")
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "recipe" else "right", no_wrap=True)
    for one in contenders:
        table.add_row(
            one.name,
            f"{one.recipe}{', int8' if one.int8 else ''}",
            _count(one.parameters),
            _count(one.macs),
            f"{one.size_bytes / 1000:,.0f} KB",
            _share(one.validation_accuracy),
            _share(one.test_accuracy),
            _count(one.epochs),
            "-" if one.seed is None else str(one.seed),
            "-" if one.training_seconds is None else f"{one.training_seconds:,.0f} s",
        )
    # A pipe gets whole lines, whatever the width of a terminal that is not there.
    PlainConsole(width=None if sys.stdout.isatty() else 200).print(table)


def _count(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"
