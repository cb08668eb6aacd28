"""How sources are opened: what the command line's options say of cameras and addresses. Loads nothing."""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

from edge.choices import Flip, Rotation
from edge.errors import BadOption


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """How to open a source.

    An address with one picture is asked again every `interval_s` seconds; None asks once. A camera or stream that is
    lost is opened again `retry` times, without end if that is None; with `waits_at_start` also one that is not there
    at first. Cameras are asked for `resolution` (width, height) and `fps` frames a second. Every source's frames are
    turned by `rotation`, then mirrored by `flip`.
    A camera's certificate must be one that the system or `ca_file` vouches for; with `insecure` any will do.
    """

    interval_s: float | None = None
    retry: int | None = 0
    waits_at_start: bool = False
    resolution: tuple[int, int] | None = None
    fps: float | None = None
    rotation: Rotation = Rotation.NONE
    flip: Flip | None = None
    ca_file: Path | None = None
    insecure: bool = False


AS_THEY_COME = SourceSettings()
"""Nothing is asked of a source."""

_SAME_RATE = 0.02
"""29.97 is as good as 30."""


def parse_resolution(text: str) -> tuple[int, int]:
    """Width and height of `640x480`. Raises BadOption."""
    match = re.fullmatch(r"([1-9]\d{0,4})[xX]([1-9]\d{0,4})", text.strip(), re.ASCII)
    if match is None:
        raise BadOption(f"--resolution {text} is no size", "--resolution 640x480")
    return int(match[1]), int(match[2])


def parse_fps(fps: float) -> float:
    """The rate itself. Raises BadOption for one that is none."""
    if not math.isfinite(fps) or fps <= 0:
        raise BadOption(f"--fps {fps} is no rate", "--fps 15")
    return fps


def parse_retry(text: str | None) -> tuple[int | None, bool]:
    """How often a lost camera is opened again, None for ever; and whether one is waited for that is not there at first.

    Raises BadOption.
    """
    if text is None:
        return None, False
    if text == "forever":
        return None, True
    if re.fullmatch(r"\d{1,9}", text, re.ASCII) is None:
        raise BadOption(f"--retry {text} is not understood", "a number, such as 5, or forever")
    return int(text), int(text) > 0


def say_what_it_gives(name: str, asked: SourceSettings, size: tuple[int, int], fps: float) -> None:
    """Warn, in one line, when a camera gives another size or rate than it was asked for; `fps` 0 is unknown."""
    other_size = asked.resolution is not None and asked.resolution != size
    other_rate = asked.fps is not None and fps > 0 and abs(fps / asked.fps - 1) > _SAME_RATE
    if not other_size and not other_rate:
        return
    rate_known = asked.fps is not None and fps > 0
    if asked.resolution is None:
        asked_for, gives = f"{asked.fps:g} a second", f"{fps:.4g} a second"
    else:
        asked_for = "x".join(map(str, asked.resolution)) + (f" at {asked.fps:g}" if rate_known else "")
        gives = "x".join(map(str, size)) + (f" at {fps:.4g}" if rate_known else "")
    hint = "fmnist-edge cameras lists its modes"
    warnings.warn(f"{name}: asked for {asked_for}, the camera gives {gives}; {hint}", stacklevel=2)
