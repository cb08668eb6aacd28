"""The commands `fmnist-edge config check` and `fmnist-edge config show`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge.cli import console
from edge.cli.configured import NAMED, configured_commands
from edge.errors import BadOption
from edge.service.config_location import find_config

config = typer.Typer(help="The configuration file: what is in force, and what is wrong with it.", no_args_is_help=True)

NamedFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="The file; else the one that the other commands read.")
]


@config.command()
def check(
    ctx: typer.Context,
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="The file; else the one that is read.")] = None,
    named: NamedFile = None,
) -> None:
    """Say everything that is wrong with a configuration file, line by line."""
    path = find_config(file or named or ctx.meta.get(NAMED))
    if path is None:
        console.say("no configuration file: every option has its default")
        return
    from edge.service.config_check import values_from

    values = values_from(path, configured_commands(ctx.find_root().command))
    console.say(f"{path}: ok, {sum(map(len, values.values()))} keys")


@config.command()
def show(
    ctx: typer.Context,
    tables: Annotated[list[str] | None, typer.Argument(metavar="[TABLE]...", help="Only these commands.")] = None,
    named: NamedFile = None,
    example: Annotated[bool, typer.Option("--example", help="Every key with its meaning.")] = False,
) -> None:
    """Print each option's value and where it comes from, as TOML."""
    from edge.service.config_file import read_config
    from edge.service.config_text import annotated, in_force

    commands = configured_commands(ctx.find_root().command)
    unknown = [table for table in tables or [] if table not in commands]
    if unknown:
        raise BadOption(f"no table {', '.join(unknown)}", f"one of {', '.join(commands)}")
    wanted = {name: command for name, command in commands.items() if not tables or name in tables}
    if example:
        for line in annotated(wanted):
            console.say(line)
        return
    path = find_config(named or ctx.meta.get(NAMED))
    file = read_config(path) if path else None
    for line in in_force(commands, file, wanted):
        console.say(line)
