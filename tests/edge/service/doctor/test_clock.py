"""The clock: wrong years, no answer from the network, and no false alarm where others keep the time."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.service.doctor.clock import MADE_IN, clock
from edge.service.doctor.finding import Status
from tests.edge.service.doctor.planted import plant

NOW = datetime(2027, 3, 4, 5, 6, tzinfo=UTC)


def test_this_machines_clock_is_set() -> None:
    assert clock(Path("/"), datetime.now(UTC)).status is not Status.FAIL


@pytest.mark.parametrize("year", [1970, MADE_IN - 1, 2106])
@pytest.mark.parametrize("files", [{}, {"run/systemd/timesync/synchronized": ""}])
def test_a_year_that_cannot_be_is_a_failure(tmp_path: Path, year: int, files: dict[str, str]) -> None:
    found = clock(plant(tmp_path, files), NOW.replace(year=year))
    assert found.status is Status.FAIL
    assert "the clock is not set" in found.found
    assert "timedatectl" in found.mend


def test_a_container_has_no_timesyncd_and_no_fault(tmp_path: Path) -> None:
    assert clock(tmp_path, NOW).status is Status.OK
    plant(tmp_path, {"run/systemd/system/x": ""})
    assert clock(tmp_path, NOW).status is Status.OK


def test_a_pi_that_has_not_reached_the_network_is_warned_of(tmp_path: Path) -> None:
    (tmp_path / "run/systemd/timesync").mkdir(parents=True)
    found = clock(tmp_path, NOW)
    assert found.status is Status.WARN
    assert "not synchronised" in found.found
    assert found.mend
    plant(tmp_path, {"dev/rtc0": ""})
    assert clock(tmp_path, NOW).status is Status.OK


@pytest.mark.parametrize(("seconds", "words"), [(600, "10 min ago"), (9000, "2 h ago"), (-60, "0 min ago")])
def test_a_synchronised_clock_says_when(tmp_path: Path, seconds: int, words: str) -> None:
    plant(tmp_path, {"run/systemd/timesync/synchronized": ""})
    moment = NOW.timestamp() - seconds
    os.utime(tmp_path / "run/systemd/timesync/synchronized", (moment, moment))
    found = clock(tmp_path, NOW)
    assert found.status is Status.OK
    assert words in found.found
