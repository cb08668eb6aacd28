"""Memory that is left: a Zero 2 has 512 MB in all."""

from __future__ import annotations

from pathlib import Path

from edge.board.memory import memory_sizes
from edge.service.doctor.finding import Finding, fail, ok, warn

SCARCE_MB, NO_MB = 200, 100
"""`classify --camera` with the default model takes some 90 MB."""


def memory(root: Path) -> Finding:
    """Memory that a program could still take (MemAvailable)."""
    sizes = memory_sizes(root)
    if "MemAvailable" not in sizes:
        return fail("cannot read /proc/meminfo", "take ProcSubset=pid out of the systemd unit, or mount /proc")
    available = sizes["MemAvailable"] >> 20
    found = f"{available} MB of {sizes['MemTotal'] >> 20} MB available"
    mend = "ps aux --sort=-rss | head; a Zero 2 runs best without desktop: sudo systemctl set-default multi-user.target"
    if available < NO_MB:
        return fail(f"{found}: classify --camera takes 90 MB", mend)
    return warn(found, mend) if available < SCARCE_MB else ok(found)
