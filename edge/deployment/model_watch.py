"""Notices that a model's file has changed, by looking now and then: no kernel service is needed, and links count."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

from edge.errors import ModelNotFound
from edge.inference.model_file import find_model

LOOK_S = 1.0

SETTLED_S = 2.0
"""A file that has not changed for so long is complete. One that is copied slowly may pause: its hash tells then."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What changes with a file: where it lies, and the inode, size and time of change of what lies there."""

    path: Path
    device: int
    inode: int
    size: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> Fingerprint:
        """Of a file; links are followed. Raises OSError."""
        status = path.stat()
        return cls(path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


class ModelWatch:
    """Looks at a model's file, or at a link or folder that leads to one."""

    def __init__(self, where: str, look_s: float = LOOK_S, settled_s: float = SETTLED_S) -> None:
        self._where = where
        self._look_s, self._settled_s = look_s, settled_s
        self._next_look_s = time.monotonic() + look_s
        self._known = self._seen = self._look()
        self._seen_since_s = time.monotonic()

    def changed(self) -> Path | None:
        """The file that has changed and is complete, told once for each change; mostly None, at almost no cost.

        A file that is gone is no change.
        """
        now = time.monotonic()
        if now < self._next_look_s:
            return None
        self._next_look_s = now + self._look_s
        found = self._look()
        if found != self._seen:
            self._seen, self._seen_since_s = found, now
        if found is None or found == self._known or now - self._seen_since_s < self._settled_s:
            return None
        self._known = found
        return found.path

    def _look(self) -> Fingerprint | None:
        with contextlib.suppress(ModelNotFound, OSError):
            return Fingerprint.of(find_model(self._where))
        return None
