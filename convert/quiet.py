"""Keep TensorFlow's output off the screen, and ready for an error message."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TextIO, cast

from convert.converter_log import open_capture
from edge.cli.standard_streams import Forgiving

TAIL_LINES = 12
"""Number of last lines shown with an error."""

_LOG_LINE = re.compile(r"[IW]\d{4} ")
"""How absl's logging starts information and warnings; errors are not logged so."""


class _Descriptor(io.TextIOBase):
    """A text stream that writes to a file descriptor and is never closed.

    TensorFlow's and absl's loggers keep the sys.stderr of their first import for good; a stream that ended with
    the capture would fail them later.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, text: str) -> int:
        """Write to the descriptor, whatever it is connected to at the time."""
        os.write(self._descriptor, text.encode("utf-8", "replace"))
        return len(text)

    def fileno(self) -> int:
        """The descriptor's number."""
        return self._descriptor


_OUT, _ERR = _Descriptor(1), _Descriptor(2)


@contextmanager
def captured() -> Iterator[Callable[[], str]]:
    """Capture what is written to stdout and stderr, by C++ too; gives a function that returns the last lines.

    The converter prints to both, file descriptors 1 and 2 as well as Python's streams. An exception that is not
    ours (edge.errors) is a bug: the output before it then goes to stderr.
    """
    from edge.errors import FmnistEdgeError

    sys.stdout.flush()
    sys.stderr.flush()
    with open_capture() as said:
        kept = os.dup(1), os.dup(2)
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)

        def lines_said() -> list[str]:
            said.seek(0)
            lines = said.read().decode("utf-8", "replace").splitlines()
            said.seek(0, os.SEEK_END)
            return [line for line in lines if line.strip()]

        leftover: list[str] = []
        try:
            with redirect_stdout(_OUT), redirect_stderr(_ERR):
                yield lambda: "\n".join([line for line in lines_said() if not _LOG_LINE.match(line)][-TAIL_LINES:])
        except (FmnistEdgeError, KeyboardInterrupt):
            raise
        except BaseException:
            leftover = lines_said()
            raise
        finally:
            for target, original in zip((1, 2), kept, strict=True):
                os.dup2(original, target)
                os.close(original)
            if leftover:
                os.write(2, ("\n".join(leftover) + "\n").encode())


def screen_stream() -> TextIO:
    """A stream to today's stderr that a later capture does not redirect: for progress."""
    try:
        descriptor = os.dup(sys.stderr.fileno())
    except (OSError, io.UnsupportedOperation):
        return sys.stderr
    return cast(TextIO, Forgiving(os.fdopen(descriptor, "w", encoding="utf-8", errors="replace")))
