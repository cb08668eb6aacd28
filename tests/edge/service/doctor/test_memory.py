"""Memory: this machine's, and that of a Zero 2 with and without a desktop."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.service.doctor.finding import Status
from edge.service.doctor.memory import memory
from tests.edge.service.doctor.planted import plant


@pytest.mark.parametrize(("free_mb", "status"), [(290, Status.OK), (150, Status.WARN), (60, Status.FAIL)])
def test_a_zero_2(tmp_path: Path, free_mb: int, status: Status) -> None:
    text = f"MemTotal:  {427 * 1024} kB\nMemFree:  9000 kB\nMemAvailable:  {free_mb * 1024} kB\nHugePages_Total: 0\n"
    found = memory(plant(tmp_path, {"proc/meminfo": text}))
    assert found.status is status
    assert f"{free_mb} MB of 427 MB" in found.found
    assert bool(found.mend) == (status is not Status.OK)


def test_this_machine_has_memory() -> None:
    assert "MB available" in memory(Path("/")).found
