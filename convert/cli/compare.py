"""The commands `convert evaluate` and `convert compare`: they measure models and change none."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from convert.cli.check import Listing
from convert.cli.picture_arguments import ColourOption, FramingOption, GroundOption, ResamplingOption
from convert.picture_options import PictureOptions
from edge.cli import console
from edge.errors import AccuracyBudgetExceeded, BadOption

if TYPE_CHECKING:
    from rich.table import Table

    from convert.verify.evaluation import Entry

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data", "--data-dir", metavar="DIR", help="Your own test/CLASS/*.png, or Fashion-MNIST, which is found."
    ),
]
FormatOption = Annotated[Listing, typer.Option("--format", "-f", help="A table for people, or JSON for programs.")]


def evaluate(
    models: Annotated[
        list[str],
        typer.Argument(metavar="MODEL...", help="Files (.keras, .tflite), SavedModel folders or bundled names."),
    ],
    data: DataOption = None,
    framing: FramingOption = None,
    colour: ColourOption = None,
    resampling: ResamplingOption = None,
    ground: GroundOption = None,
    output_format: FormatOption = Listing.TABLE,
) -> None:
    """Measure models on all test pictures, float ones too, through the classifier that the device runs."""
    entries = _evaluate(models, data, PictureOptions(framing, colour, resampling, ground))
    if output_format is Listing.JSON:
        _print_json([_facts(entry) for entry in entries])
    else:
        _print(_table(entries))


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="The model to compare with: a file, or a bundled name.")],
    second: Annotated[str, typer.Argument(metavar="B", help="The model that is compared.")],
    data: DataOption = None,
    max_drop: Annotated[
        float | None, typer.Option(min=0, help="Accuracy that B may lose, in percentage points; beyond, exit 11.")
    ] = None,
    framing: FramingOption = None,
    colour: ColourOption = None,
    resampling: ResamplingOption = None,
    ground: GroundOption = None,
    output_format: FormatOption = Listing.TABLE,
) -> None:
    """Compare two models picture by picture: accuracies, classes, and who alone is right."""
    entries = _evaluate([first, second], data, PictureOptions(framing, colour, resampling, ground))
    from edge.inference.accuracy import compare as pair

    one, other = entries
    if one.run.labels != other.run.labels:
        raise BadOption(f"{first} and {second} have different labels", "compare models of the same task")
    paired = pair(one.run, other.run)
    if output_format is Listing.JSON:
        counts = asdict(paired)
        named = {"only_first": counts.pop("only_float"), "only_second": counts.pop("only_int8")} | counts
        _print_json({"models": [_facts(entry) for entry in entries], "drop": paired.drop, "counts": named})
    else:
        _print(
            _table(entries),
            f"only {first} is right: {paired.only_float:,} pictures; only {second}: {paired.only_int8:,}; "
            f"same answer: {paired.agreement:.2%}",
        )
    if max_drop is not None and paired.drop > max_drop:
        raise AccuracyBudgetExceeded(
            f"{second} loses {paired.drop:.2f} points beside {first}, {max_drop:g} are allowed",
            "allow more with --max-drop",
        )


def _evaluate(models: Sequence[str], data: Path | None, told: PictureOptions) -> list[Entry]:
    from convert.quiet import screen_stream
    from convert.verify.evaluation import evaluate_models, needs_tensorflow

    if any(needs_tensorflow(name) for name in models):
        console.require_extra("convert", ("keras", "tensorflow", "flatbuffers", "matplotlib"))
        os.environ.setdefault("KERAS_BACKEND", "tensorflow")

    return evaluate_models(models, data, told, screen_stream())


def _facts(entry: Entry) -> dict[str, object]:
    return {
        "model": entry.name,
        "bytes": entry.size_bytes,
        "runtime": entry.runtime,
        "images": int(entry.run.truth.size),
        "accuracy": entry.run.accuracy,
        "per_class": entry.run.per_class,
        "labels": list(entry.run.labels),
        "confusion": entry.run.confusion.tolist(),
    }


def _table(entries: Sequence[Entry]) -> Table:
    """A column for each model; with two, a column for the change."""
    from rich.table import Table

    table = Table(title=f"{entries[0].run.truth.size:,} test images")
    table.add_column("")
    for entry in entries:
        table.add_column(entry.name, justify="right", overflow="fold")
    pair = len(entries) == 2
    if pair:
        table.add_column("change", justify="right")

    def row(name: str, shares: Sequence[float | None]) -> None:
        cells = ["" if share is None else f"{share:.2%}" for share in shares]
        if pair:
            before, after = shares
            cells.append("" if before is None or after is None else f"{100 * (after - before):+.2f} points")
        table.add_row(name, *cells)

    row("accuracy", [entry.run.accuracy for entry in entries])
    table.add_row("file", *(f"{entry.size_bytes:,} bytes" for entry in entries))
    table.add_row("run by", *(entry.runtime for entry in entries), end_section=True)
    for label in dict.fromkeys(label for entry in entries for label in entry.run.labels):
        row(label, [entry.run.per_class.get(label) for entry in entries])
    return table


def _print(*parts: object) -> None:
    from convert.pipe_console import PipeConsole

    screen = PipeConsole(sys.stdout)
    for part in parts:
        if isinstance(part, str):
            screen.say(part)
        else:
            screen.print(part)


def _print_json(document: object) -> None:
    from convert.pipe_console import PipeConsole

    PipeConsole(sys.stdout).say_json(json.dumps(document, indent=1, ensure_ascii=False))
