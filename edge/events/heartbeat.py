"""A sign of life at even intervals, with the state of the run."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from edge.board.power import temperature_c
from edge.events.event import Heartbeat, ListenerState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.frame import Frame, Prediction
    from edge.sources.live import Loss

STATM = Path("proc/self/statm")


class HeartbeatClock:
    """Counts what happens between heartbeats, and says when one is due: every `interval_s` seconds."""

    def __init__(self, interval_s: float, root: Path = Path("/")) -> None:
        self._interval_s = interval_s
        self._root = root
        self._started_s = self._last_s = time.monotonic()
        self._ages_ms: deque[float] = deque(maxlen=1000)
        self.frames = 0
        """Frames answered since the start."""
        self._frames_then = 0
        self._dropped = 0

    def count(self, frame: Frame, prediction: Prediction) -> None:
        """Take an answered frame into account."""
        self.frames += 1
        self._dropped += frame.dropped
        if prediction.age_ms is not None:
            self._ages_ms.append(prediction.age_ms)

    @property
    def is_due(self) -> bool:
        """Whether the interval is over."""
        return time.monotonic() - self._last_s >= self._interval_s

    def beat(self, lost: Loss | None, listeners: Mapping[str, ListenerState]) -> Heartbeat:
        """The heartbeat for now; the next interval begins."""
        now = time.monotonic()
        spent_s = max(now - self._last_s, 1e-3)
        heartbeat = Heartbeat(
            uptime_s=now - self._started_s,
            frames=self.frames,
            dropped=self._dropped,
            frames_per_s=(self.frames - self._frames_then) / spent_s,
            age_ms=_median(self._ages_ms),
            lost=lost,
            temperature_c=temperature_c(self._root),
            memory_mb=memory_mb(self._root),
            listeners=dict(listeners),
        )
        self._last_s, self._frames_then = now, self.frames
        self._ages_ms.clear()
        return heartbeat


def _median(values: Iterable[float]) -> float | None:
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else None


def memory_mb(root: Path = Path("/")) -> float | None:
    """Resident memory of this process in megabytes; None where /proc is hidden."""
    try:
        return int((root / STATM).read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except (OSError, ValueError, IndexError):
        return None
