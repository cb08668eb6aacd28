"""A batch from start to end: list the source, answer what is not answered yet, remember it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.batch.batch_folder import PLAN, BatchFolder, has_begun, open_folder
from edge.batch.catalogue.reference import Catalogue
from edge.batch.catalogue.source import open_catalogue
from edge.batch.plan import PART_SIZE, Listed, write_plan
from edge.batch.settings import BatchSettings, PartDone, Work
from edge.batch.storage import S3
from edge.errors import BadOption, OutputFailed, SourceNotFound

Progress = Callable[[int], None]
"""Is told how many pictures there are so far."""

Engine = Callable[[Sequence[int], Work, Progress], Iterator[PartDone]]
"""Answers parts, in any order; tells of each when its tables are written, and of so many pictures more meanwhile."""


@dataclass(frozen=True, slots=True)
class BatchSource:
    """What is to be answered."""

    where: str
    column: str | None = None
    id_column: str | None = None
    part_size: int = PART_SIZE


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a batch came to; `was_finished` says that an earlier run had done it all."""

    listed: Listed
    answered: int
    failed: int
    was_finished: bool


def run_batch(
    source: BatchSource,
    folder: Path,
    settings: BatchSettings,
    engine: Engine,
    listing: Callable[[], AbstractContextManager[Progress]],
    answering: Callable[[int], AbstractContextManager[Progress]],
) -> Outcome:
    """Answer every picture of a source once, also over several runs with the same folder.

    `listing` and `answering` open what shows progress; the latter is told how many pictures there are. Raises the
    errors of the source, of the folder and of the engine.
    """
    _refuse_inside(source.where, folder)
    if not has_begun(folder):
        _open(source, settings)  # what is wrong with it leaves no folder behind
    with open_folder(folder, _asked(source, settings)) as opened:
        listed = opened.listed
        if listed is None:
            listed = _list(source, opened, settings, listing)
        pending = opened.pending()
        if pending:
            with answering(listed.pictures) as show:
                _answer(pending, opened, settings, engine, show)
        opened.finish()
        return Outcome(listed, opened.answered, opened.failed, was_finished=not pending)


def _open(source: BatchSource, settings: BatchSettings) -> Catalogue:
    return open_catalogue(source.where, source.column, source.id_column, settings.s3)


def _list(
    source: BatchSource,
    folder: BatchFolder,
    settings: BatchSettings,
    listing: Callable[[], AbstractContextManager[Progress]],
) -> Listed:
    catalogue = _open(source, settings)
    try:
        with listing() as show:
            listed = write_plan(folder.path / PLAN, catalogue, source.part_size, show)
    except OSError as error:
        if hasattr(error, "hint"):  # one of ours
            raise
        raise OutputFailed(f"cannot write to {folder.path}: {error.strerror}", "make room") from error
    if not listed.pictures:
        raise SourceNotFound(f"{source.where} holds no pictures", "a folder, a bucket, a list of addresses or Parquet")
    folder.set_listed(listed, catalogue.base)
    return listed


def _answer(
    pending: Sequence[int], folder: BatchFolder, settings: BatchSettings, engine: Engine, show: Progress
) -> None:
    so_far = folder.answered + folder.failed
    show(so_far)

    def count(more: int) -> None:
        nonlocal so_far
        so_far += more
        show(so_far)

    for done in engine(pending, Work(settings, folder.path.absolute(), folder.base), count):
        folder.mark(done)


def _asked(source: BatchSource, settings: BatchSettings) -> dict[str, Any]:
    """What must be the same when a run goes on: all that the answers depend on."""
    return {
        "source": source.where if source.where.startswith(S3) else str(Path(source.where).absolute()),
        "column": source.column,
        "id column": source.id_column,
        "model": settings.model.sha256,
        "labels": list(settings.labels),
        "framing": settings.framing and settings.framing.value,
        "pixels": settings.pixels and settings.pixels.value,
        "views": settings.views,
        "min score": settings.min_score,
        "top k": settings.top_k,
        "format": settings.form.value,
    }


def _refuse_inside(source: str, folder: Path) -> None:
    """Raise BadOption where the tables would lie among the pictures."""
    if source.startswith(S3) or not Path(source).is_dir():
        return
    if folder.resolve().is_relative_to(Path(source).resolve()):
        raise BadOption(f"{folder} lies in {source}", "choose a folder outside with -o")
