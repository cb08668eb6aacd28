"""A queue of batches on disk, of limited size: what waits there survives a reboot.

    DIR/000000000042-9f86d081884c7d65-17.json    batch 42, its 17 events as a JSON array
    DIR/refused/...                              batches that the receiver would not have
    DIR/lock                                     held while a process uses the folder

A batch gets its name when it is complete and on the disk. Numbers, not clocks, say what is oldest.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import secrets
import threading
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path

from edge.errors import OutputFailed
from edge.folder_sync import sync_folder

MEMORY_BYTES = 2_000_000
"""So much waits in memory where the disk takes nothing."""

BLOCK = 4096

_NAME = re.compile(r"(\d{12})-([0-9a-f]{16})-(\d{1,6})\.json")
_PASSING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG, errno.ENFILE, errno.EMFILE})
"""What a disk does that is full or dying. Anything else is a folder that cannot be used."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Events that go out together. `body` is their JSON array, None where it lies on the disk, under `name`."""

    name: str
    events: int
    size: int
    body: bytes | None = None

    @property
    def room(self) -> int:
        """Bytes that it takes on the disk, which come in blocks."""
        return -(-self.size // BLOCK) * BLOCK

    @property
    def id(self) -> str:
        """The same at each delivery of this batch, and that of no other; its number may change."""
        return self.name[13:29]


class Spool:
    """A queue of batches under `folder`, of `max_bytes` at most: the oldest make room. Any thread may call it.

    Where the disk is full, batches wait in memory until it takes them. `problem` says so.
    """

    def __init__(self, folder: Path, max_bytes: int, memory_bytes: int = MEMORY_BYTES) -> None:
        self.folder = folder
        self._max_bytes = max_bytes
        self._memory_bytes = min(memory_bytes, max_bytes)
        self._guard = threading.RLock()
        self._lock: int | None = None
        self._batches: deque[Batch] = deque()
        self._refused: deque[Batch] = deque()
        self._given: Batch | None = None
        self._next_number = 1
        self.dropped = 0
        """Events that had to make room, or were refused, or could not be read again."""
        self.problem: str | None = None

    def open(self) -> None:
        """Take the folder, and what waits in it. Raises OutputFailed; a full disk is a problem, not an error."""
        with self._guard:
            try:
                self._take_folder()
            except BlockingIOError as error:
                raise OutputFailed(
                    f"another process has its queue in {self.folder}", "another folder: --webhook-queue DIR"
                ) from error
            except OSError as error:
                if error.errno not in _PASSING:
                    raise OutputFailed(
                        f"{self.folder} cannot be a queue: {error.strerror}", "another folder: --webhook-queue DIR"
                    ) from error
                self._has_failed(error)

    def put(self, body: bytes, events: int) -> None:
        """Queue a batch."""
        with self._guard:
            name = f"{self._next_number:012d}-{secrets.token_hex(8)}-{events}.json"
            self._next_number += 1
            self._batches.append(Batch(name, events, len(body), body))
            self._make_room()
            self._save()

    def first(self) -> tuple[Batch, bytes] | None:
        """The oldest batch and its body; None if none waits. It stays until it is removed or refused."""
        with self._guard:
            while self._batches:
                batch = self._given = self._batches[0]
                if batch.body is not None:
                    return batch, batch.body
                try:
                    return batch, (self.folder / batch.name).read_bytes()
                except OSError:  # deleted by a person, or the disk is broken
                    self._forget(batch)
                    self.dropped += batch.events
            return None

    def remove(self, batch: Batch) -> None:
        """Take a batch out that was delivered."""
        with self._guard:
            held = self._held(batch)
            self._forget(batch)
            self._delete(self.folder / held.name)

    def refuse(self, batch: Batch) -> None:
        """Put a batch aside that the receiver would not have; a person may look at it, and move it back."""
        with self._guard:
            held = self._held(batch)
            self._forget(batch)
            self.dropped += batch.events
            if held.body is None:
                with contextlib.suppress(OSError):
                    (self.folder / "refused").mkdir(mode=0o700, exist_ok=True)
                    (self.folder / held.name).replace(self.folder / "refused" / held.name)
                    self._refused.append(held)
            self._delete(self.folder / held.name)

    def close(self) -> None:
        """Leave the folder to others."""
        with self._guard:
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._batches

    @property
    def waiting(self) -> int:
        """Events that wait. Asked by the thread that classifies, it waits for no disk."""
        return sum(batch.events for batch in list(self._batches))

    @property
    def waiting_in_memory(self) -> int:
        """Events that wait and are lost at the end of the process."""
        return sum(batch.events for batch in list(self._batches) if batch.body is not None)

    def _take_folder(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._refused = deque(_batches_in(self.folder / "refused"))
            waiting = _batches_in(self.folder)
        except OSError:
            os.close(lock)
            raise
        self._lock = lock
        for left in self.folder.glob("*.partial"):
            self._delete(left)
        # What was queued before the folder could be had, a full disk, comes after what waits in it.
        newest = max((int(batch.name[:12]) for batch in waiting), default=0)
        in_memory = [batch for batch in self._batches if batch.body is not None]
        renumbered = [
            replace(batch, name=f"{newest + number:012d}{batch.name[12:]}") for number, batch in enumerate(in_memory, 1)
        ]
        there = {batch.name for batch in waiting}
        self.dropped += sum(batch.events for batch in self._batches if batch.body is None and batch.name not in there)
        self._batches = deque([*waiting, *renumbered])
        self._next_number = newest + len(renumbered) + 1
        self._make_room()

    def _save(self) -> None:
        """Write what waits in memory to the disk, the oldest first."""
        try:
            if self._lock is None:
                self._take_folder()
            for number, batch in enumerate(self._batches):
                if batch.body is not None:
                    self._write(batch.name, batch.body)
                    self._batches[number] = replace(batch, body=None)
        except OSError as error:
            if error.errno == errno.ENOENT:  # somebody took the folder away: it is made again
                self.close()
            self._has_failed(error)
        else:
            self.problem = None

    def _has_failed(self, error: OSError) -> None:
        self.problem = f"{self.folder} takes nothing: {error.strerror}; events wait in memory"
        while sum(batch.size for batch in self._batches if batch.body is not None) > self._memory_bytes:
            oldest = next((one for one in self._batches if one.body is not None and not self._is_given(one)), None)
            if oldest is None:
                break
            self._drop(oldest)

    def _write(self, name: str, body: bytes) -> None:
        partial = self.folder / f"{name}.partial"
        try:
            file = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(file, "wb") as stream:
                stream.write(body)
                stream.flush()
                os.fsync(stream.fileno())
            partial.rename(self.folder / name)
            sync_folder(self.folder)
        except OSError:
            self._delete(partial)
            raise

    def _make_room(self) -> None:
        """Drop what was refused, then the oldest, until the rest fits; never the newest, nor the one on its way."""
        while sum(batch.room for batch in (*self._batches, *self._refused)) > self._max_bytes:
            if self._refused:
                self._delete(self.folder / "refused" / self._refused.popleft().name)
                continue
            oldest = next((one for one in self._batches if not self._is_given(one)), None)
            if oldest is None or oldest is self._batches[-1]:
                return
            self._drop(oldest)

    def _drop(self, batch: Batch) -> None:
        self._forget(batch)
        self._delete(self.folder / batch.name)
        self.dropped += batch.events

    def _is_given(self, batch: Batch) -> bool:
        return self._given is not None and self._given.id == batch.id

    def _held(self, batch: Batch) -> Batch:
        """A batch as it is now: in memory or on the disk, and under which name."""
        return next((one for one in self._batches if one.id == batch.id), batch)

    def _forget(self, batch: Batch) -> None:
        self._batches = deque(one for one in self._batches if one.id != batch.id)
        if self._is_given(batch):
            self._given = None

    @staticmethod
    def _delete(path: Path) -> None:
        with contextlib.suppress(OSError):
            path.unlink()


def _batches_in(folder: Path) -> list[Batch]:
    """The batches that lie in a folder, oldest first."""
    if not folder.is_dir():
        return []
    found = []
    for path in sorted(folder.iterdir()):
        match = _NAME.fullmatch(path.name)
        if match and path.is_file():
            found.append(Batch(path.name, int(match[3]), path.stat().st_size))
    return found
