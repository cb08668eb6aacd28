"""A Pi's power supply and temperature, as its firmware and kernel tell them."""

from __future__ import annotations

from pathlib import Path

from edge.service.doctor.finding import Finding, fail, ok, warn

BITS = {0: "under-voltage", 1: "the clock is capped", 2: "throttled", 3: "at the soft temperature limit"}
"""Of get_throttled: as it is now; 16 bits higher, whether it was so since the start (linux/Documentation, #2397)."""

WARM_C, HOT_C = 75.0, 85.0
"""A Pi slows down step by step from 80 degrees on, and hard at 85."""

_POWER_HINT = "use the Pi's own power supply and a short cable (5 V: 3 A for a Pi 4, 5 A for a Pi 5), then reboot"
_COOL_HINT = "give it a heat sink, a fan or air; see: vcgencmd measure_temp"


def throttling(root: Path) -> Finding:
    """Whether the firmware has slowed the processor, now or since the start, and why."""
    places = sorted((root / "sys/devices/platform").glob("soc*/soc*:firmware/get_throttled"))
    if not places:
        return ok("no Pi's firmware to ask")
    value = int(places[0].read_text("ascii").strip(), 16)
    now = [words for bit, words in BITS.items() if value >> bit & 1]
    before = [words for bit, words in BITS.items() if value >> (bit + 16) & 1]
    mend = _POWER_HINT if value & 0x10001 else _COOL_HINT
    if now:
        return fail(f"now: {', '.join(now)} ({value:#x})", mend)
    if before:
        return warn(f"since the start: {', '.join(before)} ({value:#x})", mend)
    return ok("enough voltage, full clock, since the start")


def temperature(root: Path) -> Finding:
    """The processor's temperature; most machines that are no Pi have no such sensor there."""
    try:
        celsius = int((root / "sys/class/thermal/thermal_zone0/temp").read_text("ascii")) / 1000
    except OSError:  # none there, or one that gives nothing
        return ok("no sensor")
    found = f"{celsius:.0f} °C"
    if celsius >= HOT_C:
        return fail(f"{found}: the processor is throttled", _COOL_HINT)
    if celsius >= WARM_C:
        return warn(f"{found}: from 80 °C on it slows down", _COOL_HINT)
    return ok(found)
