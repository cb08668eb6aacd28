"""The configuration that a service begins with."""

from __future__ import annotations

import tomllib
from pathlib import Path

import typer

import edge.cli.app
from edge.cli.configured import configured_commands
from edge.service.config_check import values_from
from edge.service.config_keys import keys_of
from edge.service.first_config import first_config

STATE = Path("/var/lib/fmnist-edge")


def text() -> str:
    commands = configured_commands(typer.main.get_command(edge.cli.app.app))
    return "\n".join(first_config("classify", commands["classify"], STATE))


def test_it_is_valid_and_keeps_trying(tmp_path: Path) -> None:
    path = tmp_path / "first.toml"
    path.write_text(text())
    commands = configured_commands(typer.main.get_command(edge.cli.app.app))
    values = values_from(path, commands)
    assert values == {"classify": {"camera": "0", "retry": "forever", "on_change": True, "form": "json"}}


def test_every_key_stands_in_it_and_is_valid_without_its_sign(tmp_path: Path) -> None:
    """A user takes the # away, one at a time."""
    commands = configured_commands(typer.main.get_command(edge.cli.app.app))
    shown = {
        name for name, key in keys_of(commands["classify"]).items() if not key.parameter.hidden and name == key.name
    }
    lines = text().splitlines()
    found = {line.removeprefix("#").partition(" = ")[0]: line for line in lines if " = " in line and line[:2] != "# "}
    assert set(found) == shown
    assert tomllib.loads("\n".join(line.removeprefix("#") for line in found.values()))["keep"] == f"{STATE}/review"
