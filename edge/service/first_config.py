"""The configuration that a service begins with: what it needs is set, every other key stands there with its meaning."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge.service.config_text import annotated, as_toml

_HEAD = """\
# What the service fmnist-edge does. Every key is an option of `fmnist-edge {command}`; without # it is in force.
#   fmnist-edge config check            all that is wrong with this file
#   sudo systemctl reload fmnist-edge   begin anew with it
# A password stands in a file of its own (mode 0600) which a key names. An address with a password in it makes this
# file a secret: chmod 600.
"""


def first_config(command: str, of: Any, state: Path) -> Iterator[str]:
    """Lines of TOML for a command (`of`: Click's), whose uncertain frames and queues lie in the folder `state`.

    A camera that is not there is waited for, and answers are told in JSON, when they change. No picture is kept.
    """
    chosen: dict[str, Any] = {"camera": 0, "retry": "forever", "on-change": True, "format": "json"}
    suggested = {"keep": str(state / "review"), "webhook-queue": str(state / "webhook")}
    yield from _HEAD.format(command=command).splitlines()
    yield ""
    for line in annotated({command: of}):
        key = line.removeprefix("#").partition(" = ")[0]
        if key in chosen:
            yield f"{key} = {as_toml(chosen[key])}"
        elif key in suggested:
            yield f"#{key} = {as_toml(suggested[key])}"
        else:
            yield line
