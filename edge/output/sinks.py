"""Where predictions go: a table for people, JSON Lines or CSV for programs; stdout or a file."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from edge.choices import Format
from edge.errors import OutputClosed, OutputFailed
from edge.frame import Decision, Prediction
from edge.printable import printable, printable_json

if TYPE_CHECKING:
    from datetime import datetime

SCHEMA_VERSION = 1


class Sink(Protocol):
    """Takes predictions one by one. Raises OutputClosed or OutputFailed."""

    def write(self, prediction: Prediction) -> None:
        """Write one prediction."""
        ...


class _Lines:
    """A text stream whose failures are errors of our tree; every line is out before the next frame is read."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream = stream
        self._name = name

    def write(self, text: str) -> int:
        try:
            self._stream.write(text)
            self._stream.flush()
        except BrokenPipeError as error:
            raise OutputClosed("the reader of the output is gone") from error
        except OutputFailed:
            raise
        except OSError as error:
            raise OutputFailed(
                f"cannot write to {self._name}: {error.strerror}",
                "make room, or choose another place with -o FILE",
            ) from error
        return len(text)

    def isatty(self) -> bool:
        return self._stream.isatty()


class TableSink:
    """One aligned line a frame, for people."""

    def __init__(self, lines: _Lines, top_k: int, width: int) -> None:
        self._lines = lines
        self._top_k = top_k
        self._width = min(max(width, 24), 60)
        self._started = False

    def write(self, prediction: Prediction) -> None:
        """Write one line: source, label or decision, score, runners-up or the hint, milliseconds."""
        name = printable(prediction.source)
        source = name if prediction.frame == 0 else f"{name} #{prediction.frame}"
        if not self._started:
            runners_up = f"  {'next':<{_runners_up_width(self._top_k)}}" if self._top_k > 1 else ""
            self._lines.write(f"{'source':<{self._width}}  {'garment':<12}{'score':>7}{runners_up}  {'ms':>6}\n")
            self._started = True
        best = prediction.best
        answer = f"{_called(prediction):<12}{best.score:>7.1%}" if best else f"{_called(prediction):<12}{'':>7}"
        others = printable(
            prediction.hint
            or ", ".join(
                f"{one.label} {one.score:.0%}" for one in prediction.ranked[1 : self._top_k] if one.score >= 0.005
            )
        )
        runners_up = f"  {others:<{_runners_up_width(self._top_k)}}" if self._top_k > 1 or prediction.hint else ""
        shown = source if len(source) <= self._width else "…" + source[-self._width + 1 :]
        milliseconds = sum(prediction.latency_ms.values())
        self._lines.write(f"{shown:<{self._width}}  {answer}{runners_up}  {milliseconds:>6.1f}\n")


def _called(prediction: Prediction) -> str:
    """What the table calls it: the label, with a question mark where it is a guess, or that there is none."""
    if prediction.decision is not Decision.NO_GARMENT and prediction.best is not None:
        return printable(prediction.best.label) + "?" * (prediction.decision is Decision.UNKNOWN)
    return f"({prediction.decision.replace('_', ' ')})"


def _runners_up_width(top_k: int) -> int:
    return 18 * (top_k - 1)


class JsonSink:
    """JSON Lines: one object a frame, schema version in `v`."""

    def __init__(self, lines: _Lines, top_k: int) -> None:
        self._lines = lines
        self._top_k = top_k

    def write(self, prediction: Prediction) -> None:
        """Write one line of JSON."""
        self.write_object(as_json(prediction, self._top_k))

    def write_object(self, document: dict[str, Any]) -> None:
        """Write an object as one line."""
        self._lines.write(printable_json(json.dumps(document, ensure_ascii=False)) + "\n")


class _UnixRows:
    """Ends rows with a line feed. csv.writer has to think of CR LF, or it would leave a CR in a name unquoted."""

    def __init__(self, lines: _Lines) -> None:
        self._lines = lines

    def write(self, row: str) -> int:
        return self._lines.write(row.removesuffix("\r\n") + "\n")


