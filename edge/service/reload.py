"""The configuration read again, before a process that got SIGHUP starts itself anew with it.

A new start with a spoilt file would end the run; so the file is checked first, while the old run goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from edge.service.config_location import find_config

_started_with: dict[str, Any] = {"named": None, "commands": dict}
"""The file that the command line named, and what gives the commands that a file is for: one command line a process."""


def remember(named: Path | None, commands: Callable[[], Mapping[str, Any]]) -> None:
    """Keep what `check_again` needs to know of the command line."""
    _started_with.update(named=named, commands=commands)


def named_file() -> Path | None:
    """The configuration file that the command line named."""
    named: Path | None = _started_with["named"]
    return named


def check_again(path: Path | None = None) -> None:
    """Read a configuration file as a new start would: the file named, else the one that this run would find now.

    Raises ConfigInvalid, which lists all that is wrong.
    """
    found = find_config(path or named_file())
    if found is None:
        return
    from edge.service.config_check import values_from

    values_from(found, _started_with["commands"]())
