"""Write files whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from edge.errors import OutputFailed

_HINT = "choose another place with --output and --report, or make room there"


def check_writable(*paths: Path) -> None:
    """Check before the work starts that a file can be created at each path. Raises OutputFailed."""
    for path in paths:
        if path.is_dir():
            raise OutputFailed(f"{path} is a folder", _HINT)
        if not path.parent.is_dir():
            raise OutputFailed(f"{path.parent} is not a folder", f"mkdir -p {path.parent}")
        _reserve(path).unlink()


def write_all(contents: Mapping[Path, bytes]) -> None:
    """Write all files under temporary names in their folders, then rename them: none is ever half-written.

    Existing files of these names are replaced. Raises OutputFailed, and leaves existing files as they were, if
    one cannot be written.
    """
    with ExitStack() as clean_up:
        waiting: dict[Path, Path] = {}
        for path, content in contents.items():
            temporary = _reserve(path)
            clean_up.callback(_remove, temporary)
            waiting[path] = temporary
            try:
                _fill(temporary, content)
            except OSError as error:
                raise OutputFailed(f"cannot write {path}: {error.strerror or error}", _HINT) from error
        for path, temporary in waiting.items():
            try:
                temporary.replace(path)
            except OSError as error:
                raise OutputFailed(f"cannot write {path}: {error.strerror or error}", _HINT) from error


def _reserve(path: Path) -> Path:
    """An empty file of a new name in the folder of `path`, so that the rename stays within one file system."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    except OSError as error:
        raise OutputFailed(f"cannot write in {path.parent}: {error.strerror or error}", _HINT) from error
    os.close(descriptor)
    return Path(name)


def _fill(path: Path, content: bytes) -> None:
    umask = os.umask(0)
    os.umask(umask)
    with path.open("wb") as file:
        os.fchmod(file.fileno(), 0o666 & ~umask)  # mkstemp gives 0600, and models are there to be shared
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # a full disk may show itself only here


def _remove(path: Path) -> None:
    with suppress(OSError):  # after the rename it is gone
        path.unlink()
