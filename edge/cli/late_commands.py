"""A Typer that builds a command when it is asked for: a start pays for one, however many there are."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Callable
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

from edge.cli.configured import ConfiguredCommand

Build = Callable[[], typer.Typer]
"""Makes the Typer of one command or of a group of them."""


class LateTyper(typer.Typer):
    """A program whose commands read the configuration file, and are built late."""

    def __init__(self, **settings: Any) -> None:
        waiting: dict[str, Build] = {}

        class Group(_LateGroup):
            builds = waiting

        super().__init__(cls=Group, **settings)
        self._waiting = waiting

    def command(self, name: str | None = None, *, cls: type[TyperCommand] | None = None, **settings: Any) -> Any:
        """Register a command; with `cls=TyperCommand` it does not read the file, and has no table in it."""

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            self._add(name or function.__name__, lambda: function, cls, settings)
            return function

        return register

    def command_of(self, module: str, function: str, *, cls: type[TyperCommand] | None = None) -> None:
        """Register a command by where it stands: its module is imported when the command is asked for."""
        self._add(function, lambda: getattr(import_module(module), function), cls, {})

    def _add(
        self,
        name: str,
        function: Callable[[], Callable[..., Any]],
        cls: type[TyperCommand] | None,
        settings: dict[str, Any],
    ) -> None:
        def build() -> typer.Typer:
            alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
            alone.command(cls=cls or ConfiguredCommand, **settings)(function())
            return alone

        self.add_later(name.replace("_", "-"), build)

    def add_later(self, name: str, build: Build) -> None:
        """Register a command or group that is imported, too, only when it is asked for."""
        self._waiting[name] = build


class _LateCommands(UserDict[str, Any]):
    """Click's commands by name. What waits to be built is a function."""

    def __getitem__(self, name: str) -> Any:
        found = self.data[name]
        if not hasattr(found, "params"):
            found = typer.main.get_command(found())
            found.name = name
            self.data[name] = found
        return found


class _LateGroup(TyperGroup):
    builds: ClassVar[dict[str, Build]]

    def __init__(self, *, commands: Any = None, **settings: Any) -> None:
        super().__init__(commands={}, **settings)
        self.commands = _LateCommands({**self.builds, **(commands or {})})
