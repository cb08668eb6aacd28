"""The folders that are written to: their room, the right to write, and cards that went read-only."""

from __future__ import annotations

import os
from pathlib import Path

from edge.service.doctor.finding import Finding, fail, ok, warn

SCARCE_BYTES, NO_BYTES = 500 << 20, 50 << 20


def disk(folder: Path, root: Path, scarce_bytes: int = SCARCE_BYTES, no_bytes: int = NO_BYTES) -> Finding:
    """Whether there is room in a folder, and whether it can be written to."""
    nearest = _nearest(folder.absolute())
    if not nearest.is_dir():
        return fail(f"{nearest} is no folder", f"mv {nearest} {nearest}.old && mkdir -p {folder}")
    mounted_on, options = _mount(nearest.resolve(), root)
    if "ro" in options:
        return fail(
            f"{mounted_on} is mounted read-only: a card that fails does that",
            f"sudo dmesg | grep -i mmc; sudo mount -o remount,rw {mounted_on}",
        )
    if not os.access(nearest, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        return fail(f"{nearest}: this user may not write there", f"sudo chown $USER {nearest}")
    state = os.statvfs(nearest)
    free = state.f_bavail * state.f_frsize
    found = f"{free / 1e9:,.1f} GB free of {state.f_blocks * state.f_frsize / 1e9:,.1f} GB in {folder}"
    mend = f"du -xh -d1 {mounted_on} | sort -h; sudo apt clean"
    if free < no_bytes:
        return fail(found, mend)
    return warn(found, mend) if free < scarce_bytes else ok(found)


def _nearest(folder: Path) -> Path:
    """The folder, or the one in which it would be made."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def _mount(folder: Path, root: Path) -> tuple[str, list[str]]:
    """Where the file system of a folder is mounted, and with which options; "/" without options if not known."""
    try:
        lines = (root / "proc/mounts").read_text("utf-8", "replace").splitlines()
    except OSError:
        return "/", []
    found: tuple[str, list[str]] = ("/", [])
    for line in lines:  # the last one that fits best: mounts lie over each other
        fields = line.split()
        where = fields[1].replace("\\040", " ")
        if folder.is_relative_to(where) and len(where) >= len(found[0]):
            found = where, fields[3].split(",")
    return found
