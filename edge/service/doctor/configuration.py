"""The configuration file: whether `classify` would start with it."""

from __future__ import annotations

import shlex
from pathlib import Path

from edge.errors import ConfigInvalid
from edge.service.config_location import find_config
from edge.service.doctor.finding import Finding, fail, ok
from edge.service.reload import check_again, named_file


def configuration(path: Path | None = None) -> Finding:
    """What is wrong with a file; None is the one that this run would read."""
    file = path or find_config(named_file())
    if file is None:
        return ok("no file: every option has its default")
    try:
        check_again(file)
    except ConfigInvalid as error:
        said = "; ".join(line.strip() for line in error.message.splitlines())
        is_command = error.hint.startswith("chmod ")
        return fail(said, error.hint if is_command else f"fmnist-edge config check {shlex.quote(str(file))}")
    return ok(f"{file}: read")
