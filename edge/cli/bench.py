"""The command `fmnist-edge bench`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from edge.choices import DEFAULT_MODEL, Backend, BenchFormat
from edge.cli import console
from edge.cli.bench_options import MeasureOptions, ReportOptions
from edge.cli.option_groups import takes_option_groups
from edge.cli.options import BackendOptions, PlainOptions, open_on, read_checked
from edge.errors import BadOption, OutputFailed

if TYPE_CHECKING:
    from pathlib import Path

    from edge.bench.comparison import Comparison
    from edge.bench.measure import Plain, Progress
    from edge.bench.report import Table
    from edge.bench.result import Result
    from edge.inference.backends import Opened
    from edge.inference.model_file import Model

DEFAULT_SECONDS = 3.0
_INTERRUPTED = 130


@takes_option_groups
def bench(*, options: MeasureOptions, report: ReportOptions) -> None:
    """Measure this machine: time of each stage, frames a second, start, memory, and whether its answers are right.

    It needs no data set and no network, and prints no host, user, path or address. The exit code is 1 if a backend
    computes wrongly.
    """
    from edge.bench.comparison import compare
    from edge.bench.saved import parse_saved, read_saved

    files = report.compare or []
    if len(files) > 2:
        raise BadOption("--compare takes one or two files", "--compare before.json --compare after.json")
    saved = [read_saved(path) for path in files]
    if len(saved) == 2:
        if report.output is not None:
            raise BadOption("--output saves what was measured, and nothing is", "leave --output out")
        _print_comparison(compare(saved[0], saved[1]), report.form)
        return
    if report.output is not None:
        _refuse_unwritable(report.output)
    result = _measured(options)
    if not saved or report.form is not BenchFormat.JSON:
        _print_result(result, report.form)
    if saved:
        _print_comparison(compare(saved[0], parse_saved(result.as_json())), report.form)
    if report.output is not None:
        _save(result, report.output)
    for warning in result.warnings if report.form is BenchFormat.JSON else ():
        console.note(f"warning: {warning}")
    if result.interrupted:
        raise typer.Exit(_INTERRUPTED)
    if result.computes_wrongly:
        raise typer.Exit(1)


def _measured(options: MeasureOptions) -> Result:
    """Open the models as the options say, and measure them. Raises whatever opening and measuring do, and BadOption."""
    from edge.bench.measure import Asked, default_threads, measure
    from edge.bench.speed import Limit

    if options.duration is not None and options.frames is not None:
        raise BadOption("--duration and --frames say the same thing twice", "leave one of them out")
    seconds = None if options.frames is not None else options.duration or DEFAULT_SECONDS

    def on(backend: Backend) -> BackendOptions:
        return BackendOptions(
            backend=backend,
            delegate=options.delegate,
            require_coral=False,
            cpu_model=None,
            trusted_keys=options.trusted_keys,
            trust_bundled=options.trust_bundled,
        )

    def open_it(model: Model, backend: Backend, threads: int) -> Opened:
        return open_on(model, on(backend), threads)

    names = dict.fromkeys(options.model or [DEFAULT_MODEL])
    models = [read_checked(name, on(Backend.AUTO)) for name in names]
    if options.plain.are_given and all(model.manifest is not None for model in models):
        raise BadOption(
            "--labels, --framing and --pixels are for a plain .tflite, and every model has a manifest",
            "leave them out",
        )
    asked = Asked(
        models=list({model.sha256: model for model in models}.values()),
        backends=[backend for backend in dict.fromkeys(options.backend or []) if backend is not Backend.AUTO],
        threads=sorted(set(options.threads or default_threads())),
        limit=Limit(seconds, options.frames),
        views=options.views,
        delegate=options.delegate,
        plain=_plain(options.plain),
    )
    with _progress() as progress:
        return measure(asked, open_it, progress)


def _plain(options: PlainOptions) -> Plain:
    from edge.bench.measure import Plain
    from edge.inference.model_file import read_labels

    labels = () if options.labels is None else read_labels(options.labels)
    arguments = [
        text
        for name, value in (("--labels", options.labels), ("--framing", options.framing), ("--pixels", options.pixels))
        if value is not None
        for text in (name, str(value))
    ]
    return Plain(labels, options.framing, options.pixels, tuple(arguments))


@contextmanager
def _progress() -> Iterator[Progress]:
    """A line that says how long it will take, and a bar where stderr is a terminal."""
    from contextlib import ExitStack

    from edge.bench.measure import Progress
    from edge.cli.display import bar

    with ExitStack() as stack:

        class Bar(Progress):
            def begin(self, steps: int, seconds: float) -> None:
                console.note(f"measuring for about {seconds:.0f} s; Ctrl-C prints what there is by then")
                self._done = 0
                self._advance_to = stack.enter_context(bar(steps, "bench", moves=False))

            def step(self) -> None:
                self._done += 1
                self._advance_to(self._done)

        yield Bar()


def _refuse_unwritable(path: Path) -> None:
    """Raise OutputFailed before a minute is spent on what cannot be saved."""
    import os

    if path.is_dir() or not os.access(path.parent, os.W_OK):
        raise OutputFailed(f"cannot write {path}", "choose another place with -o FILE")


def _save(result: Result, path: Path) -> None:
    """Write the JSON whole. Raises OutputFailed."""
    import json

    from edge.service.whole_file import write_whole

    try:
        write_whole(path, f"{json.dumps(result.as_json(), indent=2)}\n".encode(), 0o644, replaces=True)
    except OSError as error:
        raise OutputFailed(f"cannot write {path}: {error.strerror}", "choose another place with -o FILE") from error


def _print_result(result: Result, form: BenchFormat) -> None:
    from edge.bench.report import tables_of

    if form is BenchFormat.JSON:
        _print_json(result.as_json())
    else:
        _print_tables(tables_of(result), form)


def _print_comparison(comparison: Comparison, form: BenchFormat) -> None:
    from edge.bench.report import tables_of_comparison

    if form is BenchFormat.JSON:
        _print_json(comparison.as_json())
    else:
        _print_tables(tables_of_comparison(comparison), form)


def _print_json(document: dict[str, Any]) -> None:
    import json

    console.say_json(json.dumps(document, indent=2))


def _print_tables(tables: Iterator[Table], form: BenchFormat) -> None:
    from edge.bench.report import as_markdown
    from edge.cli.display import print_table

    for table in tables:
        if form is BenchFormat.MARKDOWN:
            for line in as_markdown(table):
                console.say(line)
        else:
            for line in table.lines:
                console.say(line)
            if table.rows:
                print_table(table.header, table.rows)
        console.say("")
