"""Standard streams of a process that may be closed, full, or of an encoding that lacks a letter."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import Any, TextIO, cast

from edge.errors import OutputFailed


def guard() -> None:
    """Make sys.stdin, sys.stdout and sys.stderr safe to use; call it once, before anything is opened or printed.

    A descriptor that the shell closed (`>&-`) is taken by /dev/null: else the next file opened would get its number,
    and a library that prints would write into it. Printing to a closed or full stdout raises OutputFailed; a
    stderr that cannot be written to says nothing. Letters that the encoding lacks are escaped.
    """
    # Read-only, for stdout: writing to it fails, as to a closed one it should.
    for descriptor, flags in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        _fill(descriptor, flags)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):
            cast(Any, stream).reconfigure(errors="backslashreplace")
    sys.stdout = cast(TextIO, _Stdout(sys.stdout))
    sys.stderr = cast(TextIO, Forgiving(sys.stderr))


def _fill(descriptor: int, flags: int) -> None:
    try:
        os.fstat(descriptor)
    except OSError:
        opened = os.open(os.devnull, flags)
        if opened != descriptor:
            os.dup2(opened, descriptor)
            os.close(opened)


class _Stream:
    """A text stream that does all as the one it stands for, but for what its children say."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Stdout(_Stream):
    """Raises OutputFailed where stdout cannot be written to; BrokenPipeError stays, rich and the sinks know it."""

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            raise _translated(error) from error

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            raise _translated(error) from error


class Forgiving(_Stream):
    """A stream for messages. What cannot be written is given up: there is no place left to say so."""

    def write(self, text: str) -> int:
        """Write what can be written."""
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Write out what can be written."""
        with contextlib.suppress(OSError):
            self._stream.flush()


def _translated(error: OSError) -> OSError:
    """An OutputFailed for what goes wrong with stdout; a closed pipe stays what it is."""
    if isinstance(error, BrokenPipeError):
        return error
    reason = "it is closed" if error.errno == errno.EBADF else error.strerror
    return OutputFailed(f"cannot write to stdout: {reason}", "make room, or send the output to a file or a pipe")
