"""A Pi's power supply and temperature, as its firmware and kernel tell them."""

from __future__ import annotations

from pathlib import Path

from edge.board import power
from edge.service.doctor.finding import Finding, fail, ok, warn

HOT_C = 85.0
"""Here a Pi slows down hard."""

_POWER_HINT = "use the Pi's own power supply and a short cable (5 V: 3 A for a Pi 4, 5 A for a Pi 5), then reboot"
_COOL_HINT = "give it a heat sink, a fan or air; see: vcgencmd measure_temp"


def throttling(root: Path) -> Finding:
    """Whether the firmware has slowed the processor, now or since the start, and why."""
    found = power.throttling(root)
    if found is None:
        return ok("no Pi's firmware to ask")
    mend = _POWER_HINT if found.lacked_voltage else _COOL_HINT
    if found.now:
        return fail(f"now: {', '.join(found.now)} ({found.value:#x})", mend)
    if found.since_start:
        return warn(f"since the start: {', '.join(found.since_start)} ({found.value:#x})", mend)
    return ok("enough voltage, full clock, since the start")


def temperature(root: Path) -> Finding:
    """The processor's temperature; most machines that are no Pi have no such sensor there."""
    celsius = power.temperature_c(root)
    if celsius is None:
        return ok("no sensor")
    found = f"{celsius:.0f} °C"
    if celsius >= HOT_C:
        return fail(f"{found}: the processor is throttled", _COOL_HINT)
    if celsius >= power.WARM_C:
        return warn(f"{found}: from 80 °C on it slows down", _COOL_HINT)
    return ok(found)
