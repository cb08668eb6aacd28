"""Tables on stdout and progress bars on stderr, for people. Only the command line imports this."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from edge.choices import DEFAULT_MODEL
from edge.cli import console
from edge.printable import printable

if TYPE_CHECKING:
    from rich.progress import Progress

    from edge.inference.accuracy import Evaluation
    from edge.inference.model_file import Model
    from edge.sources.cameras.camera import FoundCamera
    from edge.sources.grammar import Input

_MANY = 20
"""So many pictures deserve a progress bar; fewer are done before it is drawn."""


@contextmanager
def progress_over(inputs: Sequence[Input], limit: int | None) -> Iterator[Callable[[int], None]]:
    """A bar over many pictures, where stderr is a terminal; gives the function that says so many more are done."""
    total = min(len(inputs), limit or len(inputs))
    countable = all(source.is_one_picture for source in inputs)
    if total < _MANY or not countable or not sys.stderr.isatty():
        yield lambda _more: None
        return
    with _progress() as progress:
        task = progress.add_task("classify", total=total)
        yield lambda more: progress.advance(task, more)


@contextmanager
def bar(total: int, title: str, *, moves: bool = True) -> Iterator[Callable[[int], None]]:
    """A bar up to `total`, where stderr is a terminal; gives the function that takes the number done.

    One that does not move by itself is drawn when that function is called, and takes no time in between.
    """
    if not sys.stderr.isatty():
        yield lambda _done: None
        return
    with _progress(moves) as progress:
        task = progress.add_task(printable(title), total=total)
        yield lambda done: progress.update(task, completed=done, refresh=not moves)


@contextmanager
def counter(title: str) -> Iterator[Callable[[int], None]]:
    """A bar without an end, where stderr is a terminal; gives the function that takes the number so far."""
    if not sys.stderr.isatty():
        yield lambda _done: None
        return
    with _progress() as progress:
        task = progress.add_task(printable(title), total=None)
        yield lambda done: progress.update(task, completed=done)


@contextmanager
def download_bar() -> Iterator[Callable[[str, int, int], None]]:
    """A bar that appears with the first byte downloaded; gives the function (file, bytes done, bytes in all)."""
    if not sys.stderr.isatty():
        yield lambda _file, _done, _total: None
        return
    with _progress() as progress:
        task = progress.add_task("download", visible=False)
        yield lambda file, done, total: progress.update(
            task, description=printable(file), completed=done, total=total or None, visible=True
        )


def print_models(models: Sequence[Model]) -> None:
    """A line for each model: size, accuracy and recipe; `fmnist-edge info` has the whole command."""
    print_table(
        ("model", "size", "int8 accuracy", "drop (points)", "recipe"),
        [
            (
                f"{model.name} (default)" if model.name == DEFAULT_MODEL else model.name,
                f"{model.path.stat().st_size / 1000:,.0f} KB",
                f"{model.manifest['accuracy']['int8']:.2%}",
                f"{model.manifest['accuracy']['drop']:.2f}",
                str(model.manifest["provenance"]["recipe"]),
            )
            for model in models
            if model.manifest is not None
        ],
    )


def print_cameras(cameras: Sequence[FoundCamera]) -> None:
    """A line for each pixel format of each camera, its sizes and their highest rates; JSON has all rates."""
    rows: list[tuple[str, ...]] = []
    for camera in cameras:
        formats: dict[str, list[str]] = {}
        for mode in camera.modes:
            rate = f" at {max(mode.rates):g}" if mode.rates else ""
            formats.setdefault(mode.pixel_format, []).append(f"{mode.width}x{mode.height}{rate}")
        first = (camera.camera, camera.name, camera.device)
        for number, (pixel_format, sizes) in enumerate(formats.items() or [("", ["unknown: the camera is in use"])]):
            rows.append((*(first if number == 0 else ("", "", "")), pixel_format, ", ".join(sizes)))
    print_table(("--camera", "name", "device", "format", "modes"), rows, justify="left")


def print_facts(facts: dict[str, Any], indent: str = "") -> None:
    """Nested facts as indented `name: value` lines."""
    for name, value in facts.items():
        if isinstance(value, dict):
            console.say(f"{indent}{name}:")
            print_facts(value, indent + "  ")
        else:
            text = ", ".join(str(one) for one in value) if isinstance(value, list) else value
            console.say(f"{indent}{name}: {text}")


MOST_CLASSES = 20
"""More do not fit side by side."""


def print_evaluation(evaluation: Evaluation) -> None:
    """Per-class accuracy and the confusion matrix: a row per true class, a column per answer.

    Of more than MOST_CLASSES, those are listed of which the fewest are right, with what they were taken for most.
    """
    if len(evaluation.labels) > MOST_CLASSES:
        _print_worst(evaluation)
        return
    shorts = [label[:7] for label in evaluation.labels]
    rows = [
        (
            label,
            f"{evaluation.per_class.get(label, float('nan')):.1%}",
            *(str(count) if count else "·" for count in row),
        )
        for label, row in zip(evaluation.labels, evaluation.confusion.tolist(), strict=True)
    ]
    print_table(("class", "right", *shorts), rows)


def _print_worst(evaluation: Evaluation) -> None:
    confusion = evaluation.confusion
    shares = sorted(evaluation.per_class.items(), key=lambda one: one[1])
    rows = []
    for label, share in shares[:MOST_CLASSES]:
        counts = confusion[evaluation.labels.index(label)].copy()
        counts[evaluation.labels.index(label)] = 0
        other = int(counts.argmax())
        taken = f"{evaluation.labels[other]} ({counts[other]})" if counts[other] else "-"
        rows.append((label, f"{share:.1%}", taken))
    print_table(("class", "right", "taken for"), rows)
    if len(shares) > MOST_CLASSES:
        least = shares[MOST_CLASSES][1]
        console.say(
            f"... and {len(shares) - MOST_CLASSES:,} more classes, at least {least:.1%} right; all: --format json"
        )


def print_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], justify: Literal["left", "right"] = "right"
) -> None:
    """Rows under a header, the first column to the left."""
    from rich.table import Table

    from edge.cli.plain_console import PlainConsole

    table = Table(box=None, pad_edge=False)
    for number, title in enumerate(header):
        table.add_column(title, justify="left" if number == 0 else justify, no_wrap=number < len(header) - 1)
    for row in rows:
        table.add_row(*row)
    # A pipe gets whole lines, whatever the width of a terminal that is not there.
    PlainConsole(width=None if sys.stdout.isatty() else 200).print(table)


def _progress(moves: bool = True) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        redirect_stdout=sys.stdout.isatty(),  # else the bar would swallow a piped stdout
        transient=True,
        auto_refresh=moves,
    )
