"""How the machine is at the moment, as far as it changes how fast a program runs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from edge.board.files import fastest_mhz, text_of
from edge.board.power import temperature_c, throttling


@dataclass(frozen=True, slots=True)
class Conditions:
    """None, or nothing, where the kernel does not say. `frequency_mhz` is the fastest core's, `load` of one minute."""

    temperature_c: float | None
    frequency_mhz: int | None
    load: float | None
    throttled_now: tuple[str, ...] | None
    throttled_since_start: tuple[str, ...] | None
    on_battery: bool


def conditions(root: Path = Path("/")) -> Conditions:
    """The machine's conditions now."""
    found = throttling(root)
    return Conditions(
        temperature_c=temperature_c(root),
        frequency_mhz=fastest_mhz(root, "scaling_cur_freq"),
        load=_load(),
        throttled_now=None if found is None else found.now,
        throttled_since_start=None if found is None else found.since_start,
        on_battery=_on_battery(root),
    )


def _load() -> float | None:
    try:
        return round(os.getloadavg()[0], 2)
    except OSError:
        return None


def _on_battery(root: Path) -> bool:
    supplies = (root / "sys/class/power_supply").glob("*")
    return any(
        text_of(one / "type") == "Battery"
        and text_of(one / "status") == "Discharging"
        and text_of(one / "scope") != "Device"
        for one in supplies
    )
