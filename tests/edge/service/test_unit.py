"""The systemd unit, as systemd itself reads it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edge.errors import BadOption
from edge.service.unit import BACKS_OFF_SINCE, GROUPS, WATCHDOG_S, Service, unit_text
from edge.service.update_unit import update_unit_text

WORST_EXPOSURE = 2.0
PROGRAM = Path("/opt/fmnist-edge/current/bin/fmnist-edge")


@pytest.fixture
def analyze() -> str:
    found = shutil.which("systemd-analyze")
    if found is None:
        pytest.skip("no systemd-analyze: scripts/test installs it where it may (apt-get install systemd)")
    return found


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit for this machine's systemd and a program that is there."""
    program = tmp_path / "fmnist-edge"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    said = subprocess.run(["systemctl", "--version"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"systemd (\d+)", said)
    path = tmp_path / "fmnist-edge.service"
    path.write_text(unit_text(Service(program, "classify", GROUPS, int(version[1]) if version else 252)))
    return path


def verified(analyze: str, unit: Path) -> str:
    done = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True, check=False)
    return f"{done.stdout}{done.stderr}" + (f"exit code {done.returncode}" if done.returncode else "")


@pytest.mark.subprocess
def test_systemd_finds_nothing_wrong_with_it(analyze: str, unit: Path) -> None:
    assert verified(analyze, unit) == ""


@pytest.mark.subprocess
def test_a_mistake_in_it_would_be_found(analyze: str, unit: Path) -> None:
    unit.write_text(unit.read_text().replace("ProtectClock=", "ProtectClok="))
    assert "ProtectClok" in verified(analyze, unit)


@pytest.mark.subprocess
def test_nor_with_the_one_that_gets_new_versions(analyze: str, unit: Path) -> None:
    second = unit.with_name("fmnist-edge-update.service")
    second.write_text(update_unit_text(Service(unit.with_suffix(""), "classify", GROUPS, 252)))
    assert verified(analyze, second) == ""
    assert exposure(analyze, second) <= WORST_EXPOSURE


def exposure(analyze: str, unit: Path) -> float:
    done = subprocess.run(
        [analyze, "security", "--offline=yes", "--no-pager", str(unit)], capture_output=True, text=True, check=False
    )
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    return float(found[1])


@pytest.mark.subprocess
def test_it_may_do_little(analyze: str, unit: Path) -> None:
    assert exposure(analyze, unit) <= WORST_EXPOSURE
    unit.write_text(unit.read_text().replace("CapabilityBoundingSet=\n", ""))
    assert exposure(analyze, unit) > WORST_EXPOSURE


def test_it_waits_longer_each_time_where_systemd_can() -> None:
    def text(version: int) -> str:
        return unit_text(Service(PROGRAM, "classify", GROUPS, version))

    assert "RestartSteps=" in text(BACKS_OFF_SINCE)
    assert "RestartSteps=" not in text(BACKS_OFF_SINCE - 1)
    assert "\nRestartSec=" in text(BACKS_OFF_SINCE - 1)


def test_the_watchdog_waits_for_two_of_the_usual_heartbeats() -> None:
    from edge.events.run import HEARTBEAT_S

    assert WATCHDOG_S == 2 * HEARTBEAT_S
    assert f"WatchdogSec={WATCHDOG_S}" in unit_text(Service(PROGRAM, "classify", (), 252))


def test_what_the_runtimes_read_stays_visible() -> None:
    settings = [line for line in unit_text(Service(PROGRAM, "serve", GROUPS, 252)).splitlines() if line[:1] != "#"]
    assert not any(line.startswith(("ProcSubset", "PrivateDevices", "PrivateUsers")) for line in settings)
    assert f"ExecStart={PROGRAM} serve --config /etc/fmnist-edge.toml" in settings


def test_a_home_is_seen_only_where_the_program_lies_in_one() -> None:
    assert "\nProtectHome=yes\n" in unit_text(Service(PROGRAM, "classify", GROUPS, 252))
    assert "\nProtectHome=read-only\n" in unit_text(Service(PROGRAM, "classify", GROUPS, 252, in_a_home=True))


@pytest.mark.parametrize(
    "program", ["fmnist-edge", "/opt/my shop/fmnist-edge", "/opt/%i/x", "/opt/$HOME", "/opt/a\nUser=root"]
)
def test_a_path_that_systemd_would_read_as_something_else_is_refused(program: str) -> None:
    with pytest.raises(BadOption):
        Service(Path(program), "classify", GROUPS, 252)
