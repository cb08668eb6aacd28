"""Every mistake of a configuration file is said at once, at its line, with what was expected and what resembles it."""

from __future__ import annotations

import shlex
import subprocess
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

import edge.cli.app
from edge.cli.configured import configured_commands
from edge.cli.late_commands import LateTyper
from edge.errors import BadOption, ConfigInvalid
from edge.service.config_check import values_from
from edge.service.config_keys import Commands, keys_of

COMMANDS: Commands = configured_commands(typer.main.get_command(edge.cli.app.app))


class Colour(StrEnum):
    """A choice."""

    RED = "red"
    GREEN = "green"


def even(number: int | None) -> int | None:
    if number is not None and number % 2:
        raise BadOption(f"{number} is odd", "such as 2")
    return number


@pytest.fixture(scope="module")
def paint() -> Commands:
    """A program with an option of each kind: nothing of the configuration knows it."""
    app = LateTyper()
    app.callback()(lambda: None)

    @app.command()
    def paint(
        targets: Annotated[list[str] | None, typer.Argument()] = None,
        colour: Annotated[Colour, typer.Option("--colour", "-c")] = Colour.RED,
        layers: Annotated[int, typer.Option(min=1, max=9)] = 1,
        even_number: Annotated[int | None, typer.Option(callback=even)] = None,
        thickness: Annotated[float | None, typer.Option(min=0)] = None,
        wet: Annotated[bool, typer.Option("--wet")] = False,
        shiny: Annotated[bool, typer.Option("--shiny/--matt")] = True,
        name: Annotated[str | None, typer.Option("--name", "--title")] = None,
        folder: Annotated[Path | None, typer.Option()] = None,
        room: Annotated[list[int] | None, typer.Option()] = None,
        hidden_word: Annotated[str, typer.Option(hidden=True)] = "",
    ) -> None:
        pass

    @app.command()
    def wash() -> None:
        pass

    return configured_commands(typer.main.get_command(app))


def read(tmp_path: Path, commands: Commands, text: str) -> dict[str, dict[str, Any]]:
    path = tmp_path / "shop.toml"
    path.write_text(text)
    return values_from(path, commands)


