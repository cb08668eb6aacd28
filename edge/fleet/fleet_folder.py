"""What a device remembers of its updates, in the hidden folder .fleet of its folder of versions.

    models/.fleet/metadata/            what TUF's client has checked, so that nothing older is taken later
    models/.fleet/staged/              a version that is being fetched and tried
    models/.fleet/status.json          how the device stands: written by `update`, told by the run
    models/.fleet/run.json             what the run says of itself: its model, and what drifts
    models/.fleet/refused/SHA256.json  a version that was tried here and sent away, and why

Each file is written whole or not at all. One update at a time holds the lock; the run never waits for it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edge.documents import parse_object, read_limited
from edge.errors import BadOption, OutputFailed, UpdateFailed
from edge.service.whole_file import write_whole

FLEET = ".fleet"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Trial:
    """A version that has just taken over: it goes back if decisions drift with it that did not drift before.

    `file` and `model` are the SHA-256 of its file and of its flatbuffer, `began` is Unix time. `drifted_before`: what
    ran before drifted already, so the cause is another.
    """

    version: str
    file: str
    model: str
    began: float
    drifted_before: bool


@dataclass(frozen=True, slots=True)
class Status:
    """How a device stands.

    `accuracy`, 0 to 1, is the version's on the `canaries`, so many pictures with labels; `measured` is the SHA-256 of
    the file that it was measured of. `state` is one of STATES; `problem` says what is wrong to a person, None if
    nothing is. `installed` are files that updates have put there. `checked` is Unix time.
    """

    device: str
    channel: str
    state: str = "new"
    version: str | None = None
    available: str | None = None
    accuracy: float | None = None
    canaries: int = 0
    checked: float | None = None
    problem: str | None = None
    measured: str | None = None
    trial: Trial | None = None
    installed: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """As status.json has it."""
        return {"v": VERSION, **asdict(self)}


STATES = {
    "new": "nothing was looked for yet",
    "current": "it runs what it is to run",
    "available": "there is another version for it, which was only looked at",
    "updated": "another version has just been installed",
    "refused": "a version does not run here, is clearly worse or drifted; what ran goes on",
    "failed": "the repository could not be reached or trusted, or the disk is full; what runs goes on",
}


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run says of itself: the SHA-256 of its model's flatbuffer, and the measures that drift."""

    model: str
    drifting: tuple[str, ...]


class FleetFolder:
    """The hidden folder in a folder of versions."""

    def __init__(self, models: Path) -> None:
        self.models = models
        self.folder = models / FLEET
        self.metadata = self.folder / "metadata"
        self.staged = self.folder / "staged"
        self.status_file = self.folder / "status.json"
        self._refused = self.folder / "refused"

    def make(self) -> None:
        """Make the folders that are missing. Raises OutputFailed, or BadOption where there is no folder of versions."""
        if not self.models.is_dir():
            raise BadOption(f"{self.models} is no folder of versions", f"mkdir {self.models}")
        try:
            for folder in (self.metadata, self.staged, self._refused):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputFailed(f"cannot write {self.folder}: {error.strerror or error}", "check its owner") from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One update at a time. Raises UpdateFailed where another one runs."""
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise UpdateFailed(f"another update of {self.models} runs just now") from error
            yield

    def status(self) -> Status | None:
        """How the device stands; None where no update ran yet, or the file is damaged."""
        found = self._read(self.status_file)
        try:
            trial = found.get("trial")
            known = {one.name: found[one.name] for one in fields(Status) if one.name in found}
            known |= {"trial": Trial(**trial) if trial else None, "installed": tuple(found.get("installed", ()))}
            return Status(**known)
        except (TypeError, AttributeError):
            return None

    def write_status(self, status: Status) -> None:
        """Remember how the device stands. Raises OutputFailed."""
        self._write(self.status_file, status.as_json())

    def run_report(self) -> RunReport | None:
        """What the last run said of itself."""
        found = self._read(self.folder / "run.json")
        try:
            return RunReport(str(found["model"]), tuple(map(str, found["drifting"])))
        except (KeyError, TypeError):
            return None

    def write_run_report(self, report: RunReport) -> None:
        """Say what the run says of itself. Raises OutputFailed."""
        self._write(self.folder / "run.json", {"v": VERSION, **asdict(report)})

    def refused(self) -> dict[str, str]:
        """SHA-256 of files that were sent away, and why."""
        with contextlib.suppress(OSError):
            return {path.stem: str(self._read(path).get("why")) for path in self._refused.glob("[!.]*.json")}
        return {}

    def refuse(self, sha256: str, version: str, why: str) -> None:
        """Never try a file again: it does not run here, or is worse. Raises OutputFailed."""
        when = datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        content = {"v": VERSION, "version": version, "why": why, "time": when}
        self._write(self._refused / f"{sha256}.json", content)

    def forget_refusal(self, sha256: str) -> None:
        """Let a file be tried again: somebody has pinned it."""
        with contextlib.suppress(OSError):
            (self._refused / f"{sha256}.json").unlink(missing_ok=True)

    def clear_staged(self) -> None:
        """Remove what was fetched and not installed, of this or an interrupted update."""
        with contextlib.suppress(OSError):
            for path in self.staged.iterdir():
                path.unlink(missing_ok=True)

    def _read(self, path: Path) -> dict[str, Any]:
        with contextlib.suppress(OSError, ValueError):
            return parse_object(read_limited(path))
        return {}

    def _write(self, path: Path, content: dict[str, Any]) -> None:
        try:
            write_whole(path, json.dumps(content, ensure_ascii=False).encode() + b"\n", 0o644, replaces=True)
        except OSError as error:
            raise OutputFailed(f"cannot write {path}: {error.strerror or error}", "is the disk full?") from error
