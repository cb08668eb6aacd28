"""Whether this user may use a device node, and which group would let them."""

from __future__ import annotations

import os
import pwd
from pathlib import Path


def denial(node: Path, root: Path, usual_group: str) -> tuple[str, str] | None:
    """Why this user may not read and write `node`, and what mends it; None if they may.

    os.access knows more than the mode: root, and the access lists that a desktop gives to who sits before it.
    `usual_group` is named where the node belongs to root's own group, which nobody should be in.
    """
    if os.access(node, os.R_OK | os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        return None
    user = _user_name()
    group, members = _group(root, node.stat().st_gid)
    if group in ("", "root"):
        return (
            f"permission denied for {user}: it belongs to no group of devices",
            f"sudo chgrp {usual_group} {node} && sudo chmod 660 {node}",
        )
    if user in members:
        return f"permission denied: {user} is in group {group}, but only from the next login on", "log out and in again"
    return (
        f"permission denied: {user} is not in group {group}",
        f"sudo usermod -aG {group} $USER, then log out and in again",
    )


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"user {os.geteuid()}"


def _group(root: Path, number: int) -> tuple[str, list[str]]:
    """Name and members of a group; "" for one that has no line in /etc/group."""
    try:
        lines = (root / "etc/group").read_text("utf-8", "replace").splitlines()
    except OSError:
        return "", []
    for line in lines:
        name, _, rest = line.partition(":")
        fields = rest.split(":")
        if len(fields) == 3 and fields[1] == str(number):
            return name, fields[2].split(",")
    return "", []
