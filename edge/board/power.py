"""Temperature, and what a Pi's firmware has done to the processor because of heat or too little voltage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge.board.files import number_of, text_of

WARM_C = 75.0
"""A Pi slows down step by step from 80 degrees on."""

THERMAL = Path("sys/class/thermal/thermal_zone0/temp")

BITS = {0: "under-voltage", 1: "the clock is capped", 2: "throttled", 3: "at the soft temperature limit"}
"""Of get_throttled: as it is now; 16 bits higher, whether it was so since the start (linux/Documentation, #2397)."""


@dataclass(frozen=True, slots=True)
class Throttling:
    """The firmware's answer, and its bits in words."""

    value: int
    now: tuple[str, ...]
    since_start: tuple[str, ...]

    @property
    def lacked_voltage(self) -> bool:
        """Whether the voltage is too low, or was since the start."""
        return bool(self.value & 0x10001)


def temperature_c(root: Path = Path("/")) -> float | None:
    """The processor's temperature in degrees Celsius, as the kernel tells it; None where it does not."""
    thousandths = number_of(root / THERMAL)
    return None if thousandths is None else thousandths / 1000


def throttling(root: Path = Path("/")) -> Throttling | None:
    """What the firmware has done to the processor; None where there is no Pi's firmware to ask, or it does not say."""
    places = sorted((root / "sys/devices/platform").glob("soc*/soc*:firmware/get_throttled"))
    try:
        value = int(text_of(places[0]), 16) if places else None
    except ValueError:
        value = None
    if value is None:
        return None
    return Throttling(value, _words(value), _words(value >> 16))


def _words(bits: int) -> tuple[str, ...]:
    return tuple(words for bit, words in BITS.items() if bits >> bit & 1)
