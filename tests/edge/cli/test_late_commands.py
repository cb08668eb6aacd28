"""A command is built when it is asked for: not one more, and help and errors know all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import pytest
import typer
from typer.core import TyperCommand
from typer.testing import CliRunner

from edge.cli import late_commands
from edge.cli.configured import configured_commands
from edge.cli.late_commands import LateTyper

Built = list[str]


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> Built:
    """The names of commands, in the order in which they are built."""
    names: Built = []
    build: Callable[[typer.Typer], Any] = typer.main.get_command

    def watched(app: typer.Typer) -> Any:
        command = build(app)
        names.append(str(command.name))
        return command

    monkeypatch.setattr(late_commands.typer.main, "get_command", watched)
    return names


@pytest.fixture
def app() -> LateTyper:
    app = LateTyper(no_args_is_help=True)
    app.callback()(lambda: None)

    @app.command()
    def first_one(number: Annotated[int, typer.Option()] = 1) -> None:
        """The first."""
        typer.echo(f"first {number}")

    @app.command("second", cls=TyperCommand)
    def another() -> None:
        """The second."""
        typer.echo("second")

    def group() -> typer.Typer:
        inner = typer.Typer(help="A group.")
        inner.command("a")(lambda: typer.echo("a"))
        inner.command("b")(lambda: typer.echo("b"))
        return inner

    app.add_later("group", group)
    return app


def say(app: LateTyper, *arguments: str) -> str:
    result = CliRunner().invoke(app, arguments)
    return f"{result.exit_code} {result.output}"


def test_one_command_is_built(app: LateTyper, built: Built) -> None:
    assert say(app, "first-one", "--number", "2") == "0 first 2\n"
    assert built == ["first-one"]
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert commands["second"] is commands["second"]


def test_a_group_is_built_late_too(app: LateTyper, built: Built) -> None:
    assert say(app, "group", "b") == "0 b\n"
    assert len(built) == 1
    assert "No such command 'c'" in say(app, "group", "c")


def test_help_and_errors_know_all(app: LateTyper) -> None:
    shown = say(app, "--help")
    assert [
        text for text in ("first-one", "The first.", "second", "The second.", "A group.") if text not in shown
    ] == []
    assert "No such command 'secon'" in say(app, "secon")


def test_only_commands_that_read_the_configuration_have_a_table(app: LateTyper) -> None:
    assert list(configured_commands(typer.main.get_command(app))) == ["first-one"]
    assert say(app, "second", "--config", "x").startswith("2 ")
