"""Stamps what happens and hands it to everybody who listens."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from edge.events.event import Event, Happening

if TYPE_CHECKING:
    from edge.frame import Frame

Subscriber = Callable[[Event], None]
"""Is given each event, in the thread that publishes: whoever may take long to handle one hands it to a thread."""


class Publisher:
    """The run's one event stream. All calls are made in the thread that classifies.

    `newest_frame` is the frame of the prediction published last: a listener that shows a picture takes it from here.
    """

    def __init__(self, model: str) -> None:
        self.model = model
        self.newest_frame: Frame | None = None
        self._subscribers: list[Subscriber] = []

    def subscribe(self, subscriber: Subscriber) -> None:
        """Give every event from now on to this subscriber too; they are called in the order in which they came."""
        self._subscribers.append(subscriber)

    def publish(self, what: Happening, source: str | None = None) -> None:
        """Tell all subscribers what happened just now. Raises what a subscriber raises: OutputClosed, OutputFailed."""
        event = Event(datetime.now(UTC), time.monotonic(), source, self.model, what)
        for subscriber in self._subscribers:
            subscriber(event)
