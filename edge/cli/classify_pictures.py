"""Pictures become lines, one at a time or some: all that most runs over folders do."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

from edge.cli.display import progress_over
from edge.errors import SourceError
from edge.inference.interpreters import TFLiteInterpreter
from edge.stream.batches import MOST
from edge.stream.picture_answers import answer_pictures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from edge.inference.classifier import Classifier
    from edge.output.sinks import LineSink
    from edge.sources.grammar import Input
    from edge.sources.settings import SourceSettings
    from edge.stream.pipeline import FrameFilter

    Line = str | SourceError


def write_pictures(
    pictures: Sequence[Input],
    sink: LineSink,
    classifier: Classifier,
    through: FrameFilter,
    settings: SourceSettings,
    at_a_time: int,
    limit: int | None,
    report: Callable[[SourceError], None],
) -> None:
    """Write a line for each picture, in order, up to a limit; an error is reported when its turn comes.

    So many are answered `at_a_time`, each in a process of its own. A Coral, of which there is one, answers them one by
    one: where it fails, what it has answered is written.
    """
    on_cpu = isinstance(classifier.interpreter, TFLiteInterpreter)
    most = MOST if on_cpu else 1
    work = partial(_lines, sink=sink, classifier=classifier, through=through, settings=settings, most=most)
    if at_a_time == 1 or not on_cpu:
        with progress_over(pictures, limit) as advance:
            _write(work(pictures), sink, limit, report, advance)
        return
    from edge.stream.picture_workers import PictureWorkers

    # The processes first: the bar has a thread, and a fork takes none along.
    with PictureWorkers(pictures, work, at_a_time) as batches, progress_over(pictures, limit) as advance:
        _write(batches, sink, limit, report, advance)


def _lines(
    pictures: Sequence[Input],
    sink: LineSink,
    classifier: Classifier,
    through: FrameFilter,
    settings: SourceSettings,
    most: int,
) -> Iterator[list[Line]]:
    for answers in answer_pictures(pictures, classifier, through, settings, most):
        yield [answer if isinstance(answer, SourceError) else sink.line(answer) for answer in answers]


def _write(
    batches: Iterable[list[Line]],
    sink: LineSink,
    limit: int | None,
    report: Callable[[SourceError], None],
    advance: Callable[[int], None],
) -> None:
    left = sys.maxsize if limit is None else limit
    for batch in batches:
        lines: list[str] = []
        for one in batch:
            if isinstance(one, SourceError):
                _write_out(lines, sink, advance)
                report(one)
            else:
                lines.append(one)
                left -= 1
                if not left:
                    break
        _write_out(lines, sink, advance)
        if not left:
            return


def _write_out(lines: list[str], sink: LineSink, advance: Callable[[int], None]) -> None:
    """Write the lines, and forget them."""
    if lines:
        sink.write_line("".join(lines))
        advance(len(lines))
        lines.clear()
