"""Small files of /proc and /sys, which may be missing, hidden, or give an error when they are read."""

from __future__ import annotations

from pathlib import Path


def text_of(path: Path) -> str:
    """A file's content without the zeros of a device tree and the white space around it; "" where it gives none."""
    try:
        return path.read_text("utf-8", "replace").replace("\0", " ").strip()
    except OSError:
        return ""


def fastest_mhz(root: Path, name: str) -> int | None:
    """The highest frequency of a core, by one of its cpufreq files, which are in kHz; None where there is none."""
    places = (root / "sys/devices/system/cpu").glob(f"cpu[0-9]*/cpufreq/{name}")
    found = [number for number in map(number_of, places) if number is not None]
    return max(found) // 1000 if found else None


def number_of(path: Path) -> int | None:
    """The whole number in a file; None where there is none."""
    try:
        return int(text_of(path))
    except ValueError:
        return None
