"""The folder of the results: what was asked for, and which parts of the plan are done.

batch.json      what was asked for, and what the source holds
plan/           the pictures still to be answered, in parts; it goes when all are
journal.jsonl   a line for each part that is done
answers/ failures/   the tables, one a part
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from edge.batch.plan import Listed
from edge.batch.settings import PartDone
from edge.batch.tables import ANSWERS, FAILURES
from edge.documents import parse_json, read_limited
from edge.errors import BadOption, OutputFailed

PLAN = "plan"
_MANIFEST, _JOURNAL = "batch.json", "journal.jsonl"
_VERSION = 1


class BatchFolder:
    """A folder that is opened by `open_folder`, and by no other process meanwhile."""

    def __init__(self, path: Path, asked: Mapping[str, Any], journal: BinaryIO) -> None:
        self.path = path
        self._journal = journal
        self._manifest: dict[str, Any] = {"v": _VERSION, "asked": dict(asked), "listed": None, "base": ""}
        self._done: set[int] = set()
        self.answered = self.failed = 0
        self._read()

    @property
    def listed(self) -> Listed | None:
        """What the source holds; None until all of it is in the plan."""
        found = self._manifest["listed"]
        return None if found is None else Listed(**found)

    @property
    def base(self) -> str:
        """Where the plan's relative paths start."""
        return str(self._manifest["base"])

    def set_listed(self, listed: Listed, base: str) -> None:
        """The plan is complete. Raises OutputFailed."""
        os.sync()  # or a power cut leaves this note and an empty plan; file by file would take minutes for millions
        self._manifest |= {"listed": asdict(listed), "base": base}
        self._write_manifest()

    def pending(self) -> list[int]:
        """The parts to be answered, the large ones first, so that all processes end at nearly the same time."""
        parts = 0 if self.listed is None else self.listed.parts
        return [number for number in reversed(range(parts)) if number not in self._done]

    def mark(self, done: PartDone) -> None:
        """Remember that a part is done, also if the power goes now. Raises OutputFailed."""
        line = json.dumps({"part": done.part, "answered": done.answered, "failed": done.failed}) + "\n"
        try:
            self._journal.write(line.encode())
            self._journal.flush()
            os.fsync(self._journal.fileno())
        except OSError as error:
            raise _failed(self.path / _JOURNAL, error) from error
        self._count(done)

    def finish(self) -> None:
        """All parts are done: the plan is of no use any more, nor is what a process left that was killed."""
        shutil.rmtree(self.path / PLAN, ignore_errors=True)
        for kind in (ANSWERS, FAILURES):
            for left in (self.path / kind).glob(".*.partial"):
                left.unlink(missing_ok=True)

    def _count(self, done: PartDone) -> None:
        if done.part not in self._done:
            self._done.add(done.part)
            self.answered += done.answered
            self.failed += done.failed

    def _read(self) -> None:
        """Take up what an earlier run left. Raises BadOption where that was another one, OutputFailed where spoilt."""
        path = self.path / _MANIFEST
        if path.exists():
            try:
                found = parse_json(read_limited(path))
                asked, listed = dict(found["asked"]), found["listed"]
                is_ours = found["v"] == _VERSION and (listed is None or bool(Listed(**listed)))
            except (OSError, ValueError, TypeError, KeyError) as error:
                raise OutputFailed(f"{path} cannot be read: {error}", "choose another folder with -o") from error
            if not is_ours:
                raise OutputFailed(f"{path} is of another version", "choose another folder with -o")
            if listed is not None:  # before, there is nothing that other options could spoil
                _refuse_others(self.path, asked, self._manifest["asked"])
                self._manifest = found
                self._read_journal()
                return
        self._journal.truncate(0)
        self._write_manifest()

    def _read_journal(self) -> None:
        """Count what is done. A line that a power cut tore is cut off: its part is answered again."""
        self._journal.seek(0)
        whole = 0
        for line in self._journal:
            try:
                self._count(PartDone(**parse_json(line)))
            except (ValueError, TypeError):
                break
            whole += len(line)
        self._journal.truncate(whole)
        self._journal.seek(0, os.SEEK_END)

    def _write_manifest(self) -> None:
        partial = self.path / f".{_MANIFEST}.partial"
        try:
            with partial.open("w", encoding="utf-8") as file:
                json.dump(self._manifest, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self.path / _MANIFEST)
        except OSError as error:
            raise _failed(self.path, error) from error


def has_begun(path: Path) -> bool:
    """Whether a folder holds a run, finished or not."""
    return (path / _MANIFEST).exists()


@contextmanager
def open_folder(path: Path, asked: Mapping[str, Any]) -> Iterator[BatchFolder]:
    """The folder of a run that was asked for so; made if it is not there.

    Raises BadOption where it belongs to another run or other files, OutputFailed where it cannot be written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not has_begun(path) and any(one.name != _JOURNAL for one in path.iterdir()):
            raise BadOption(f"{path} holds other files", "choose a new folder with -o")
        for name in (ANSWERS, FAILURES):
            (path / name).mkdir(exist_ok=True)
        path.joinpath(_JOURNAL).touch(mode=0o600)
        journal = path.joinpath(_JOURNAL).open("r+b")
    except BadOption:
        raise
    except OSError as error:
        raise _failed(path, error) from error
    with journal:
        try:
            fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BadOption(f"another run writes to {path}", "wait for it, or choose another folder with -o") from error
        yield BatchFolder(path, asked, journal)


def _refuse_others(path: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    for name in (*before, *now):
        if before.get(name) != now.get(name):
            raise BadOption(
                f"{path} was begun with another {name}: {before.get(name)}, and now it is {now.get(name)}",
                "give the same as then, or a new folder with -o",
            )


def _failed(path: Path, error: OSError) -> OutputFailed:
    return OutputFailed(f"cannot write {path}: {error.strerror}", "make room, or choose another place with -o")
