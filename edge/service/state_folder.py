"""Where what must survive a restart is kept."""

from __future__ import annotations

import os
from pathlib import Path

from edge.errors import BadOption


def state_folder(option: str) -> Path:
    """A service's folder (systemd's StateDirectory=) or a user's. Raises BadOption, whose hint names `option`."""
    of_service = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    if of_service:
        return Path(of_service)
    of_user = os.environ.get("XDG_STATE_HOME", "")
    try:
        return (Path(of_user) if of_user.startswith("/") else Path("~/.local/state").expanduser()) / "fmnist-edge"
    except RuntimeError as error:
        raise BadOption("this user has no home, where that could be kept", option) from error