class CsvSink:
    """CSV with a header: one row a frame. Names are exact, but for those who read it on a terminal."""

    COLUMNS = ("source", "frame", "label", "score", "decision", "read_ms", "preprocess_ms", "invoke_ms")

    def __init__(self, lines: _Lines, top_k: int) -> None:
        import csv

        self._rows = csv.writer(_UnixRows(lines))
        self._name: Callable[[str], str] = printable if lines.isatty() else str
        self._top_k = top_k
        self._rows.writerow(
            (*self.COLUMNS, *(name for n in range(2, top_k + 1) for name in (f"label{n}", f"score{n}")))
        )

    def write(self, prediction: Prediction) -> None:
        """Write one row; the runners-up follow the fixed columns."""
        best = prediction.best
        latency = prediction.latency_ms
        self._rows.writerow(
            (
                self._name(prediction.source),
                prediction.frame,
                self._name(best.label) if best else "",
                f"{best.score:.6f}" if best else "",
                prediction.decision,
                *(f"{latency[stage]:.3f}" for stage in ("read", "preprocess", "invoke")),
                *(
                    text
                    for other in prediction.ranked[1 : self._top_k]
                    for text in (self._name(other.label), f"{other.score:.6f}")
                ),
            )
        )


def as_json(prediction: Prediction, top_k: int) -> dict[str, Any]:
    """The object that stands for a prediction in JSON: schema version 1, documented in docs/classify.md."""
    best = prediction.best
    return {
        "v": SCHEMA_VERSION,
        "source": prediction.source,
        "frame": prediction.frame,
        "label": best.label if best else None,
        "score": round(best.score, 6) if best else None,
        "top": [{"label": one.label, "score": round(one.score, 6)} for one in prediction.ranked[:top_k]],
        "decision": prediction.decision,
        "presence": None if prediction.presence is None else round(prediction.presence, 4),
        "hint": prediction.hint,
        "latency_ms": {stage: round(spent, 3) for stage, spent in prediction.latency_ms.items()},
        "time": utc_text(prediction.time),
    }


def utc_text(time: datetime | None) -> str | None:
    """A time in UTC as RFC 3339 has it, to the millisecond: 2026-11-29T08:15:30.123Z."""
    return None if time is None else time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@contextmanager
def open_sink(
    form: Format, output: Path | None, top_k: int, *, endless: bool = False, source_width: int = 0
) -> Iterator[Sink]:
    """A sink on stdout, or on a file that gets its name when it is complete.

    Until then it is called FILE.partial: an interrupted run leaves there what it had, and an older FILE alone.
    Ctrl-C is how an `endless` run ends, and completes the file. `source_width` is that of
    the longest source name. Raises OutputClosed or OutputFailed.
    """
    sinks: dict[Format, Callable[[_Lines, int], Sink]] = {
        Format.TABLE: partial(TableSink, width=source_width),
        Format.JSON: JsonSink,
        Format.CSV: CsvSink,
    }
    if output is None:
        yield sinks[form](_Lines(sys.stdout, "stdout"), top_k)
        return
    unfinished = output.with_name(output.name + ".partial")
    hint = f"what was written is in {unfinished}"
    try:
        stream = unfinished.open("w", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise OutputFailed(
            f"cannot write {unfinished}: {error.strerror}", "choose another place with -o FILE"
        ) from error
    try:
        with stream:
            interrupted = None
            try:
                yield sinks[form](_Lines(stream, str(unfinished)), top_k)
            except KeyboardInterrupt as stop:
                if not endless:
                    raise
                interrupted = stop
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(output)
        if interrupted is not None:
            raise interrupted
    except OSError as error:
        if isinstance(error, OutputFailed):
            raise OutputFailed(error.message, f"{error.hint}; {hint}") from error
        raise OutputFailed(f"cannot write {output}: {error.strerror}", hint) from error
