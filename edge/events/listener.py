"""Listeners: who wants to be told of events. Each runs in a thread, behind a queue of limited length."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

from edge.events.event import Event, ListenerState
from edge.frame import Prediction


class ListenerFailed(Exception):
    """An event could not be delivered, though another may be: the reason, in words. Counted and said, once."""


class Listener(Protocol):
    """Takes events, one at a time, in a thread of its own; it may block there.

    One that has a `problem`, a text or None, says with it in heartbeats what is wrong while no event fails.
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
        """Called once after the last event; delivers what it still holds, within two seconds."""
        ...


CAPACITY = 2000
"""Events that wait for a listener; at 30 frames a second a minute of them."""

CLOSE_S = 5.0
"""A listener that has not come to its end so long after the last event is left behind."""


class ListenerThread:
    """A listener's thread and queue. `offer` never waits; when the queue is full the oldest prediction makes room.

    `say` is given, in words, a problem when it is new, and what was lost in the end.
    """

    def __init__(self, listener: Listener, say: Callable[[str], None], capacity: int = CAPACITY) -> None:
        self._listener = listener
        self._say = say
        self._capacity = capacity
        self._queue: deque[Event] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._delivered = 0
        self._dropped = 0
        self._problem: str | None = None
        self._thread = threading.Thread(target=self._deliver, name=listener.name, daemon=True)

    @property
    def name(self) -> str:
        """The listener's name."""
        return self._listener.name

    @property
    def state(self) -> ListenerState:
        """How it keeps up."""
        with self._changed:
            problem = self._problem or getattr(self._listener, "problem", None)
            return ListenerState(self._delivered, self._dropped, len(self._queue), problem)

    def start(self) -> None:
        """Open the listener and begin to deliver. Raises what its `open` raises."""
        self._listener.open()
        self._thread.start()

    def offer(self, event: Event) -> None:
        """Queue an event."""
        with self._changed:
            if len(self._queue) >= self._capacity:
                self._drop_one()
            self._queue.append(event)
            self._changed.notify()

    def close(self) -> None:
        """Deliver what waits, and close the listener; a slow one is left behind, and what it loses is said."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(CLOSE_S)
        state = self.state
        lost = state.dropped + state.waiting
        if lost:
            self._say(f"{self.name}: {lost} events were not delivered")

    def _drop_one(self) -> None:
        """Predictions are many and alike; what else happened is kept as long as there is one to drop instead."""
        for number, event in enumerate(self._queue):
            if isinstance(event.what, Prediction):
                del self._queue[number]
                break
        else:
            self._queue.popleft()
        self._dropped += 1

    def _deliver(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._closing:
                    self._changed.wait()
                if not self._queue:
                    break
                event = self._queue.popleft()
            try:
                self._listener.handle(event)
            except ListenerFailed as failure:
                self._fail(str(failure))
            else:
                with self._changed:
                    self._delivered += 1
                    self._problem = None
        self._listener.close()

    def _fail(self, problem: str) -> None:
        with self._changed:
            self._dropped += 1
            is_new, self._problem = problem != self._problem, problem
        if is_new:
            self._say(f"{self.name}: {problem}")
