"""A TUF repository in a folder: its metadata, signed and written in an order in which no reader meets half of it.

    DIR/metadata/1.root.json, 2.root.json, ...   each signed by the one before, too
    DIR/metadata/7.targets.json                  which versions there are
    DIR/metadata/9.snapshot.json                 which targets.json belongs to it
    DIR/metadata/timestamp.json                  which snapshot is the newest: the only file that is ever replaced
    DIR/targets/SHA256.camera-3.tflite           the versions themselves

Snapshots are consistent: what a reader has begun to read stays there.
"""

from __future__ import annotations

import fcntl
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, Targets, Timestamp
from tuf.api.serialization.json import JSONSerializer

from convert.publishing.roles import ROLES, SIGNER_OF, Periods, Signer
from edge.documents import read_limited
from edge.errors import BadOption, OutputFailed
from edge.service.whole_file import write_whole

if TYPE_CHECKING:
    from convert.publishing.key_ring import KeyRing

METADATA, TARGETS = "metadata", "targets"
_MODE = 0o644
_WORDS = JSONSerializer(compact=True)


class Repository:
    """The newest metadata of each role. Changes are made to them, and then written by `write`."""

    def __init__(
        self,
        folder: Path,
        root: Metadata[Root],
        targets: Metadata[Targets],
        snapshot: Metadata[Snapshot],
        timestamp: Metadata[Timestamp],
        *,
        is_new: bool = False,
    ) -> None:
        self.folder = folder
        self.root, self.targets, self.snapshot, self.timestamp = root, targets, snapshot, timestamp
        self._is_written = set() if is_new else set(SIGNER_OF)
        self._root_before = None if is_new else deepcopy(root.signed)

    @classmethod
    def create(cls, folder: Path) -> Repository:
        """One that is not there yet. Raises BadOption for a folder that has one."""
        if any((folder / METADATA).glob("*.json")):
            raise BadOption(f"{folder}: there is a repository already", "convert publish MODEL --repository DIR")
        root = Metadata(Root(consistent_snapshot=True))
        return cls(folder, root, Metadata(Targets()), Metadata(Snapshot()), Metadata(Timestamp()), is_new=True)

    @classmethod
    def read(cls, folder: Path) -> Repository:
        """The one in a folder. Raises BadOption."""
        roots = [int(path.name.split(".")[0]) for path in (folder / METADATA).glob("[0-9]*.root.json")]
        try:
            root = _read(folder, f"{max(roots, default=1)}.{Root.type}", Root)
            timestamp = _read(folder, Timestamp.type, Timestamp)
            snapshot = _read(folder, f"{timestamp.signed.snapshot_meta.version}.{Snapshot.type}", Snapshot)
            version = snapshot.signed.meta[f"{Targets.type}.json"].version
            targets = _read(folder, f"{version}.{Targets.type}", Targets)
        except OSError as error:
            raise BadOption(f"{folder}: there is no repository: {error}", "convert publish init DIR") from error
        except (ValueError, KeyError, RepositoryError) as error:
            raise BadOption(f"{folder}: its metadata are damaged: {error}", "restore it from a copy") from error
        return cls(folder, root, targets, snapshot, timestamp)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One who publishes at a time. Raises BadOption where another does, or OutputFailed."""
        try:
            for name in (METADATA, TARGETS):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            lock = (self.folder / f".{METADATA}.lock").open("w")
        except OSError as error:
            raise OutputFailed(f"cannot write {self.folder}: {error.strerror or error}") from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise BadOption(f"{self.folder}: somebody else publishes there just now", "try again") from error
            except OSError as error:
                raise OutputFailed(f"cannot lock {self.folder}: {error.strerror or error}") from error
            yield

    def metadata(self, role: str) -> Metadata[Any]:
        """A role's, by TUF's name of the role."""
        found: Metadata[Any] = getattr(self, role)
        return found

    def write(self, changed: Collection[str], ring: KeyRing, periods: Periods) -> None:
        """Give the changed roles a new version, sign them, and write them; a change goes up to the timestamp.

        What is signed by keys that a new root replaces is signed by the old ones, too, as long as these are here: it is
        good for those who have the new root and for those who do not have it yet. Nothing is written unless enough keys
        are here for all of it: raises BadOption. Raises OutputFailed.
        """
        order = [role for role in (Targets.type, Snapshot.type, Timestamp.type) if role in _with_those_above(changed)]
        contents: dict[str, bytes] = {}
        for role in [*order, *({Root.type} & set(changed))]:
            name = self._next_version(role, periods)
            contents[name] = self._signed(role, ring)
        try:
            for name, content in contents.items():
                write_whole(self.folder / METADATA / f"{name}.json", content, _MODE, replaces=name == Timestamp.type)
        except OSError as error:
            raise OutputFailed(f"cannot write {self.folder}: {error.strerror or error}") from error

    def put_target(self, file: str, sha256: str, content: bytes) -> None:
        """Put a file there; nobody asks for it before the metadata name it. Raises OutputFailed."""
        path = self.folder / TARGETS / f"{sha256}.{file}"
        try:
            write_whole(path, content, _MODE, replaces=True)
        except OSError as error:
            raise OutputFailed(f"cannot write {path}: {error.strerror or error}") from error

    def _next_version(self, role: str, periods: Periods) -> str:
        """Count a role's version up, with all that follows from it; the name of its file without .json."""
        signed = self.metadata(role).signed
        signed.version += role in self._is_written
        self._is_written.add(role)
        while role != Timestamp.type and (self.folder / METADATA / f"{signed.version}.{role}.json").exists():
            signed.version += 1  # left by a write that was interrupted: no reader knows it, and it is never replaced
        signed.expires = periods.end(role)
        if role == Snapshot.type:
            self.snapshot.signed.meta[f"{Targets.type}.json"] = MetaFile(self.targets.signed.version)
        elif role == Timestamp.type:
            self.timestamp.signed.snapshot_meta = MetaFile(self.snapshot.signed.version)
        return role if role == Timestamp.type else f"{signed.version}.{role}"

    def _signed(self, role: str, ring: KeyRing) -> bytes:
        metadata = self.metadata(role)
        metadata.signatures.clear()
        counting = [self.root.signed] if self._root_before is None else [self.root.signed, self._root_before]
        for number, root in enumerate(counting):
            is_needed = number == 0 or role == Root.type  # a root is signed by the keys of the one before
            keys, needed = root.roles[role].keyids, root.roles[role].threshold
            signers = ring.signers(keys)
            if len(signers) < needed and is_needed:
                here = ", ".join(ring.name(one.public_key.keyid) for one in signers) or "none"
                whose = "those of the root before" if number else f"{SIGNER_OF[role]} keys"
                raise BadOption(
                    f"{role} has to be signed by {needed} of {len(keys)} {whose}; here: {here}",
                    "--keys DIR, once for each folder that has some",
                )
            for signer in signers:
                metadata.sign(signer, append=True)
        return metadata.to_bytes(_WORDS)


def _with_those_above(changed: Collection[str]) -> set[str]:
    """A new version of targets asks for a new snapshot, and that for a new timestamp."""
    found = set(changed)
    for lower, upper in ((Targets.type, Snapshot.type), (Snapshot.type, Timestamp.type)):
        if lower in found:
            found.add(upper)
    return found


def _read(folder: Path, name: str, kind: type[Any]) -> Metadata[Any]:
    metadata = Metadata[kind].from_bytes(read_limited(folder / METADATA / f"{name}.json"))  # type: ignore[valid-type]
    if not isinstance(metadata.signed, kind):
        raise ValueError(f"{name}.json is of another role")
    return metadata


def signers_of(root: Root, keyid: str) -> list[Signer]:
    """Whose key it is."""
    return [signer for signer, roles in ROLES.items() if any(keyid in root.roles[role].keyids for role in roles)]
