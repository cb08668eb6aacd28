"""Tables and lines on stdout, which may be a pipe that its reader closes."""

from __future__ import annotations

from typing import TextIO

from rich.text import Text

from edge.cli.console import silence_stdout
from edge.cli.plain_console import PlainConsole
from edge.printable import printable, printable_json

_WIDTH_OF_A_FILE = 160
"""Columns; rich takes 80 where there is no terminal, and folds what people will search with grep."""


class PipeConsole(PlainConsole):
    """A console for which a closed pipe (`| head`) is no error: the exit code still tells the outcome.

    It prints names from files, so rich's markup is off.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream, None if stream.isatty() else _WIDTH_OF_A_FILE)

    def say(self, line: str) -> None:
        """Print a line as it is, however long."""
        self.print(Text(printable(line)), soft_wrap=True)

    def say_json(self, document: str) -> None:
        """Print a JSON document, byte for byte."""
        self.print(Text(printable_json(document)), soft_wrap=True)

    def on_broken_pipe(self) -> None:
        """Print nothing more. rich itself would exit with 1."""
        self.quiet = True
        silence_stdout()