def test_an_option_is_a_key_as_soon_as_there_is_one(tmp_path: Path, paint: Commands) -> None:
    text = """[paint]
targets = ["a", 1]
colour = "green"
layers = 9
even-number = 4
thickness = 1
wet = true
shiny = false
title = 7
folder = "~/x"
room = [1, 2]
hidden-word = "x"
[wash]
"""
    assert read(tmp_path, paint, text) == {
        "paint": {
            "targets": ["a", "1"],
            "colour": "green",
            "layers": 9,
            "even_number": 4,
            "thickness": 1,
            "wet": True,
            "shiny": False,
            "name": "7",
            "folder": str(Path("~/x").expanduser()),
            "room": [1, 2],
            "hidden_word": "x",
        },
        "wash": {},
    }


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("layers = '3'", "expected a whole number, got the text '3'"),
        ("layers = 3.0", "expected a whole number, got the number 3.0"),
        ("layers = true", "expected a whole number, got true"),
        ("layers = 10", "10 is not in the range 1<=x<=9"),
        ("layers = [3]", "expected a whole number, got a list"),
        (f"layers = {'9' * 4000}", "expected a whole number, got the number of 13288 bits"),
        ("even-number = 3", "3 is odd (such as 2)"),
        ("thickness = -1", "is not in the range x>=0"),
        ("thickness = nan", "expected a number, got the number nan"),
        ("thickness = inf", "expected a number, got the number inf"),
        (f"thickness = {'9' * 400}", "expected a number, got the number of 1329 bits"),
        ("thickness = 'thick'", "expected a number, got the text 'thick'"),
        ("colour = 'gren'", "'gren' is not one of 'red', 'green'; green?"),
        ("colour = 3", "'3' is not one of"),
        ("wet = 'yes'", "expected true or false, got the text 'yes'"),
        ("wet = 1", "expected true or false, got the number 1"),
        ("name = true", "expected a text in quotes, got true"),
        ("name = 0.5", "expected a text in quotes, got the number 0.5"),
        ("name = 1979-05-27", "expected a text in quotes, got a date or time"),
        ("name = { a = 1 }", "expected a text in quotes, got a table"),
        (r'name = "a\u0000b"', "expected a text in quotes, got the text 'a\\x00b'"),
        (f"name = ['{'a' * 5000}']", "expected a text in quotes, got a list"),
        ("folder = 3", "expected a path in quotes, got the number 3"),
        ("targets = 'a'", "expected a list, as in targets = [\"...\"], got the text 'a'"),
        ("targets = ['a', ['b']]", "expected a text in quotes, got a list"),
        ("room = [1, 'b']", "expected a whole number, got the text 'b'"),
        ("colr = 'red'", "there is no such key; colour?"),
        ("even_number = 2", "there is no such key; even-number?"),
        ("FOLDER = '.'", "there is no such key; folder?"),
        ("xyz = 1", "there is no such key"),
        ("help = true", "there is no such key"),
        ("config = 'x'", "there is no such key"),
        ("no-wet = true", "there is no such key; wet?"),
        ("password = 'geheim'", "there is no such key: secrets stand in files of their own"),
        ("name = 'a'\ntitle = 'b'", "says the same as name, which is there too"),
    ],
)
def test_a_mistake_says_its_line_what_was_expected_and_what_is_there(
    tmp_path: Path, paint: Commands, line: str, words: str
) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        read(tmp_path, paint, f"[paint]\n{line}")
    message = caught.value.message
    assert words in message
    assert "shop.toml: line " in message
    assert len(message) < 600
    assert "geheim" not in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("layers = 1", "line 1: layers: stands outside of a table: it belongs under [paint]"),
        ("coats = 1", "line 1: coats: there is no such key, and keys stand under a table"),
        ("[pain]", "line 1: pain: there is no table [pain]; paint?"),
        ("[help]", "there is no table [help]"),
        ("\n[[paint]]", "line 2: paint: expected one table, [paint], got a list of tables"),
        ("paint = 3", "line 1: paint: expected one table, [paint], got the number 3"),
        ("[paint.folder]\nx = 1", "folder: expected a path in quotes, got a table"),
        ("paint.layers = 10", "line 1: paint.layers: 10 is not in the range"),
        ("paint = { layers = 10 }", "line 1: paint.layers: 10 is not in the range"),
    ],
)
def test_tables_that_there_are_not(tmp_path: Path, paint: Commands, text: str, words: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        read(tmp_path, paint, text)
    assert words in caught.value.message


def test_all_mistakes_are_said_at_once_in_the_order_of_lines(tmp_path: Path, paint: Commands) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        read(tmp_path, paint, "[washh]\n[paint]\nlayers = 10\nlayer = 1\nwet = 3\n[wash]\nx = 1\n")
    first, *lines = caught.value.message.splitlines()
    assert first.endswith("shop.toml: 5 mistakes")
    assert [line.split(":")[0] for line in lines] == ["line 1", "line 3", "line 4", "line 5", "line 7"]


def test_a_thousand_mistakes_do_not_fill_the_screen(tmp_path: Path, paint: Commands) -> None:
    with pytest.raises(ConfigInvalid, match="and 970 more") as caught:
        read(tmp_path, paint, "[paint]\n" + "".join(f"{'x' * 20}{n} = 1\n" for n in range(1000)))
    assert len(caught.value.message.splitlines()) < 40


@pytest.mark.parametrize("place", ["sources = ['a', '{}']", "camera = '{}'", "camera = '{}x' # {}", "unknown = '{}'"])
def test_an_address_with_a_password_wants_a_file_of_mode_600(tmp_path: Path, place: str) -> None:
    path = tmp_path / "shop.toml"
    path.write_text("[classify]\n" + place.replace("{}", "rtsp://shop:geheim@10.0.0.5/live"))
    for mode in (0o644, 0o640, 0o602):
        path.chmod(mode)
        with pytest.raises(ConfigInvalid, match=rf"has a password in it.*mode {mode:04o}") as caught:
            values_from(path, COMMANDS)
        assert "geheim" not in caught.value.message
    subprocess.run(shlex.split(caught.value.hint), check=True)
    if "unknown" not in place:
        assert "geheim" in str(values_from(path, COMMANDS))


def test_a_password_where_it_does_not_belong_is_not_printed(tmp_path: Path) -> None:
    path = tmp_path / "shop.toml"
    path.write_text("[classify]\nformat = 'rtsp://shop:geheim@10.0.0.5/live'\nlimit = 'http://a:geheim@b/'\n")
    path.chmod(0o600)
    with pytest.raises(ConfigInvalid, match="2 mistakes") as caught:
        values_from(path, COMMANDS)
    assert "geheim" not in caught.value.message


TOML_VALUES = st.recursive(
    st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(lambda text: f'"{escaped(text)}"'),
    lambda values: st.lists(values, max_size=3),
    max_leaves=4,
)


def escaped(text: str) -> str:
    return "".join(f"\\U{ord(one):08X}" for one in text)


def toml(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case list():
            return f"[{', '.join(map(toml, value))}]"
    return str(value)


KEYS = sorted((table, key) for table, command in COMMANDS.items() for key in keys_of(command))


@given(st.sampled_from(KEYS), TOML_VALUES)
def test_any_value_of_any_key_is_taken_or_refused(
    tmp_path_factory: pytest.TempPathFactory, place: tuple[str, str], value: Any
) -> None:
    """What is taken is what the option's own parser takes."""
    path = tmp_path_factory.getbasetemp() / "any.toml"
    table, key = place
    path.write_text(f"[{table}]\n{key} = {toml(value)}\n")
    path.chmod(0o600)
    try:
        values = values_from(path, COMMANDS)
    except ConfigInvalid as error:
        assert f"line 2: {table}.{key}: " in error.message
    else:
        assert len(values[table]) == 1


def test_every_option_of_every_command_is_a_key() -> None:
    lacking = []
    for name, command in COMMANDS.items():
        keys = keys_of(command)
        for parameter in command.params:
            options = {option for option in parameter.opts if option.startswith("--")}
            if parameter.expose_value and not {option.removeprefix("--") for option in options} <= keys.keys():
                lacking.append((name, options))
    assert lacking == []
    assert {"sources", "camera", "min-score", "format", "keep"} <= keys_of(COMMANDS["classify"]).keys()
    assert {"data", "data-dir"} <= keys_of(COMMANDS["evaluate"]).keys()
