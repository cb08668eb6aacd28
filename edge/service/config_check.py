"""A configuration file against the keys that there are: values for the options, or every mistake at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import typer

from edge.errors import ConfigInvalid, FmnistEdgeError
from edge.service.config_file import ConfigFile, lines_of, read_config
from edge.service.config_keys import Commands, Key, described, keys_of, shortened
from edge.service.secrets import open_to_others, quoted, without_password

Values = dict[str, dict[str, Any]]
"""What a file sets: for each command the values of its parameters, by the parameters' names."""

Mistake = tuple[tuple[str, ...], str]
"""Where, as table and key, and what is wrong."""

LONGEST = 300
"""Letters of one mistake."""

MOST_SHOWN = 30
"""Mistakes that are listed; a file with more is not meant for us."""

_SECRET = re.compile("password|passwd|secret|token|credential", re.IGNORECASE)


def values_from(path: Path, commands: Commands) -> Values:
    """Read a configuration file. Raises ConfigInvalid, which lists all that is wrong with it."""
    return check(read_config(path), commands)


def check(file: ConfigFile, commands: Commands) -> Values:
    """The values of a file that was read. Raises ConfigInvalid, which lists all that is wrong with it."""
    values: Values = {}
    mistakes: list[Mistake] = []
    for name, table in file.tables.items():
        if name not in commands:
            mistakes.append(((name,), _no_table(name, table, commands)))
        elif not isinstance(table, dict):
            got = "a list of tables" if isinstance(table, list) else described(table)
            mistakes.append(((name,), f"expected one table, [{name}], got {got}"))
        else:
            values[name] = {}
            mistakes += _check_table(name, table, commands[name], values[name])
    mistakes += _passwords(file)
    if mistakes:
        raise _error(file, mistakes)
    return values


def _check_table(name: str, table: Mapping[str, Any], command: Any, values: dict[str, Any]) -> Iterator[Mistake]:
    """Put a table's values into `values`; gives what is wrong with it."""
    keys = keys_of(command)
    context = command.context_class(command, info_name=name)
    for written, raw in table.items():
        key = keys.get(written)
        if key is None:
            yield (name, written), _no_key(written, keys)
            continue
        if key.parameter.name in values:
            yield (name, written), f"says the same as {key.name}, which is there too"
            continue
        try:
            value = key.value(raw)
            key.parameter.process_value(context, value)  # Click knows ranges and choices
        except typer.BadParameter as error:
            yield (name, written), _refused(key, raw, error.message)
        except FmnistEdgeError as error:
            yield (name, written), error.message + (f" ({error.hint})" if error.hint else "")
        except ValueError as error:
            yield (name, written), str(error)
        else:
            values[key.parameter.name] = value


def _refused(key: Key, raw: Any, said: str) -> str:
    """What Click said of a value, and the choice that the value resembles."""
    choices = [str(getattr(one, "value", one)) for one in getattr(key.parameter.type, "choices", ())]
    return said.rstrip(".") + _resembles(str(raw), choices) if isinstance(raw, str) else said.rstrip(".")


def _no_table(name: str, value: Any, commands: Commands) -> str:
    if isinstance(value, dict) or (isinstance(value, list) and value and isinstance(value[0], dict)):
        return f"there is no table [{name}]{_resembles(name, commands)}"
    homes = [f"[{command}]" for command, found in commands.items() if name in keys_of(found)]
    if homes:
        return f"stands outside of a table: it belongs under {' or '.join(homes)}"
    return f"there is no such key, and keys stand under a table, such as [classify]{_resembles(name, commands)}"


def _no_key(written: str, keys: Mapping[str, Key]) -> str:
    if _SECRET.search(written) and not get_close_matches(written, keys, cutoff=0.9):
        return f"there is no such key: secrets stand in files of their own{_resembles(written, keys)}"
    return f"there is no such key{_resembles(written, keys)}"


def _resembles(word: str, known: Any) -> str:
    dashed = word[:80].replace("_", "-").lower()
    near = get_close_matches(dashed, list(known), n=1)
    return f"; {near[0]}?" if near else ""


def _passwords(file: ConfigFile) -> Iterator[Mistake]:
    """Addresses with a password in them, in a file that others than its owner may read."""
    if not open_to_others(file.path, file.status):
        return
    for name, table in file.tables.items():
        for key, raw in table.items() if isinstance(table, dict) else ():
            texts = [one for one in (raw if isinstance(raw, list) else [raw]) if isinstance(one, str)]
            if any(without_password(text) != text for text in texts):
                mode = file.status.st_mode & 0o7777
                yield (name, key), f"has a password in it, and others may read this file (mode {mode:04o})"


def _error(file: ConfigFile, mistakes: list[Mistake]) -> ConfigInvalid:
    lines = lines_of(file.text)
    told = []
    for place, said in mistakes:
        line = lines.get(place)
        where = f"line {line}: " if line else ""
        told.append((line or 0, f"{where}{'.'.join(shortened(part) for part in place)}: {_kept_short(said)}"))
    listed = [text for _, text in sorted(told, key=lambda one: one[0])]
    shown = listed[:MOST_SHOWN] + ([f"and {len(listed) - MOST_SHOWN} more"] if len(listed) > MOST_SHOWN else [])
    others_may = any("others may read" in said for _, said in mistakes)
    hint = f"chmod 600 {quoted(file.path)}" if others_may else "fmnist-edge config show --example lists every key"
    if len(shown) == 1:
        return ConfigInvalid(f"{file.path}: {shown[0]}", hint)
    return ConfigInvalid("\n".join([f"{file.path}: {len(listed)} mistakes", *shown]), hint)


def _kept_short(said: str) -> str:
    """A mistake without passwords, on one line that may quote a value of any length."""
    text = without_password(said)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
