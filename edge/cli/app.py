"""The command `fmnist-edge`: registers its commands. NumPy, OpenCV and the runtime load only when needed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperCommand

from edge.cli.configured import ConfigMeaning, name_config
from edge.cli.late_commands import LateTyper

app = LateTyper(
    help="Classify garments on Raspberry Pi and Coral: camera frames, pictures and videos.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def root(
    ctx: typer.Context,
    config_file: Annotated[Path | None, typer.Option("--config", metavar="FILE", help=ConfigMeaning)] = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Options before the command."""
    name_config(ctx, config_file)
    if version:
        from edge.cli.version import say_version

        say_version()
        raise typer.Exit


def config() -> typer.Typer:
    """The commands `config check` and `config show`."""
    from edge.cli.config import config

    return config


app.command_of("edge.cli.classify", "classify")
app.command_of("edge.cli.batch", "batch")
app.command_of("edge.cli.serve", "serve")
app.command_of("edge.cli.explain", "explain")
app.command_of("edge.cli.cameras", "cameras")
app.command_of("edge.cli.models", "models")
app.command_of("edge.cli.info", "info")
app.command_of("edge.cli.use_model", "use_model")
app.command_of("edge.cli.update", "update")
app.command_of("edge.cli.evaluate", "evaluate")
app.command_of("edge.cli.evaluate", "fetch_data")
app.command_of("edge.cli.bench", "bench")
app.command_of("edge.cli.doctor", "doctor", cls=TyperCommand)  # it runs with a spoilt configuration, too
app.command_of("edge.cli.install_service", "install_service", cls=TyperCommand)
app.command_of("edge.cli.install_service", "uninstall_service", cls=TyperCommand)
app.add_later("config", config)
