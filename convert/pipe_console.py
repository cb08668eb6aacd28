"""Tables and lines on stdout, which may be a pipe that its reader closes."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console

from edge.cli.console import silence_stdout

_WIDTH_OF_A_FILE = 160
"""Columns; rich takes 80 where there is no terminal, and folds what people will search with grep."""


class PipeConsole(Console):
    """A console for which a closed pipe (`| head`) is no failure: the exit code goes on to tell of the outcome.

    It prints names out of files, so nothing in them is taken for rich's markup.
    """

    def __init__(self, stream: TextIO) -> None:
        width = None if stream.isatty() else _WIDTH_OF_A_FILE
        super().__init__(file=stream, width=width, highlight=False, markup=False, emoji=False)

    def say(self, line: str) -> None:
        """Print a line as it is, however long."""
        self.print(line, soft_wrap=True)

    def on_broken_pipe(self) -> None:
        """Say no more; rich itself would exit with 1."""
        self.quiet = True
        silence_stdout()
