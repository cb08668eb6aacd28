"""What `doctor` says of a device whose model comes from a repository."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge.fleet.fleet_folder import FleetFolder, Status
from edge.fleet.health import updates
from edge.service.doctor.finding import Status as Verdict
from tests.conftest import Run

NOW = datetime(2027, 3, 4, 5, 6, tzinfo=UTC)


@pytest.fixture
def fleet(tmp_path: Path) -> FleetFolder:
    folder = FleetFolder(tmp_path)
    folder.make()
    return folder


@pytest.mark.parametrize(
    ("state", "problem", "age", "verdict", "said"),
    [
        (
            "current",
            None,
            timedelta(minutes=5),
            Verdict.OK,
            "v2 of stable, 95.3% of 300 canaries right; looked 5 min ago",
        ),
        ("updated", None, timedelta(hours=30), Verdict.OK, "looked 30 h ago"),
        ("current", None, timedelta(days=3), Verdict.WARN, "looked 72 h ago"),
        ("failed", "it has expired", timedelta(minutes=1), Verdict.WARN, "looked 1 min ago: it has expired"),
        ("refused", "v3 drifts here", timedelta(minutes=1), Verdict.WARN, "v3 drifts here"),
    ],
)
def test_how_the_last_look_went(
    fleet: FleetFolder, state: str, problem: str | None, age: timedelta, verdict: Verdict, said: str
) -> None:
    at = (NOW - age).timestamp()
    fleet.write_status(Status("a", "stable", state, "v2", accuracy=0.9533, canaries=300, checked=at, problem=problem))
    found = updates(fleet, NOW)
    assert found.status is verdict
    assert found.found.endswith(said)
    assert bool(found.mend) == (verdict is Verdict.WARN)


def test_a_damaged_status_is_as_none(fleet: FleetFolder) -> None:
    fleet.status_file.write_bytes(b"\0" * 50)
    assert updates(fleet, NOW).status is Verdict.WARN


@pytest.mark.subprocess
def test_doctor_has_a_line_for_a_folder_that_is_updated(fleet: FleetFolder, fmnist_edge: Run) -> None:
    """And none for others."""
    assert "\nwarn updates" in fmnist_edge("doctor", "--model", fleet.models).stdout
    assert " updates " not in fmnist_edge("doctor", "--model", "tiny").stdout
