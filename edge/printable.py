"""Text that nobody vouches for, made fit for a terminal; JSON made so without changing what it says.

Labels, file names and servers' answers may hold what a terminal obeys: colours, a new title, a link, a moved
cursor, text that runs backwards (U+202E), a second line that looks like ours.
"""

from __future__ import annotations


def printable(text: object) -> str:
    r"""One line of text in which what a terminal would obey is visible: \x1b for ESC, \n for a new line.

    Letters of all scripts and spaces of all widths stay; control, format (zero width, writing direction), private
    and unassigned characters do not. A byte that is not UTF-8 (a lone surrogate, as Python reads file names)
    becomes \xNN.
    """
    line = str(text)
    return line if line.isprintable() else "".join(map(_visible, line))


def printable_lines(text: object) -> str:
    """As `printable`, line by line: for messages and table cells that have several lines on purpose."""
    return "\n".join(printable(line.expandtabs()) for line in str(text).split("\n"))


def printable_json(text: str) -> str:
    r"""JSON with every character that a terminal might obey written as \uNNNN: it reads back as the same value."""
    return text if text.isprintable() else "".join(map(_json_escape, text))


def _harmless(character: str) -> bool:
    import unicodedata  # a megabyte that few runs need

    return character.isprintable() or unicodedata.category(character) == "Zs"


def _visible(character: str) -> str:
    if _harmless(character):
        return character
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")


def _json_escape(character: str) -> str:
    if character == "\n" or _harmless(character):
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
