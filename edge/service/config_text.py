"""A configuration written out as TOML: what is in force and where it comes from, or an example with every key."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Collection, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from edge.service.config_check import check
from edge.service.config_file import ConfigFile, lines_of
from edge.service.config_keys import Commands, Key, Kind, keys_of
from edge.service.secrets import without_password

WIDTH = 100


def in_force(commands: Commands, file: ConfigFile | None, tables: Collection[str]) -> Iterator[str]:
    """Lines of TOML: each key of the commands in `tables` with the value that counts, and where it is set.

    What is not set is commented out; passwords in addresses are stars. Raises ConfigInvalid.
    """
    values = check(file, commands) if file else {}
    lines = lines_of(file.text) if file else {}
    for table in tables:
        command = commands[table]
        keys = _shown_keys(command)
        if not keys:
            continue
        yield f"[{table}]"
        for key in keys:
            found = values.get(table, {}).get(key.parameter.name)
            if found is not None and file is not None:
                line = next((lines[place] for place in _places(table, key, command) if place in lines), None)
                yield f"{key.name} = {as_toml(found)}  # {file.path}{f', line {line}' if line else ''}"
                continue
            default = _default(key, command)
            yield f"{key.name} = {as_toml(default)}  # default" if default is not None else f"# {key.name} is not set"
        yield ""


def annotated(commands: Commands) -> Iterator[str]:
    """Lines of an example: every key with its option's help; commented out, so that nothing is changed by it."""
    for table, command in commands.items():
        keys = _shown_keys(command)
        if not keys:
            continue
        yield f"[{table}]"
        for key in keys:
            told = getattr(key.parameter, "help", "") or ""
            yield from textwrap.wrap(told, WIDTH, initial_indent="# ", subsequent_indent="# ")
            default = _default(key, command)
            value = as_toml(default) if default is not None else _sample(key)
            yield f"#{key.name} = {value}"
            yield ""


def as_toml(value: Any) -> str:
    """A flag, number, text or list of them as TOML writes it; passwords in addresses are stars."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(as_toml, value))}]"
    if isinstance(value, int | float):
        return str(value)
    text = str(value.value if isinstance(value, Enum) else value)
    quoted = json.dumps(without_password(text), ensure_ascii=False)  # its escapes are TOML's too
    return "".join(one if one.isprintable() else f"\\U{ord(one):08X}" for one in quoted)


def _shown_keys(command: Any) -> list[Key]:
    """Each key once, under its first name; options that help does not show are left out."""
    first = {key.name: key for key in keys_of(command).values()}
    return [key for key in first.values() if not getattr(key.parameter, "hidden", False)]


def _places(table: str, key: Key, command: Any) -> Iterator[tuple[str, str]]:
    """Where a key may stand: under any of its names."""
    yield from ((table, name) for name, one in keys_of(command).items() if one.name == key.name)


def _default(key: Key, command: Any) -> Any:
    """What counts if nothing is said, as one would write it; None if there is nothing."""
    default: Any = key.parameter.get_default(command.context_class(command))
    if default is None or default == () or isinstance(default, Mapping) or callable(default):
        return None
    return str(default) if isinstance(default, Path) else default


def _sample(key: Key) -> str:
    """A value for a key that has no default: of its kind, and one that its option takes."""
    kind, asked = key.parameter.type, re.sub(r"^\[(\w+)\](\.\.\.)?$", r"\1", key.parameter.metavar or "")
    given = getattr(key.parameter.callback, "example", None)
    choices = [str(getattr(one, "value", one)) for one in getattr(kind, "choices", ())]
    if given is not None:
        value = as_toml(given)
    elif choices:
        value = as_toml(choices[0])
    elif key.kind in {Kind.TEXT, Kind.PATH}:
        value = as_toml(asked or "...")
    elif key.kind is Kind.FLAG:
        value = "true"
    else:
        likely = 1 if key.kind is Kind.WHOLE else 0.5
        lowest, highest = getattr(kind, "min", None), getattr(kind, "max", None)
        value = as_toml(max(likely, lowest or likely) if highest is None else min(max(likely, lowest or 0), highest))
    return f"[{value}]" if key.several else value
