"""What the three commands share: errors become two lines on stderr and an exit code."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import warnings
from collections.abc import Callable
from typing import NoReturn

from edge.errors import FmnistEdgeError, MissingExtra, OutputClosed, OutputFailed


def run(command: Callable[[], object]) -> None:
    """Run a Typer app as a process: exit 0, or say what went wrong and exit with the error's own code.

    Errors outside the tree of edge.errors are bugs and keep their traceback. Typer itself turns Ctrl-C into
    exit 130.
    """
    warnings.showwarning = _show_warning
    try:
        command()
        sys.stdout.flush()
    except OutputClosed:
        silence_stdout()
        sys.exit(OutputClosed.exit_code)
    except FmnistEdgeError as error:
        if isinstance(error, OutputFailed):
            silence_stdout()  # what is still buffered cannot go anywhere
        complain(error)
        sys.exit(error.exit_code)


def run_and_leave(command: Callable[[], object]) -> NoReturn:
    """As `run`, then leave without taking the process apart: that takes a sixth of a short run's time.

    Nothing of ours waits for the interpreter's end: files are closed and delegates released by then.
    """
    code: object = 0
    try:
        run(command)
    except SystemExit as leaving:
        code = leaving.code
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0)


def complain(error: FmnistEdgeError) -> None:
    """Print an error and its hint on stderr, in two lines."""
    print(f"error: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"hint: {error.hint}", file=sys.stderr)


def _show_warning(message: Warning | str, *_details: object, **_more: object) -> None:
    """Warnings are for the person at the terminal, who has no use for our file names and line numbers."""
    print(f"warning: {message}", file=sys.stderr)


def silence_stdout() -> None:
    """Point stdout at nothing, so that the interpreter's last flush meets no closed pipe."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)


def require_extra(extra: str, modules: tuple[str, ...]) -> None:
    """Raise MissingExtra unless all of `modules` can be imported; loads none of them."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"this command needs {', '.join(missing)}, which the device's installation leaves out",
            f"pip install 'fmnist-edge[{extra}]'",
        )
