"""Listeners: who wants to be told of events, beside stdout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from edge.events.event import Event


class ListenerFailed(Exception):
    """An event could not be delivered, though another may be: the reason, in words. Counted and said, once.

    Raised in `close` it says what is left behind.
    """


@dataclass(frozen=True, slots=True)
class Backlog:
    """What became of the events that a listener put into a queue of its own."""

    delivered: int
    dropped: int
    waiting: int


class Listener(Protocol):
    """Takes events, one at a time, in a thread of its own; it may block there.

    Two attributes are optional. `problem`, a text or None, says what is wrong while no event fails: a server that is
    not there. `backlog`, a Backlog, is for a listener that queues events itself, to send them later: heartbeats have
    its figures then.
    """

    @property
    def name(self) -> str:
        """What it is called in messages and heartbeats: mqtt, webhook, metrics, gpio."""
        ...

    def open(self) -> None:
        """Called once before the first event, in the main thread.

        It returns at once: a connection that fails is tried again later. Raises MissingExtra, BadOption or OutputFailed
        for what will not get better by waiting: a package that is missing, a pin or port in use.
        """
        ...

    def handle(self, event: Event) -> None:
        """Deliver an event. Raises ListenerFailed."""
        ...

    def close(self) -> None:
        """Called once after the last event; delivers what it still holds, within two seconds. Raises ListenerFailed."""
        ...
