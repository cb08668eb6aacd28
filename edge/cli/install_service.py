"""The commands `fmnist-edge install-service` and `fmnist-edge uninstall-service`."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli import console
from edge.cli.configured import configured_commands
from edge.cli.serve_options import SERVE_NEEDS
from edge.errors import BadOption, InstallationFailed, OutputFailed

if TYPE_CHECKING:
    from edge.service.config_check import Values
    from edge.service.steps import Step

COMMANDS = ("classify", "serve")

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")]
RootOption = Annotated[
    Path, typer.Option(metavar="DIR", help="The system under this folder, such as a mounted card; nothing is started.")
]


def install_service(
    ctx: typer.Context,
    command: Annotated[
        str | None,
        typer.Option(
            metavar="classify|serve",
            help="What it runs; else what the configuration has an input for, or serve if its extra is installed.",
        ),
    ] = None,
    program: Annotated[
        Path | None, typer.Option(metavar="PATH", help="The fmnist-edge that it starts; this one if not given.")
    ] = None,
    root: RootOption = Path("/"),
    start: Annotated[bool, typer.Option("--start/--no-start", help="Start it now, too.")] = True,
    dry_run: DryRunOption = False,
) -> None:
    """Install a systemd service that classifies what the camera sees, from boot on; or bring it up to date.

    Needs root. A configuration file that is there stays as it is.
    """
    from edge.service.config_check import values_from
    from edge.service.config_location import SYSTEM_FILE
    from edge.service.first_config import first_config
    from edge.service.installation import STATE, UNIT, install_steps, refuse_useless, service_for
    from edge.service.steps import Machine
    from edge.service.unit import unit_text

    commands = configured_commands(ctx.find_root().command)
    machine = Machine(root.resolve())
    present = machine.path(SYSTEM_FILE)
    _need_root("install-service", dry_run)
    values = values_from(present, commands) if os.path.lexists(present) else None
    command = _chosen_command(command, values or {})
    service = service_for(machine, program or _this_program(), command)
    if values is not None:
        refuse_useless(present, values, command)
    config = "".join(f"{line}\n" for line in first_config(command, commands[command], STATE))
    sudo_group = os.environ.get("SUDO_GID", "0")
    steps = install_steps(
        machine,
        service,
        config,
        start=start,
        sudo_group=int(sudo_group) if sudo_group.isdecimal() else 0,
        updates=(values or {}).get("update", {}).get("repository") is not None,
    )
    _take(steps, dry_run)
    if dry_run:
        for path, text in ((UNIT, unit_text(service)), (SYSTEM_FILE, config)):
            if path == UNIT or not os.path.lexists(present):
                console.say("")
                console.say(f"# {machine.path(path)}")
                for line in text.splitlines():
                    console.say(line)
        return
    console.say(f"configuration: {present}; then sudo systemctl reload fmnist-edge")
    console.say("what it says: journalctl -u fmnist-edge -f")


def uninstall_service(
    root: RootOption = Path("/"),
    keep_state: Annotated[
        bool, typer.Option("--keep-state", help="Keep the configuration, the state, and the user who owns them.")
    ] = False,
    dry_run: DryRunOption = False,
) -> None:
    """Remove the service: its unit, user, state, and configuration. Needs root."""
    from edge.service.installation import uninstall_steps
    from edge.service.steps import Machine

    _need_root("uninstall-service", dry_run)
    if _take(uninstall_steps(Machine(root.resolve()), keep_state=keep_state), dry_run) == 0:
        console.say("nothing is installed")


def _take(steps: Iterable[Step], dry_run: bool) -> int:
    """Tell each step, then do it, unless this is a dry run; how many there were. Raises InstallationFailed."""
    taken = 0
    for step in list(steps):
        console.say(f"{'would: ' if dry_run else ''}{step.told}")
        taken += 1
        if dry_run:
            continue
        try:
            step.do()
        except OSError as error:
            raise InstallationFailed(f"{step.told}: {error.strerror or error}") from error
    return taken


def _chosen_command(asked: str | None, values: Values) -> str:
    """What the service runs. Raises BadOption."""
    from edge.service.installation import has_input

    if asked is not None:
        if asked not in COMMANDS:
            raise BadOption(f"--command {asked}: a service runs {' or '.join(COMMANDS)}", f"--command {COMMANDS[0]}")
        if asked == "serve":
            console.require_extra("serve", SERVE_NEEDS)
        return asked
    can_serve = all(importlib.util.find_spec(one) is not None for one in SERVE_NEEDS)
    possible = ("serve", "classify") if can_serve else ("classify",)
    return next((one for one in possible if has_input(values, one)), possible[0])


def _this_program() -> Path:
    """The fmnist-edge that runs, as it was found on PATH; else the one beside this Python."""
    started = Path(os.path.abspath(sys.argv[0]))  # noqa: PTH100 - a link stays: it may point elsewhere after an update
    return started if started.name == "fmnist-edge" else Path(sys.executable).with_name("fmnist-edge")


def _need_root(command: str, dry_run: bool) -> None:
    if os.geteuid() != 0 and not dry_run:
        raise OutputFailed(
            "only root may do this", f"sudo {_this_program()} {command}; --dry-run shows what it would do"
        )
