"""What `--help` shows, set beforehand: Typer and Rich, which set it, take ten times as long to load as to set.

scripts/make-help writes the pages, coloured, for three widths; a wider terminal gets the widest. Where anything asks
for another look, the page is set anew.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TextIO

WIDTHS = (80, 100)
"""Columns for which there are pages."""

_FOLDER = os.path.join(os.path.dirname(__file__), "help")
_NEW_PAGE = "\f"
_PLAIN_TERMINALS = frozenset({"dumb", "unknown"})
_ASKS_FOR_ANOTHER_LOOK = frozenset(
    {"COLUMNS", "FORCE_COLOR", "GITHUB_ACTIONS", "NO_COLOR", "PY_COLORS", "TERMINAL_WIDTH", "TTY_COMPATIBLE"}
    | {"TYPER_USE_RICH", "_TYPER_FORCE_DISABLE_TERMINAL"}
)


def file_of(width: int) -> str:
    """Path of the pages of one width."""
    return os.path.join(_FOLDER, f"{width}.txt")


def joined(pages: dict[str, str]) -> str:
    """The file of all pages: command line -> page."""
    return "".join(f"{_NEW_PAGE}{line}\n{page}" for line, page in pages.items())


def find_page(arguments: Sequence[str], stdout: TextIO) -> str | None:
    """The page for a command line such as `classify --help`; None where there is none that fits."""
    if arguments[-1:] != ["--help"] or os.path.basename(sys.argv[0]) != "fmnist-edge":
        return None
    is_terminal = stdout.isatty()
    if _ASKS_FOR_ANOTHER_LOOK & os.environ.keys() or (is_terminal and os.environ.get("TERM", "") in _PLAIN_TERMINALS):
        return None
    width = max((one for one in WIDTHS if one <= _columns()), default=0)
    if not width or not (stdout.encoding or "").lower().startswith("utf"):
        return None
    try:
        with open(file_of(width), encoding="utf-8") as file:
            _, found, rest = file.read().partition(f"{_NEW_PAGE}{' '.join(arguments)}\n")
    except OSError:
        return None
    page = rest.partition(_NEW_PAGE)[0]
    if not found:
        return None
    return page if is_terminal else without_colours(page)


def without_colours(page: str) -> str:
    """A page without what sets colours: ESC [ numbers m."""
    first, *others = page.split("\x1b[")
    return first + "".join(one.partition("m")[2] for one in others)


def _columns() -> int:
    """As Rich counts them: those of the first of the three streams that is a terminal, else 80."""
    for descriptor in (0, 1, 2):
        try:
            return os.get_terminal_size(descriptor).columns or 80
        except OSError:
            continue
    return 80
