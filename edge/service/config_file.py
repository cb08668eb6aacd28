"""A configuration file as it lies on the disk: its TOML, its mode, and the line of each key."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.errors import ConfigInvalid

LARGEST_BYTES = 64 << 10
"""A thousand cameras fit."""

_DEEP_KEY = re.compile(r"""(?<![\w"'-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){64}""")
"""a.a.a.a...: the parser's memory grows with the square of a key's parts, to 4 GB for 64 KB."""

LONGEST_STATEMENT = 500
"""Lines of one value. Behind a longer one no more lines are counted: that, too, would take a square of time."""

Lines = dict[tuple[str, ...], int]
"""The first line of each key that a statement of the file sets, by its path: ("classify", "camera")."""


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A file that is TOML; whether its keys are ours is not known yet."""

    path: Path
    text: str
    tables: dict[str, Any]
    status: os.stat_result

    @property
    def name(self) -> str:
        """The path as it was given."""
        return str(self.path)


def read_config(path: Path) -> ConfigFile:
    """Read a configuration file. Raises ConfigInvalid, with line and column where the TOML is wrong."""
    content, status = _read(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ConfigInvalid(
            f"{path}: line {line}: not UTF-8 (byte 0x{content[error.start]:02x})", "save it as UTF-8"
        ) from error
    too_deep = f"{path}: its values are nested too deeply"
    if _DEEP_KEY.search(text):
        raise ConfigInvalid(too_deep, "a key is one word under a [table]")
    try:
        return ConfigFile(path, text, tomllib.loads(text), status)
    except tomllib.TOMLDecodeError as error:
        hint = 'a line is a [table] or a key = value; texts stand in "quotes"'
        said = str(error).replace("at end of document", f"at line {_unfinished(text)}, which does not end")
        raise ConfigInvalid(f"{path}: {said}", hint) from error
    except RecursionError as error:
        raise ConfigInvalid(too_deep, "no value is deeper than a list") from error
    except ValueError as error:  # a number of more than 4,300 digits
        raise ConfigInvalid(f"{path}: a value cannot be read: {error}") from error


def lines_of(text: str) -> Lines:
    """Where each key of a text that is TOML stands."""
    found: Lines = {}
    table: tuple[str, ...] = ()
    for first, _, statement, values in _statements(text):
        paths = _paths(values)
        if statement.lstrip().startswith("["):
            table = max(paths, key=len, default=())
            paths = [()]
        for path in paths:
            found.setdefault((*table, *path), first)
    return found


def _statements(text: str) -> Iterator[tuple[int, int, str, dict[str, Any]]]:
    """Each statement of a TOML text: its first and last line, itself, and what it sets.

    A statement is the least number of lines that is TOML by itself, so that a line within a list or a long text is
    not taken for a key.
    """
    statement, first = "", 1
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        statement += line
        try:
            values = tomllib.loads(statement)
        except ValueError:
            if number - first < LONGEST_STATEMENT:
                continue
            return
        yield first, number, statement, values
        statement, first = "", number + 1


def _unfinished(text: str) -> int:
    """The first line of the statement that the end of a text interrupts."""
    return max((last for _, last, _, _ in _statements(text)), default=0) + 1


def _paths(values: Any, deepest: int = 4) -> list[tuple[str, ...]]:
    if isinstance(values, list) and values:
        values = values[0]  # of a [[header]]
    if not isinstance(values, dict) or not deepest:
        return []
    found: list[tuple[str, ...]] = []
    for key, value in values.items():
        found += [(key,), *((key, *path) for path in _paths(value, deepest - 1))]
    return found


def _read(path: Path) -> tuple[bytes, os.stat_result]:
    """The content of a regular file or /dev/null, and its status when it was open. Raises ConfigInvalid."""
    hint = "fmnist-edge --config FILE; --config /dev/null runs without one"
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe would wait for its writer
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            is_null = stat.S_ISCHR(status.st_mode) and status.st_rdev == Path(os.devnull).stat().st_rdev
            if not stat.S_ISREG(status.st_mode) and not is_null:
                kind = "a directory" if stat.S_ISDIR(status.st_mode) else "no regular file"
                raise ConfigInvalid(f"{path} is {kind}: no configuration file", hint)
            content = file.read(LARGEST_BYTES + 1)
    except ConfigInvalid:
        raise
    except FileNotFoundError as error:
        raise ConfigInvalid(f"{path}: no such configuration file", hint) from error
    except IsADirectoryError as error:
        raise ConfigInvalid(f"{path} is a directory: no configuration file", hint) from error
    except PermissionError as error:
        raise ConfigInvalid(f"{path}: this user may not read the configuration file", hint) from error
    except (OSError, ValueError) as error:
        raise ConfigInvalid(f"{path}: the configuration file cannot be read: {error}", hint) from error
    if len(content) > LARGEST_BYTES:
        raise ConfigInvalid(f"{path} is larger than {LARGEST_BYTES >> 10} KB: no configuration file of ours", hint)
    return content, status
