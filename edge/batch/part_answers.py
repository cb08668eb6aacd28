"""A part of a catalogue becomes its tables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from edge.batch.batch_folder import PLAN
from edge.batch.pictures import Picture, pictures_of, read
from edge.batch.plan import read_part
from edge.batch.settings import PartDone, Work
from edge.batch.tables import ANSWERS, FAILURES, write_table
from edge.errors import ImageUnreadable, OutputFailed, SourceError
from edge.frame import Frame, Prediction
from edge.inference.interpreters import TFLiteInterpreter
from edge.inference.small_pictures import classify_together
from edge.output.sinks import SCHEMA_VERSION, as_json
from edge.sources.read_ahead import read_ahead
from edge.stream.batches import MOST, batches

Answered = tuple[str, Prediction | SourceError]


class PartAnswers:
    """Answers parts, with one classifier for all of them. Raises ModelError, BackendUnavailable or BadOption."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._classifier = work.settings.open_classifier()
        self._most = MOST if isinstance(self._classifier.interpreter, TFLiteInterpreter) else 1

    def __call__(self, part: int, progress: Callable[[int], None] = lambda _more: None) -> PartDone:
        """Answer a part and write its tables; `progress` is told of so many pictures more.

        Done twice, the tables are the same. Raises BackendUnavailable or OutputFailed.
        """
        return self._write(part, self._together(self._pictures(part)), progress)

    def one_by_one(
        self, part: int, before: Callable[[int], None], leave_out: Collection[int], progress: Callable[[int], None]
    ) -> PartDone:
        """Answer a part over which a process was lost: `before` is told the number of each picture before it is read.

        Those to leave out become failures. Otherwise as a call.
        """
        return self._write(part, self._singly(self._pictures(part), before, leave_out), progress)

    def _pictures(self, part: int) -> Iterator[Picture]:
        return pictures_of(read_part(self._work.folder / PLAN, part), self._work)

    def _together(self, pictures: Iterator[Picture]) -> Iterator[list[Answered]]:
        for some in read_ahead(batches(((one[0], read(one)) for one in pictures), self._most)):
            yield self._answered(some)

    def _singly(
        self, pictures: Iterator[Picture], before: Callable[[int], None], leave_out: Collection[int]
    ) -> Iterator[list[Answered]]:
        for number, one in enumerate(pictures):
            if number in leave_out:
                yield [(one[0], ImageUnreadable(f"{one[0]} ends the process that reads it", "is it a picture at all?"))]
                continue
            before(number)
            yield self._answered([(one[0], read(one))])

    def _answered(self, some: Sequence[tuple[str, Frame | SourceError]]) -> list[Answered]:
        frames = [frame for _, frame in some if not isinstance(frame, SourceError)]
        answers = iter(classify_together(self._classifier, frames))
        return [(name, frame if isinstance(frame, SourceError) else next(answers)) for name, frame in some]

    def _write(self, part: int, answered: Iterator[list[Answered]], progress: Callable[[int], None]) -> PartDone:
        answers: list[dict[str, Any]] = []
        failures: list[dict[str, Any]] = []
        for some in answered:
            for name, one in some:
                if isinstance(one, SourceError):
                    failures.append(_failure(name, one))
                else:
                    answers.append(as_json(one, self._work.settings.top_k))
            progress(len(some))
        folder, form = self._work.folder, self._work.settings.form
        name = f"part-{part:06}.{form.value}"
        try:
            self._write_failures(folder / FAILURES / name, failures)
            write_table(folder / ANSWERS / name, answers, form, ANSWERS, self._classifier.model_sha256)
        except OSError as error:
            raise OutputFailed(
                f"cannot write to {folder}: {error.strerror or error}", "make room, and run the same command again"
            ) from error
        return PartDone(part, len(answers), len(failures))

    def _write_failures(self, path: Path, failures: Sequence[dict[str, Any]]) -> None:
        if failures:
            write_table(path, failures, self._work.settings.form, FAILURES, self._classifier.model_sha256)
        else:
            path.unlink(missing_ok=True)  # of an earlier try, which may have met a server that was away


def _failure(name: str, error: SourceError) -> dict[str, Any]:
    return {
        "v": SCHEMA_VERSION,
        "source": name,
        "error": type(error).__name__,
        "message": error.message,
        "hint": error.hint or None,
    }
