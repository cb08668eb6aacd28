"""Which version of a folder runs, changed at one stroke: a link is replaced, and a running service follows it."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from edge.errors import ModelNotFound, OutputFailed
from edge.inference.model_versions import CURRENT, PREVIOUS, SUFFIX, followed, version_in_use, versions

_HINT = "check the folder's owner and its permissions"


def find_version(folder: Path, name: str) -> Path:
    """A version of a folder by its name, with or without .tflite. Raises ModelNotFound."""
    found = versions(folder)
    for path in found:
        if name in {path.name, path.stem}:
            return path
    listed = ", ".join(path.stem for path in found) or "none"
    raise ModelNotFound(f"{folder} has no version {name}", f"there are: {listed}; or give a file, to put it there")


def version_before(folder: Path) -> Path:
    """What ran before the last change, if it is known and there; else the next lower version. Raises ModelNotFound."""
    with contextlib.suppress(ModelNotFound):
        if (folder / PREVIOUS).is_symlink():
            return followed(folder / PREVIOUS)
    current = version_in_use(folder)
    lower = versions(folder)
    lower = lower[: lower.index(current)] if current in lower else []
    if not lower:
        raise ModelNotFound(f"{folder} has no version before {current.name}", "name the version that is to run")
    return lower[-1]


def use_version(folder: Path, version: Path) -> None:
    """Let a version of the folder run: `current` leads to it, `previous` to what ran until now. Raises OutputFailed.

    There is no moment without a `current`.
    """
    before = None
    with contextlib.suppress(ModelNotFound):
        before = version_in_use(folder)
    if before is not None and before.name != version.name:
        _link(folder / PREVIOUS, before.name)
    _link(folder / CURRENT, version.name)


def add_version(folder: Path, content: bytes, name: str) -> Path:
    """Put a model file into the folder, under a name that is free there. Raises OutputFailed.

    It appears there when it is complete; a file of the same content under that name is what is asked for already.
    """
    path = folder / f"{name.removesuffix(SUFFIX)}{SUFFIX}"
    with contextlib.suppress(OSError):
        if path.read_bytes() == content:
            return path
    arriving = _temporary(path)
    try:
        with arriving.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if os.path.lexists(path):
            raise OutputFailed(f"{path} is there already, with another content", "give the file another name")
        arriving.rename(path)
    except OSError as error:
        if isinstance(error, OutputFailed):
            raise
        raise OutputFailed(f"cannot write {path}: {error.strerror or error}", _HINT) from error
    finally:
        arriving.unlink(missing_ok=True)
    return path


def _link(link: Path, target: str) -> None:
    """Make or replace a symbolic link at one stroke. Raises OutputFailed."""
    arriving = _temporary(link)
    try:
        if link.exists() and not link.is_symlink():
            raise OutputFailed(f"{link} is no link, but in its place", f"rename it: {CURRENT} and {PREVIOUS} are links")
        arriving.symlink_to(target)
        arriving.replace(link)
    except OSError as error:
        if isinstance(error, OutputFailed):
            raise
        arriving.unlink(missing_ok=True)
        raise OutputFailed(f"cannot write {link}: {error.strerror or error}", _HINT) from error


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
