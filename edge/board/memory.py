"""The machine's memory, as the kernel has it."""

from __future__ import annotations

import re
from pathlib import Path

from edge.board.files import text_of


def memory_sizes(root: Path = Path("/")) -> dict[str, int]:
    """Bytes by the names of /proc/meminfo (MemTotal, MemAvailable, ...); none where it cannot be read."""
    found = re.findall(r"^(\w+):\s+(\d+) kB", text_of(root / "proc/meminfo"), re.MULTILINE)
    return {name: int(kilobytes) << 10 for name, kilobytes in found}
