"""TensorFlow's output during a conversion, kept in files that survive a crash of the process.

The command calls `start` before it continues in a child process. Without it, all of this does nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

_LAYERS = "layers.txt"

_folder: Path | None = None
_log: Path | None = None


def start(folder: Path, log: Path) -> None:
    """Keep the output, and temporary files, in `folder`. `save` then joins the output into `log`."""
    global _folder, _log
    _folder, _log = folder, log
    tempfile.tempdir = str(folder)


def open_capture() -> IO[bytes]:
    """A file for the output from now on: in the folder, or a temporary one."""
    if _folder is None:
        return tempfile.TemporaryFile()
    return tempfile.NamedTemporaryFile("w+b", prefix="said-", suffix=".log", dir=_folder, delete=False)


def note_layers(kinds: Iterable[str]) -> None:
    """Keep the kinds of layers or operations that are converted now, for the message about a crash."""
    if _folder is not None:
        (_folder / _LAYERS).write_text("\n".join(dict.fromkeys(kinds)), encoding="utf-8")


def noted_layers(folder: Path | None = None) -> str:
    """The kinds that were noted in a folder (the one of `start`), with commas; empty before anything was converted."""
    folder = folder or _folder
    if folder is None:
        return ""
    try:
        return ", ".join((folder / _LAYERS).read_text("utf-8").splitlines())
    except OSError:
        return ""


def save(folder: Path | None = None, log: Path | None = None) -> Path | None:
    """Write the log of a folder (by default that of `start`), and return its path. None if there was no output.

    None, too, if the log cannot be written: the error that it belongs to matters more.
    """
    folder, log = folder or _folder, log or _log
    if folder is None or log is None:
        return None
    said = sorted(folder.glob("said-*.log"), key=lambda path: path.stat().st_mtime_ns)
    text = b"".join(path.read_bytes() for path in said)
    if not text.strip():
        return None
    partial = log.with_name(f".{log.name}.partial")
    try:
        partial.write_bytes(text)
        partial.replace(log)
    except OSError:
        partial.unlink(missing_ok=True)
        return None
    return log
