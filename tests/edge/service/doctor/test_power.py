"""Voltage, throttling, heat: the kernel's files with each fault in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.service.doctor.finding import Status
from edge.service.doctor.power import temperature, throttling
from tests.edge.service.doctor.planted import plant

THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"
PI_5 = "sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled"
ZONE = "sys/class/thermal/thermal_zone0/temp"


@pytest.mark.parametrize(
    ("value", "status", "words"),
    [
        ("0\n", Status.OK, "enough voltage"),
        ("1\n", Status.FAIL, "now: under-voltage"),
        ("50005\n", Status.FAIL, "now: under-voltage, throttled"),
        ("0x50000\n", Status.WARN, "since the start: under-voltage, throttled"),
        ("e000e\n", Status.FAIL, "the clock is capped, throttled, at the soft temperature limit"),
        ("80000\n", Status.WARN, "soft temperature limit"),
    ],
)
@pytest.mark.parametrize("place", [THROTTLED, PI_5])
def test_the_bits_are_said_in_words(tmp_path: Path, place: str, value: str, status: Status, words: str) -> None:
    found = throttling(plant(tmp_path, {place: value}))
    assert found.status is status
    assert words in found.found
    if status is not Status.OK:
        assert ("power supply" in found.mend) == ("under-voltage" in found.found)


def test_where_there_is_no_firmware_nothing_is_wrong(tmp_path: Path) -> None:
    assert throttling(tmp_path).status is Status.OK


@pytest.mark.parametrize(
    ("value", "status"), [("48312\n", Status.OK), ("78000\n", Status.WARN), ("85600\n", Status.FAIL)]
)
def test_heat(tmp_path: Path, value: str, status: Status) -> None:
    found = temperature(plant(tmp_path, {ZONE: value}))
    assert found.status is status
    assert f"{int(value) / 1000:.0f} °C" in found.found
    assert bool(found.mend) == (status is not Status.OK)


def test_no_sensor_is_no_fault(tmp_path: Path) -> None:
    assert temperature(tmp_path).status is Status.OK
