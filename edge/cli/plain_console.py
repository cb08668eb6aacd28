"""The console that tables are printed on; rich loads with it."""

from __future__ import annotations

from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from edge.errors import OutputClosed
from edge.printable import printable_lines


class PlainConsole(Console):
    """Prints text out of files as it is: no markup ([red]), no emoji (:boot:), nothing that a terminal would obey."""

    def __init__(self, stream: TextIO | None = None, width: int | None = None) -> None:
        super().__init__(file=stream, width=width, highlight=False, markup=False, emoji=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """Through here goes every string of a table: cells, headings and title."""
        return super().render_str(printable_lines(text), **options)

    def on_broken_pipe(self) -> None:
        """Stop quietly; rich itself would exit with 1."""
        raise OutputClosed("the reader of the output is gone")
