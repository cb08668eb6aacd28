"""The run's metrics for /metrics, counted when they are asked for."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from edge.frame import Prediction

if TYPE_CHECKING:
    from edge.events.event import Event
    from edge.events.listeners.metric_families import MetricFamilies
    from edge.events.publisher import Publisher

MOST_WAITING = 512
"""Events that wait to be counted; then they are, where they happen."""


class MetricText:
    """Keeps events until somebody scrapes: counting one takes as long as keeping twenty."""

    def __init__(self, families: MetricFamilies, publisher: Publisher) -> None:
        self._families = families
        self._publisher = publisher
        self._waiting: deque[Event] = deque()
        self._lock = threading.Lock()
        self._dropped = 0

    def take(self, event: Event) -> None:
        """A subscriber of the run's events."""
        frame = self._publisher.newest_frame
        if isinstance(event.what, Prediction) and frame is not None:
            self._dropped += frame.dropped
        self._waiting.append(event)
        if len(self._waiting) >= MOST_WAITING:
            self._count()

    def as_text(self) -> bytes:
        """All metrics in Prometheus' text format. In any thread."""
        self._count()
        return self._families.as_text()

    def _count(self) -> None:
        with self._lock:
            dropped, self._dropped = self._dropped, 0
            self._families.dropped.inc(dropped)
            while self._waiting:
                self._families.count(self._waiting.popleft())


def open_metrics(labels: tuple[str, ...], publisher: Publisher, model_name: str) -> MetricText | None:
    """The metrics; None where prometheus-client is not installed."""
    from edge.events.listeners.metric_families import MetricFamilies

    try:
        return MetricText(MetricFamilies(labels, publisher.model, model_name), publisher)
    except ImportError:
        return None
