"""Writes a file whole or not at all, readable by its owner alone from its first moment."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from pathlib import Path


def write_whole(
    path: Path, content: bytes, mode: int = 0o600, owner: tuple[int, int] | None = None, *, replaces: bool
) -> None:
    """Write a file under another name, and rename it; one that is there is only replaced if it may be.

    `owner` is user and group by number. Raises OSError, FileExistsError among them.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            if owner is not None:
                os.fchown(descriptor, *owner)
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        if replaces:
            partial.replace(path)
        else:
            _rename_new(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _rename_new(partial: Path, path: Path) -> None:
    """Rename a file, but not onto another. Raises OSError, FileExistsError among them."""
    try:
        os.link(partial, path)
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS}:
            raise
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # FAT has no links
        try:
            partial.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                path.unlink()
            raise
