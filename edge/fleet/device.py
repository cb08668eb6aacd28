"""What this device is called in a fleet: the same for ever, and no secret of its own."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from edge.errors import BadOption

MACHINE_ID = "etc/machine-id"


def device_id(named: str | None, root: Path = Path("/")) -> str:
    """The name that is given, or 16 digits made of systemd's machine-id. Raises BadOption where there is neither.

    The machine-id itself stays here: machine-id(5) asks for that, and a hash of its own is as good.
    """
    if named is not None:
        if not re.fullmatch(r"[\w.:@-]{1,64}", named):
            raise BadOption(f"--device-id {named[:80]}", "1 to 64 letters, digits and .:@_-")
        return named
    try:
        machine = (root / MACHINE_ID).read_text("ascii").strip()
    except (OSError, ValueError):
        machine = ""
    if not re.fullmatch(r"[0-9a-f]{32}", machine):
        raise BadOption(f"{root / MACHINE_ID} names no machine", "--device-id NAME, another one on each device")
    return hashlib.sha256(f"fmnist-edge fleet {machine}".encode()).hexdigest()[:16]
