"""The frames that --keep has stored, sorted into classes by a person: moved, undone, deleted, counted.

    DIR/_unsorted/ID.jpg, ID.json     what waits (edge/stream/review_folder.py)
    DIR/CLASS/ID.jpg, DIR/_unknown/   what is sorted
    DIR/.deleted/ID.jpg               what is deleted, until it can be undone no more

Nothing is ever written over, and a picture is moved by a rename: it is in one place or the other, on a full disk too.
Names from outside are looked up in a listing, never made into paths.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.datasets.image_folders import UNKNOWN, UNSORTED, class_folders
from edge.documents import parse_object, read_limited

NEEDED = 10
"""Photos of a class from which `fmnist-train adapt` learns enough to matter (docs/camera.md)."""

DELETE = "delete"
DELETED = ".deleted"
MOST_UNDONE = 50
MOST_DELETED = 200
"""Deleted pictures that are kept to be undone."""

SUFFIXES = (".jpg", ".png")


@dataclass(frozen=True, slots=True)
class Move:
    """A picture that went from one place to another, and its note as it was."""

    id: str
    before: Path
    after: Path
    note: bytes | None


@dataclass(frozen=True, slots=True)
class Moved:
    """What came of a request: ids that were moved, and those that were not, with the reason."""

    done: list[str]
    failed: dict[str, str]


class LabelFolder:
    """Sorts `folder` into the classes of `labels`. Its methods block; they may be called in any thread."""

    def __init__(self, folder: Path, labels: tuple[str, ...]) -> None:
        self._folder = folder
        self._classes = class_folders(labels)
        self._lock = threading.Lock()
        self._undo: deque[list[Move]] = deque(maxlen=MOST_UNDONE)

    @property
    def targets(self) -> list[str]:
        """Where a picture may be moved to: each label, _unknown, delete."""
        return [*self._classes, UNKNOWN, DELETE]

    def waiting(self) -> dict[str, str]:
        """What waits to be sorted, the oldest first: id -> the picture's file name. Raises OSError."""
        return _pictures_in(self._folder / UNSORTED)

    def counts(self) -> dict[str, Any]:
        """How many pictures wait, and how many each class has and still needs, as JSON. Raises OSError."""
        with self._lock:
            classes = [
                {"label": label, "folder": name, "count": (have := self._count(name)), "needs": max(0, NEEDED - have)}
                for label, name in self._classes.items()
            ]
            unsorted, unknown = self._count(UNSORTED), self._count(UNKNOWN)
        return {"waiting": unsorted, "unknown": unknown, "classes": classes, "can_undo": len(self._undo)}

    def entries(self, limit: int, before: str | None) -> list[dict[str, Any]]:
        """The newest that wait, or those that are older than `before`, as JSON. Raises OSError."""
        ids = sorted(self.waiting(), reverse=True)
        wanted = [one for one in ids if before is None or one < before][:limit]
        return [{"id": one, **self._note(one)} for one in wanted]

    def picture(self, wanted: str) -> tuple[bytes, str] | None:
        """A waiting picture's content and type, by its id; None where there is none. Raises OSError."""
        name = self.waiting().get(wanted)
        if name is None:
            return None
        try:
            content = read_limited(self._folder / UNSORTED / name)
        except (FileNotFoundError, ValueError):
            return None
        return content, "image/jpeg" if name.endswith(".jpg") else "image/png"

    def move(self, ids: Collection[str], target: str) -> Moved:
        """Move waiting pictures to one of `targets`. What fails stays where it is. Raises OSError."""
        folder = DELETED if target == DELETE else self._classes.get(target, UNKNOWN)
        with self._lock:
            waiting = self.waiting()
            moves: list[Move] = []
            failed: dict[str, str] = {}
            for one in dict.fromkeys(ids):
                if one not in waiting:
                    failed[one] = "it is not there any more"
                    continue
                try:
                    moves.append(self._move(one, self._folder / UNSORTED / waiting[one], self._folder / folder))
                except OSError as error:
                    failed[one] = error.strerror or str(error)
            if moves:
                self._undo.append(moves)
            if target == DELETE:
                self._forget_deleted()
        return Moved([one.id for one in moves], failed)

    def undo(self) -> Moved:
        """Take the last move back, whole; nothing where there is none. Raises OSError."""
        with self._lock:
            moves = self._undo.pop() if self._undo else []
            done: list[str] = []
            failed: dict[str, str] = {}
            stuck: list[Move] = []
            for one in moves:
                try:
                    self._move_back(one)
                    done.append(one.id)
                except FileNotFoundError:
                    failed[one.id] = "it is not there any more"
                except OSError as error:
                    failed[one.id] = error.strerror or str(error)
                    stuck.append(one)
            if stuck:
                self._undo.append(stuck)
        return Moved(done, failed)

    def sorted_pictures(self) -> Iterator[tuple[str, Path]]:
        """Every sorted picture: its name in an archive, CLASS/NAME, and its path. Raises OSError."""
        for folder in (*self._classes.values(), UNKNOWN):
            for name in sorted(_pictures_in(self._folder / folder).values()):
                yield f"{folder}/{name}", self._folder / folder / name

    def _count(self, folder: str) -> int:
        return len(_pictures_in(self._folder / folder))

    def _note(self, wanted: str) -> dict[str, Any]:
        try:
            note = parse_object(read_limited(self._folder / UNSORTED / f"{wanted}.json"))
        except (OSError, ValueError):
            return {"time": None, "label": None, "score": None, "decision": None, "top": []}
        return {name: note.get(name) for name in ("time", "label", "score", "decision")} | {
            "top": note["top"][:3] if isinstance(note.get("top"), list) else []
        }

    def _move(self, wanted: str, before: Path, folder: Path) -> Move:
        folder.mkdir(exist_ok=True)
        after = _free_name(folder / before.name)
        note_path = before.with_suffix(".json")
        try:
            note: bytes | None = read_limited(note_path)
        except (OSError, ValueError):
            note = None
        before.rename(after)
        with contextlib.suppress(OSError):  # a note without picture is cleared away by the review folder, too
            note_path.unlink(missing_ok=True)
        return Move(wanted, before, after, note)

    def _move_back(self, move: Move) -> None:
        if not move.after.exists():
            raise FileNotFoundError
        if move.note is not None:
            with contextlib.suppress(OSError):  # the picture matters
                unfinished = move.before.with_name(f".{move.before.stem}.json.partial")
                unfinished.write_bytes(move.note)
                unfinished.replace(move.before.with_suffix(".json"))
        move.after.rename(_free_name(move.before))

    def _forget_deleted(self) -> None:
        """Delete for good what is beyond MOST_DELETED: all that can still be undone comes last."""
        with contextlib.suppress(OSError):
            files = sorted((self._folder / DELETED).iterdir(), key=lambda path: path.stat().st_ctime_ns)
            for path in files[:-MOST_DELETED]:
                path.unlink(missing_ok=True)


def _pictures_in(folder: Path) -> dict[str, str]:
    """Pictures of a folder: name without suffix -> name. None where there is no such folder. Raises OSError."""
    try:
        with os.scandir(folder) as entries:
            names = [one.name for one in entries if _is_picture(one)]
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return {os.path.splitext(name)[0]: name for name in sorted(names)}  # noqa: PTH122 - a Path apiece is slow


def _is_picture(entry: os.DirEntry[str]) -> bool:
    name = entry.name
    return name.endswith(SUFFIXES) and not name.startswith(".") and entry.is_file(follow_symlinks=False)


def _free_name(path: Path) -> Path:
    """The path, with a number in its name if that is taken."""
    free, number = path, 1
    while os.path.lexists(free):
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free
