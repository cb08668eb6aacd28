"""What the three commands share: errors become two lines on stderr and an exit code."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Callable
from typing import NoReturn

from edge.cli import standard_streams
from edge.errors import FmnistEdgeError, MissingExtra, OutputClosed, OutputFailed
from edge.printable import printable, printable_json, printable_lines


def run(command: Callable[[], object]) -> None:
    """Run a Typer app as a process: exit 0, or say what went wrong and exit with the error's own code.

    Errors outside the tree of edge.errors are bugs and keep their traceback. Ctrl-C is exit 130, as Typer has it.
    """
    warnings.showwarning = _show_warning
    # A camera's troubles are told each time; otherwise Python would also keep a list of them, which grows for months.
    warnings.filterwarnings("always", category=UserWarning, module=r"edge\.sources\.(mjpeg|snapshot)$")
    standard_streams.guard()
    try:
        _run_and_flush(command)
    except (OutputClosed, BrokenPipeError):
        silence_stdout()
        sys.exit(OutputClosed.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except FmnistEdgeError as error:
        if isinstance(error, OutputFailed):
            silence_stdout()  # what is still buffered cannot go anywhere
        complain(error)
        sys.exit(error.exit_code)


def _run_and_flush(command: Callable[[], object]) -> None:
    """Run a command; what it printed is out, or the failure known, before its exit code is."""
    try:
        command()
    except SystemExit as leaving:  # Typer's way to end, after success too
        if leaving.code:
            raise
        sys.stdout.flush()
        raise
    sys.stdout.flush()


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


def say(line: str) -> None:
    """Print one line on stdout, names of any origin in it. Raises OutputClosed or OutputFailed."""
    _print(printable(line))


def say_json(document: str) -> None:
    """Print a JSON document on stdout; it stays exact. Raises OutputClosed or OutputFailed."""
    _print(printable_json(document))


def note(line: str) -> None:
    """Say something beside the output, in a line on stderr."""
    print(printable(line), file=sys.stderr)


def complain(error: FmnistEdgeError) -> None:
    """Print an error and its hint on stderr, in two lines.

    Further lines of a message are indented: no name with a new line in it looks like a message of its own.
    """
    for kind, text in (("error", error.message), ("hint", error.hint)):
        if text:
            print(f"{kind}: " + printable_lines(text).replace("\n", "\n  "), file=sys.stderr)


def _print(text: str) -> None:
    try:
        print(text, flush=True)
    except BrokenPipeError as error:
        raise OutputClosed("the reader of the output is gone") from error


def _show_warning(message: Warning | str, *_details: object, **_more: object) -> None:
    """Warnings are for the person at the terminal, who has no use for our file names and line numbers."""
    note(f"warning: {message}")


def silence_stdout() -> None:
    """Point stdout at nothing, so that the interpreter's last flush meets no closed pipe."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    os.close(devnull)


def require_extra(extra: str, modules: tuple[str, ...]) -> None:
    """Raise MissingExtra unless all of `modules` can be imported; loads none of them."""
    from importlib.util import find_spec

    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"this command needs {', '.join(missing)}, which the device's installation leaves out",
            f"pip install 'fmnist-edge[{extra}]'",
        )
