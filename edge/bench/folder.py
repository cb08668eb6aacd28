"""Photos a second out of a folder, by `fmnist-edge classify FOLDER --threads N`, less what a start takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge.bench.spread import Repeated, repeated
from edge.bench.start import NotStarted, Start, run_program

if TYPE_CHECKING:
    from edge.bench.speed import Limit
    from edge.sources.grammar import Input

RUNS = 2
_FEWEST, _MOST = 10, 2000
_SHARE = 0.5
"""Of a line's seconds: one run of the program takes so long where more threads gain nothing."""


@dataclass(frozen=True, slots=True)
class FolderRate:
    """A folder of so many photos, classified `runs` times with so many threads; photos a second."""

    threads: int
    photos: int
    runs: int
    photos_per_s: Repeated


def photos_for(limit: Limit, photo_ms: float) -> int:
    """How many photos one run takes, of which one takes so many milliseconds with one thread."""
    wanted = limit.frames if limit.seconds is None else round(_SHARE * limit.seconds * 1e3 / photo_ms)
    return min(max(wanted or 0, _FEWEST), _MOST)


def fill_folder(folder: Path, photos: Sequence[Input], count: int) -> Path:
    """A folder in which each photo lies so often that there are `count` in all. Raises OSError."""
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:05}.jpg").symlink_to(photos[number % len(photos)].where)
    return folder


def measure_folder(
    arguments: Sequence[str], threads: int, photos: int, start: Start, progress: Callable[[], None]
) -> FolderRate | NotStarted:
    """Classify the folder that the arguments name; from its time that of a start with one photo is taken off."""
    rates = []
    for _ in range(RUNS):
        found = run_program([*arguments, "--threads", str(threads)])
        if isinstance(found, NotStarted):
            return found
        rates.append((photos - 1) * 1e3 / max(found.ms - start.ms.median, 1.0))
        progress()
    return FolderRate(threads, photos, RUNS, repeated(rates))
