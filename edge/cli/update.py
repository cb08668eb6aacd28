"""The command `fmnist-edge update`."""

from __future__ import annotations

import json
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.choices import Channel, Format
from edge.cli import console, garbage
from edge.cli.option_groups import takes_option_groups
from edge.cli.options import TrustedKeysOption, refuse_csv, trust_of
from edge.errors import BadOption

if TYPE_CHECKING:
    from edge.fleet.fleet_folder import Status

MODULES = ("tuf", "urllib3", "cryptography")


@takes_option_groups
def update(
    repository: Annotated[str | None, typer.Option(metavar="URL", help="Where versions are published.")] = None,
    models: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder of versions that --model of the run is.")
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The repository's root, to begin with: a copy of its metadata/1.root.json."),
    ] = None,
    channel: Annotated[Channel, typer.Option(help="canary has new versions before stable.")] = Channel.STABLE,
    canaries: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Own pictures with labels, DIR/CLASS/*.jpg, on which a version has to be no worse; bundled ones if "
            "not given.",
        ),
    ] = None,
    device_id: Annotated[
        str | None, typer.Option(metavar="NAME", help="This device's name; made of /etc/machine-id if not given.")
    ] = None,
    pin: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Install this version, and stay with it, worse or not.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only say what there is.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Look again and again.")] = False,
    every: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="With --watch: so often; sooner after a failure.")
    ] = 3600.0,
    trusted_keys: TrustedKeysOption = None,
    form: Annotated[Format, typer.Option("--format", "-f", help="table (a line) or json.")] = Format.TABLE,
) -> None:
    """Get the model version that this device is to have, try it here, and let it run; or say why not.

    Versions come from a TUF repository (convert publish). The run that has the folder as its --model follows.
    """
    refuse_csv(form)
    if repository is None or models is None or root is None:
        raise BadOption("where from, and where to?", "fmnist-edge update --repository URL --models DIR --root FILE")
    console.require_extra("update", MODULES)
    from edge.fleet import updating
    from edge.fleet.device import device_id as device_name
    from edge.fleet.fleet_folder import FleetFolder
    from edge.fleet.repository import Repository, read_root

    folder = FleetFolder(models)
    folder.make()
    trust = trust_of(trusted_keys, trust_bundled=False)
    wishes = updating.Wishes(device_name(device_id), channel, pin, canaries, check, trust)
    with closing(Repository(repository, read_root(root), folder.metadata)) as source:
        look = partial(_look, partial(updating.update, source, folder, wishes), form)
        garbage.take_up()
        if not watch:
            look()
            return
        from edge.fleet.watching import FIRST_RETRY_S, Pace
        from edge.fleet.watching import watch as look_for_ever

        look_for_ever(look, Pace(every, min(FIRST_RETRY_S, every)), console.complain)


def _look(update_once: partial[Status], form: Format) -> None:
    """Update once, and print how the device stands."""
    status = update_once()
    console.say_json(json.dumps(status.as_json())) if form is Format.JSON else console.say(_in_words(status))


def _in_words(status: Status) -> str:
    running = status.version or "no version"
    measured = "" if status.accuracy is None else f", {status.accuracy:.1%} of {status.canaries} canaries right"
    said = {
        "current": f"{running} runs, and is what this device is to have{measured}",
        "available": f"{running} runs; {status.available} is there for this device",
        "updated": f"{running} runs from now on{measured}",
    }
    return said.get(status.state, f"{running} runs{measured}; {status.problem}")
