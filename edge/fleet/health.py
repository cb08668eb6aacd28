"""Whether versions reach this device, as `doctor` tells it of a folder of versions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from edge.fleet.fleet_folder import FleetFolder
from edge.service.doctor.clock import ago
from edge.service.doctor.finding import Finding, ok, warn

LONGEST = timedelta(days=2)
"""Between two looks: updates come every hour, and a shop may be without a network for a day."""

_MEND = "systemctl status fmnist-edge-update; what `fmnist-edge update` says"


def updates(folder: FleetFolder, now: datetime) -> Finding:
    """How the last look at the repository went, and whether it is long ago. What runs goes on in any case."""
    status = folder.status()
    if status is None or status.checked is None:
        return warn(f"{folder.models}: no update has run yet", _MEND)
    age = now - datetime.fromtimestamp(status.checked, UTC)
    measured = "" if status.accuracy is None else f", {status.accuracy:.1%} of {status.canaries} canaries right"
    found = f"{status.version or 'no version'} of {status.channel}{measured}; looked {ago(age)}"
    if status.state == "failed":
        return warn(f"{found}: {status.problem}", _MEND)
    if status.state == "refused":
        return warn(f"{found}: {status.problem}", "publish a better one, or fmnist-edge update --pin VERSION")
    return warn(found, _MEND) if age > LONGEST else ok(found)
