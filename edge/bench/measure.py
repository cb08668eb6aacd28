"""The order of things: open, check the answers, take turns at classifying, start the whole program, sum up."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from edge.bench.correctness import Correctness, check_answers
from edge.bench.doubts import doubts
from edge.bench.folder import RUNS as FOLDER_RUNS
from edge.bench.folder import FolderRate, fill_folder, measure_folder, photos_for
from edge.bench.pictures import Pictures, write_pictures
from edge.bench.result import Measured, NotMeasured, Result, identities, software
from edge.bench.speed import Course, Limit
from edge.bench.start import NotStarted, Start, measure_start
from edge.board.conditions import conditions
from edge.board.description import describe, usable_cores
from edge.choices import EDGETPU_LIBRARY, Backend
from edge.errors import BackendUnavailable, Cause, ModelUnsupported, OutputFailed
from edge.inference.backends import release
from edge.inference.classifier import open_classifier
from edge.inference.interpreters import CPU_RUNTIMES

if TYPE_CHECKING:
    from edge.choices import PixelRange
    from edge.inference.backends import Opened
    from edge.inference.classifier import Classifier
    from edge.inference.interpreters import Interpreter
    from edge.inference.model_file import Model
    from edge.sources.grammar import Input
    from edge.spec import Framing

ROUNDS = 5
START_RUNS = 3
_START_SHARE = 1.2
"""Of our own processor time up to the first frame: about what a start of the program takes."""

Open = Callable[["Model", Backend, int], "Opened"]
"""Opens a model in a backend with so many threads. Raises BackendUnavailable or ModelUnsupported."""


@dataclass(frozen=True, slots=True)
class Plain:
    """What is told of models without a manifest; `arguments` say the same to `classify`."""

    labels: tuple[str, ...] = ()
    framing: Framing | None = None
    pixels: PixelRange | None = None
    arguments: tuple[str, ...] = ()

    def classifier(self, model: Model, interpreter: Interpreter, views: int = 1) -> Classifier:
        """A classifier for a model, told of it if it has no manifest. Raises ModelUnsupported."""
        if model.manifest is not None:
            return open_classifier(model, interpreter, views=views)
        return open_classifier(model, interpreter, self.labels, framing=self.framing, pixels=self.pixels, views=views)


@dataclass(frozen=True, slots=True)
class Asked:
    """What to measure: each model in each backend, all that are installed if none is named.

    Each number of threads is a course of its own, and `limit` how long one lasts, all its rounds together.
    """

    models: Sequence[Model]
    backends: Sequence[Backend]
    threads: Sequence[int]
    limit: Limit
    views: int
    delegate: str = EDGETPU_LIBRARY
    plain: Plain = Plain()


class Progress:
    """Told how far it is; this one tells nobody."""

    def begin(self, steps: int, seconds: float) -> None:
        """There will be so many steps, and it will take about so long."""

    def step(self) -> None:
        """Another step is done."""


@dataclass(slots=True)
class _Subject:
    """A model in a backend, and what is known of it so far."""

    name: str
    backend: Backend
    opened: list[Opened]
    courses: list[Course] = field(default_factory=list)
    correctness: Correctness | None = None
    starts: dict[Pictures, Start | NotStarted] = field(default_factory=dict)
    folders: list[FolderRate] = field(default_factory=list)

    def release(self) -> None:
        """Give a Coral back, which only one process can have."""
        for opened in self.opened:
            release(opened.interpreter)

    def measured(self, views: int) -> Measured:
        found = [speed for course in self.courses if (speed := course.speed()) is not None]
        return Measured(
            model=self.name,
            backend=self.backend,
            runtime=_without_folder(self.opened[0].interpreter.name),
            views=views,
            speeds=tuple(found),
            correctness=self.correctness,
            starts=self.starts,
            folders=tuple(self.folders),
        )


def default_threads() -> list[int]:
    """1, 2, 4 and so on, and all cores that this process may use."""
    cores = usable_cores()
    return sorted({1 << power for power in range(cores.bit_length()) if 1 << power <= cores} | {cores})


def measure(asked: Asked, open_it: Open, progress: Progress) -> Result:
    """Measure all that was asked for. Interrupted by Ctrl-C, it gives what it has.

    Raises the error of the first backend if none takes any model, and OutputFailed where no file can be written.
    """
    began_s = time.time()
    board, before = describe(), conditions()
    models = identities(asked.models)
    subjects, not_measured = _open_all(asked, [model.name for model in models], open_it)
    after, interrupted = before, False
    try:
        with _written_pictures() as inputs:
            _measure_with(inputs, subjects, asked, progress)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        after = conditions()
        for subject in subjects:
            subject.release()
    measured = tuple(subject.measured(asked.views) for subject in subjects)
    return Result(
        time=datetime.fromtimestamp(began_s, UTC),
        board=board,
        software=software(),
        before=before,
        after=after,
        models=tuple(models),
        measured=measured,
        not_measured=tuple(not_measured),
        warnings=tuple(doubts(board, before, after, measured)),
        interrupted=interrupted,
    )


def _open_all(asked: Asked, names: Sequence[str], open_it: Open) -> tuple[list[_Subject], list[NotMeasured]]:
    subjects, refused = [], []
    first: BackendUnavailable | ModelUnsupported | None = None
    for name, model in zip(names, asked.models, strict=True):
        for backend in asked.backends or _candidates(model):
            counts = asked.threads[:1] if backend is Backend.CORAL else asked.threads
            try:
                subjects.append(_Subject(name, backend, [open_it(model, backend, count) for count in counts]))
            except (BackendUnavailable, ModelUnsupported) as error:
                first = first or error
                cause = error.cause if isinstance(error, BackendUnavailable) else Cause.MODEL_REFUSED
                refused.append(NotMeasured(name, backend, cause))
    if not subjects and first is not None:
        raise first
    return subjects, refused


def _candidates(model: Model) -> tuple[Backend, ...]:
    """Only a compiled model gains by a Coral, and no CPU runs one."""
    return (Backend.CORAL,) if model.compiled_for_edgetpu else tuple(CPU_RUNTIMES)


@contextmanager
def _written_pictures() -> Iterator[dict[Pictures, list[Input]]]:
    """The files to classify, as long as they are needed. Raises OutputFailed."""
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="fmnist-edge-bench-", ignore_cleanup_errors=True)
            )
            inputs = write_pictures(Path(folder))
        except OSError as error:
            raise OutputFailed(
                f"cannot write the pictures to classify: {error.strerror}", "set TMPDIR to a folder with 1 MB left"
            ) from error
        yield inputs


def _measure_with(
    inputs: dict[Pictures, list[Input]], subjects: list[_Subject], asked: Asked, progress: Progress
) -> None:
    for subject in subjects:
        for number, (threads, opened) in enumerate(zip(asked.threads, subject.opened, strict=False)):
            classifier = asked.plain.classifier(opened.model, opened.interpreter, asked.views)
            kinds = tuple(Pictures) if number == 0 else (Pictures.PHOTO,)
            subject.courses += [Course(kind, threads, classifier, inputs[kind]) for kind in kinds]
    courses = [course for subject in subjects for course in subject.courses]
    runs = len(Pictures) * (START_RUNS + 1) * len(subjects) + FOLDER_RUNS * sum(len(one.opened) for one in subjects)
    steps = len(subjects) + ROUNDS * len(courses) + runs
    progress.begin(steps, _estimate_s(subjects, courses, asked.limit))
    for subject in subjects:
        opened = subject.opened[0]
        subject.correctness = check_answers(opened.model, opened.interpreter, asked.plain.classifier)
        progress.step()
    limit = _of_round(asked.limit)
    for _ in range(ROUNDS):  # in turns: what slows the machine for a while slows all of them
        for course in courses:
            course.run_round(limit)
            progress.step()
    for number, subject in enumerate(subjects):
        subject.release()
        arguments = _options(subject, asked)
        for kind in Pictures:
            command = ["classify", inputs[kind][0].where, *arguments]
            subject.starts[kind] = measure_start(command, START_RUNS, progress.step)
        photos = inputs[Pictures.PHOTO]
        _measure_folders(subject, photos, Path(photos[0].where).with_name(f"folder-{number}"), asked, progress)


def _measure_folders(subject: _Subject, photos: list[Input], folder: Path, asked: Asked, progress: Progress) -> None:
    """Photos a second by so many threads; nothing where no program can be started."""
    start, speed = subject.starts[Pictures.PHOTO], subject.courses[0].speed()
    if isinstance(start, NotStarted) or speed is None:
        return
    count = photos_for(asked.limit, speed.stages_ms["total"].p50)
    command = ["classify", str(fill_folder(folder, photos, count)), *_options(subject, asked)]
    for threads in asked.threads[: len(subject.opened)]:
        found = measure_folder(command, threads, count, start, progress.step)
        if isinstance(found, FolderRate):
            subject.folders.append(found)


def _options(subject: _Subject, asked: Asked) -> list[str]:
    """What `classify` is to be told, so that it does what was measured."""
    options = ["--model", str(subject.opened[0].model.path), "--backend", str(subject.backend)]
    options += ["--views", str(asked.views)]
    options += asked.plain.arguments if subject.opened[0].model.manifest is None else ()
    return [*options, "--delegate", asked.delegate] if subject.backend is Backend.CORAL else options


def _of_round(limit: Limit) -> Limit:
    """The limit of one of ROUNDS rounds."""
    return Limit(
        None if limit.seconds is None else limit.seconds / ROUNDS,
        None if limit.frames is None else max(1, limit.frames // ROUNDS),
    )


def _estimate_s(subjects: list[_Subject], courses: list[Course], limit: Limit) -> float:
    """About how long it will take, by one frame of each course."""
    started_s = time.process_time() * _START_SHARE
    spent_s = started_s * len(subjects) * len(Pictures) * (START_RUNS + 1)
    spent_s += FOLDER_RUNS * sum(
        started_s + (limit.seconds or 0.0) / 2 / len(one.opened) for one in subjects for _ in one.opened
    )
    for course in courses:
        photo_s, invoke_s = course.try_one()
        spent_s += 3 * ROUNDS * photo_s
        spent_s += limit.seconds if limit.seconds is not None else (limit.frames or 1) * photo_s
        if course.pictures is Pictures.PICTURE:
            spent_s += 300 * invoke_s
    return spent_s


def _without_folder(name: str) -> str:
    """A runtime's name, in which the Edge TPU's library may stand with its path."""
    runtime, plus, library = name.partition(" + ")
    return f"{runtime}{plus}{PurePath(library).name}" if plus else name
