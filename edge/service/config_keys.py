"""What may stand in a configuration file: the options of the commands, read off the commands themselves.

`Any` are the command line's own commands and parameters, Click's or the ones that newer Typers bring along.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

LARGEST_NUMBER = sys.float_info.max

Commands = Mapping[str, Any]
"""The commands whose options a file may give, by name: each is a table of the file."""


class Kind(StrEnum):
    """What a value has to be, in the words of an error."""

    FLAG = "true or false"
    WHOLE = "a whole number"
    NUMBER = "a number"
    TEXT = "a text in quotes"
    PATH = "a path in quotes"


@dataclass(frozen=True, slots=True)
class Key:
    """One option or argument, as a key of a table."""

    name: str
    kind: Kind
    several: bool
    parameter: Any

    def value(self, raw: Any) -> Any:
        """What the command line would be given for a TOML value. Raises ValueError, which says what was expected."""
        if self.several:
            if not isinstance(raw, list):
                raise ValueError(f"expected a list, as in {self.name} = [{example(self.kind)}], got {described(raw)}")
            return [self._one(item) for item in raw]
        return self._one(raw)

    def _one(self, raw: Any) -> Any:
        whole = isinstance(raw, int) and not isinstance(raw, bool)
        match self.kind:
            case Kind.FLAG if isinstance(raw, bool):
                return raw
            case Kind.WHOLE if whole and raw.bit_length() < 64:
                return raw
            case Kind.NUMBER if whole or isinstance(raw, float):
                if -LARGEST_NUMBER <= raw <= LARGEST_NUMBER:  # neither nan nor more than fits a float
                    return raw
            case Kind.TEXT if whole:  # camera = 0
                return str(raw)
            case Kind.TEXT | Kind.PATH if isinstance(raw, str) and "\0" not in raw:
                return str(Path(raw).expanduser()) if raw.startswith("~/") else raw
        raise ValueError(f"expected {self.kind}, got {described(raw)}")


def keys_of(command: Any) -> dict[str, Key]:
    """The keys of a command's table, by each name that they go by; the first is the one to show.

    A key is an option's long name without its dashes, or an argument's name. Options that end the run (--help) or
    have to do with the command line alone (--config) are none.
    """
    keys: dict[str, Key] = {}
    for parameter in command.params:
        if parameter.is_eager or not parameter.expose_value:
            continue
        names = [option.lstrip("-") for option in parameter.opts if option.startswith("--")] or [parameter.name]
        several = parameter.multiple or parameter.nargs != 1
        for name in names:
            keys[name] = Key(names[0], _kind(parameter), several, parameter)
    return keys


def _kind(parameter: Any) -> Kind:
    """Read off Click's name of a type, which has been "integer", "integer range", "int" and "int range"."""
    name = parameter.type.name
    if getattr(parameter, "is_flag", False) or name.startswith("bool"):
        return Kind.FLAG
    if name.startswith("int"):
        return Kind.WHOLE
    if name.startswith("float"):
        return Kind.NUMBER
    return Kind.PATH if name in {"path", "file", "directory", "filename"} else Kind.TEXT


def example(kind: Kind) -> str:
    """A value of a kind, as TOML."""
    return {Kind.FLAG: "true", Kind.WHOLE: "1", Kind.NUMBER: "0.5"}.get(kind, '"..."')


def described(raw: Any) -> str:
    """What a TOML value is, for an error. Short, and nothing nested is looked into."""
    match raw:
        case bool():
            return str(raw).lower()
        case int() | float():
            return f"the number {shortened(raw)}"
        case str():
            return f"the text {shortened(raw)!r}"
        case list():
            return "a list"
        case dict():
            return "a table"
    return "a date or time"


def shortened(raw: str | float) -> str:
    """A text or number on part of a line."""
    if isinstance(raw, int) and raw.bit_length() > 200:
        return f"of {raw.bit_length()} bits"
    text = str(raw)
    return text if len(text) <= 60 else f"{text[:57]}..."
