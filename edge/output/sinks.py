"""Where predictions go: a table for people, JSON Lines or CSV for programs; stdout or a file."""

from __future__ import annotations

import io
import json
import os
import sys
from abc import ABC, abstractmethod
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
_ENCODE = json.JSONEncoder(ensure_ascii=False).encode


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


class LineSink(ABC):
    """A sink of one line a frame: lines may also be made where the predictions are, and be written here."""

    def __init__(self, lines: _Lines, top_k: int) -> None:
        self._lines = lines
        self._top_k = top_k

    @abstractmethod
    def line(self, prediction: Prediction) -> str:
        """The line of one prediction, with its end."""

    def write(self, prediction: Prediction) -> None:
        """Write the line of one prediction."""
        self.write_line(self.line(prediction))

    def write_line(self, line: str) -> None:
        """Write a line."""
        self._lines.write(line)


class TableSink(LineSink):
    """One aligned line a frame, for people: source, label or decision, score, runners-up or the hint, milliseconds."""

    def __init__(self, lines: _Lines, top_k: int, width: int) -> None:
        super().__init__(lines, top_k)
        self._width = min(max(width, 24), 60)
        self._started = False

    def write_line(self, line: str) -> None:
        """Write a line, the first one under the headings."""
        if not self._started:
            runners_up = f"  {'next':<{_runners_up_width(self._top_k)}}" if self._top_k > 1 else ""
            self._lines.write(f"{'source':<{self._width}}  {'garment':<12}{'score':>7}{runners_up}  {'ms':>6}\n")
            self._started = True
        self._lines.write(line)

    def line(self, prediction: Prediction) -> str:
        """The line of one prediction."""
        name = printable(prediction.source)
        source = name if prediction.frame == 0 else f"{name} #{prediction.frame}"
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
        return f"{shown:<{self._width}}  {answer}{runners_up}  {milliseconds:>6.1f}\n"


def _called(prediction: Prediction) -> str:
    """What the table calls it: the label, with a question mark where it is a guess, or that there is none."""
    if prediction.decision is not Decision.NO_GARMENT and prediction.best is not None:
        return printable(prediction.best.label) + "?" * (prediction.decision is Decision.UNKNOWN)
    return f"({prediction.decision.replace('_', ' ')})"


def _runners_up_width(top_k: int) -> int:
    return 18 * (top_k - 1)


class JsonSink(LineSink):
    """JSON Lines: one object a frame, schema version in `v`."""

    def line(self, prediction: Prediction) -> str:
        """The line of one prediction."""
        return _json_line(as_json(prediction, self._top_k))

    def write_object(self, document: dict[str, Any]) -> None:
        """Write an object as one line."""
        self.write_line(_json_line(document))


def _json_line(document: dict[str, Any]) -> str:
    return printable_json(_ENCODE(document)) + "\n"


class CsvSink(LineSink):
    """CSV with a header: one row a frame. Names are exact, but for those who read it on a terminal."""

    COLUMNS = ("source", "frame", "label", "score", "decision", "read_ms", "preprocess_ms", "invoke_ms")

    def __init__(self, lines: _Lines, top_k: int) -> None:
        super().__init__(lines, top_k)
        self._name: Callable[[str], str] = printable if lines.isatty() else str
        others = (name for number in range(2, top_k + 1) for name in (f"label{number}", f"score{number}"))
        self.write_line(self._row(*self.COLUMNS, *others))

    @staticmethod
    def _row(*cells: object) -> str:
        """A row that ends with a line feed. csv.writer has to think of CR LF, or it leaves a CR in a name alone."""
        import csv

        text = io.StringIO()
        csv.writer(text).writerow(cells)
        return text.getvalue().removesuffix("\r\n") + "\n"

    def line(self, prediction: Prediction) -> str:
        """The row of one prediction; the runners-up follow the fixed columns."""
        best = prediction.best
        latency = prediction.latency_ms
        return self._row(
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
) -> Iterator[LineSink]:
    """A sink on stdout, or on a file that gets its name when it is complete.

    Until then it is called FILE.partial: an interrupted run leaves there what it had, and an older FILE alone.
    Ctrl-C is how an `endless` run ends, and completes the file. `source_width` is that of
    the longest source name. Raises OutputClosed or OutputFailed.
    """
    sinks: dict[Format, Callable[[_Lines, int], LineSink]] = {
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
