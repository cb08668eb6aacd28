"""Memory that is left: a Zero 2 has 512 MB in all."""

from __future__ import annotations

import re
from pathlib import Path

from edge.service.doctor.finding import Finding, fail, ok, warn

SCARCE_MB, NO_MB = 200, 100
"""`classify --camera` with the default model takes some 90 MB."""


def memory(root: Path) -> Finding:
    """Memory that a program could still take (MemAvailable)."""
    try:
        text = (root / "proc/meminfo").read_text("ascii", "replace")
    except OSError:
        return fail("cannot read /proc/meminfo", "take ProcSubset=pid out of the systemd unit, or mount /proc")
    sizes = {name: int(kilobytes) // 1024 for name, kilobytes in re.findall(r"^(\w+):\s+(\d+) kB", text, re.MULTILINE)}
    available = sizes["MemAvailable"]
    found = f"{available} MB of {sizes['MemTotal']} MB available"
    mend = "ps aux --sort=-rss | head; a Zero 2 runs best without desktop: sudo systemctl set-default multi-user.target"
    if available < NO_MB:
        return fail(f"{found}: classify --camera takes 90 MB", mend)
    return warn(found, mend) if available < SCARCE_MB else ok(found)
