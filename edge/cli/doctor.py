"""The command `fmnist-edge doctor`."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.choices import EDGETPU_LIBRARY, MQTT_PASSWORD, Format
from edge.cli import console
from edge.cli.option_groups import takes_option_groups
from edge.cli.options import DelegateOption, TrustBundledOption, TrustedKeysOption, refuse_csv, trust_of

if TYPE_CHECKING:
    from edge.service.doctor.finding import Finding


@takes_option_groups
def doctor(
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Look at this model file, too.", show_default=False)
    ] = None,
    trusted_keys: TrustedKeysOption = None,
    trust_bundled: TrustBundledOption = False,
    delegate: DelegateOption = EDGETPU_LIBRARY,
    mqtt: Annotated[
        str | None, typer.Option(metavar="URL", help="Does this broker let us in? mqtt://USER@HOST, or mqtts://.")
    ] = None,
    mqtt_password_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help=f"Its password; or set {MQTT_PASSWORD}.")
    ] = None,
    mqtt_ca_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Certificates (PEM) that vouch for the broker's.")
    ] = None,
    webhook: Annotated[
        str | None, typer.Option(metavar="URL", help="Does this server answer? It is sent nothing.")
    ] = None,
    folder: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="A folder that will be written to; give it again for another."),
    ] = None,
    form: Annotated[Format, typer.Option("--format", "-f", help="table or json.")] = Format.TABLE,
) -> None:
    """Look at this machine: what works, what does not, and the command that mends it.

    Changes nothing. The exit code is 1 if something fails; a warning is no failure.
    """
    from edge.fleet.fleet_folder import FleetFolder
    from edge.fleet.health import updates
    from edge.service.doctor.checks import Asked, all_checks
    from edge.service.doctor.finding import Status, examine

    refuse_csv(form)
    of_mqtt = mqtt, mqtt_password_file, mqtt_ca_file
    trust = trust_of(trusted_keys, trust_bundled)
    checks = all_checks(Asked(model, delegate, *of_mqtt, webhook, tuple(folder or ()), trust))
    if model is not None and (fleet := FleetFolder(Path(model))).folder.is_dir():
        checks["updates"] = partial(updates, fleet, datetime.now(UTC))
    found = []
    for finding in examine(checks):
        found.append(finding)
        if form is Format.TABLE:
            _print(finding, max(map(len, checks)))
    if form is Format.JSON:
        _print_json(found)
    if any(one.status is Status.FAIL for one in found):
        raise typer.Exit(1)


def _print(finding: Finding, width: int) -> None:
    """A line for what was found, as soon as it is; a second one for what mends it."""
    console.say(f"{finding.status:<5}{finding.name:<{width}}  {finding.found}")
    if finding.mend:
        console.say(f"{'':<{width + 5}}  mend: {finding.mend}")


def _print_json(found: list[Finding]) -> None:
    import json
    from dataclasses import asdict

    lines = [{"name": one.name, **asdict(one)} for one in found]
    console.say_json(json.dumps({"v": 1, "checks": lines}, indent=2))
