"""Which configuration file counts. Loads nothing: a start without one costs a look at /etc."""

from __future__ import annotations

import os
from pathlib import Path

SYSTEM_FILE = Path("/etc/fmnist-edge.toml")
"""Read if it is there and no other file is named."""

VARIABLE = "FMNIST_EDGE_CONFIG"
"""Names the file where no `--config` does. /dev/null stands for no file at all, here and there."""


def find_config(named: Path | None = None) -> Path | None:
    """The file of `--config`, else of FMNIST_EDGE_CONFIG, else /etc/fmnist-edge.toml if it is there, else None.

    A file that is named need not exist: reading it says so.
    """
    from_environment = os.environ.get(VARIABLE)
    if named is None and from_environment:
        named = Path(from_environment)
    if named is not None:
        return None if str(named) == os.devnull else named
    return SYSTEM_FILE if os.path.lexists(SYSTEM_FILE) else None
