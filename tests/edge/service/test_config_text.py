"""A configuration that is written out reads back as the same values, whatever is in them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

import edge.cli.app
from edge.cli.configured import configured_commands
from edge.errors import ConfigInvalid
from edge.service.config_file import read_config
from edge.service.config_text import as_toml, in_force
from tests.edge.hostile import NAME

COMMANDS = configured_commands(typer.main.get_command(edge.cli.app.app))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXTS | st.booleans() | st.integers(-(1 << 63), 1 << 63) | st.lists(TEXTS | st.booleans(), max_size=3))
def test_a_value_reads_back_as_it_was(value: Any) -> None:
    written = as_toml(value)
    assert written.isprintable()
    if "://" not in str(value):
        assert tomllib.loads(f"x = {written}") == {"x": value}


def test_passwords_are_stars_within_lists_too() -> None:
    assert as_toml(["rtsp://a:b@c", "d"]) == '["rtsp://a:***@c", "d"]'


def test_hostile_values_are_shown_and_what_is_shown_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "shop.toml"
    path.write_text(f"[classify]\nmodel = {as_toml(NAME)}\nsources = [{as_toml(NAME)}]\n")
    shown = "\n".join(in_force(COMMANDS, read_config(path), ["classify"]))
    assert tomllib.loads(shown)["classify"]["model"] == NAME
    assert tomllib.loads(shown)["classify"]["sources"] == [NAME]
    for character in NAME:
        assert character.isprintable() or character not in shown


def test_a_file_with_mistakes_is_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "shop.toml"
    path.write_text("[info]\nmodel = 1.5\n")
    with pytest.raises(ConfigInvalid, match="line 2"):
        list(in_force(COMMANDS, read_config(path), ["classify"]))
