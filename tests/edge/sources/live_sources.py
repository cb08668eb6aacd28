"""Live sources that end, hang, freeze and go black as a test says, and an observer that writes down what it is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import count, islice

import numpy as np

from edge.errors import CameraNotFound, SourceError
from edge.frame import Frame, FrameSource
from edge.sources.live import DEFAULT_LIMITS, LiveSource, Loss

LIMITS = DEFAULT_LIMITS.compressed(5)
RATE_S = 0.02
HOUR_S = 3600.0
NOISE = count()


class Journal:
    """An observer that writes down what it is told, and ends a run that lasts for too long."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []
        self.away_s: list[float] = []
        self.ticks = 0
        self._until_s = time.monotonic() + 20

    def lost(self, source: str, loss: Loss, error: SourceError) -> None:
        assert error.message
        self.events.append(("lost", loss))

    def back(self, source: str, away_s: float, attempts: int) -> None:
        self.away_s.append(away_s)
        self.events.append(("back", str(attempts)))

    def tick(self) -> None:
        self.ticks += 1
        assert time.monotonic() < self._until_s, self.events


def live(shade: int, index: int, *, noise: bool = True, is_live: bool = True) -> Frame:
    pixels = np.full((48, 64, 3), shade, np.uint8)
    pixels[0, 0] = 255
    if noise:
        pixels[1, 1] = next(NOISE) % 251
    return Frame(pixels, "cam", index, time.monotonic(), 0.0, is_live=is_live)


def frames(number: int, shade: int = 120, *, noise: bool = True, rate_s: float = RATE_S) -> Iterator[Frame]:
    for index in range(number):
        time.sleep(rate_s)
        yield live(shade, index, noise=noise)


class Camera:
    """Gives, each time it is opened, the next of some scripts; the last one again and again."""

    def __init__(self, *scripts: Callable[[], Iterable[Frame]]) -> None:
        self._scripts = scripts
        self.opened = 0
        self.closed = 0

    @contextmanager
    def _open(self) -> Iterator[Iterable[Frame]]:
        script = self._scripts[min(self.opened, len(self._scripts) - 1)]
        self.opened += 1
        try:
            yield script()
        finally:
            self.closed += 1

    def __call__(self) -> FrameSource:
        return self._open()


def endless(shade: int = 120) -> Iterable[Frame]:
    return frames(10**9, shade)


def refuse() -> Iterable[Frame]:
    raise CameraNotFound("nobody is there", "look")


def hang() -> Iterable[Frame]:
    yield from frames(5)
    time.sleep(HOUR_S)


def watched(camera: Camera, journal: Journal, taken: int, retry: int | None = None, **options: object) -> list[Frame]:
    options = {"limits": LIMITS, **options}
    with LiveSource(camera, "cam", journal, retry=retry, **options) as source:  # type: ignore[arg-type]
        return list(islice(source, taken))
