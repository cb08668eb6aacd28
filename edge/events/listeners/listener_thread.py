"""A listener's thread, with a queue of limited length in front: a slow or dead listener never slows the camera."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial

from edge.events.event import Event, ListenerState
from edge.events.listeners.listener import Backlog, Listener, ListenerFailed
from edge.frame import Prediction

CAPACITY = 2000
"""Events that wait for a listener; at 30 frames a second a minute of them."""

CLOSE_S = 5.0
"""Listeners that have not come to their end so long after the last event are left behind."""

SAY_AGAIN_S = 600.0
"""A problem that comes and goes is said so often at most."""

_NO_BACKLOG = Backlog(0, 0, 0)


class ListenerThread:
    """A listener's thread and queue. `offer` never waits; when the queue is full the oldest prediction makes room.

    `say` is given, in words, a problem when it is new, and what was lost in the end. It is called in any thread.
    """

    def __init__(self, listener: Listener, say: Callable[[str], None], capacity: int = CAPACITY) -> None:
        self._listener = listener
        self._say = say
        self._capacity = capacity
        self._queue: deque[Event] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._in_hand = 0  # 1 while the listener handles an event
        self._delivered = 0
        self._failed = 0
        self._left_out = 0
        self._failure: str | None = None
        self._told: str | None = None
        self._said: dict[str, float] = {}
        self._thread = threading.Thread(target=self._run, name=listener.name, daemon=True)

    @property
    def name(self) -> str:
        """The listener's name."""
        return self._listener.name

    @property
    def state(self) -> ListenerState:
        """How it keeps up. Events that it took, but queued itself, are delivered when it has delivered them."""
        backlog: Backlog | None = getattr(self._listener, "backlog", None)
        its = backlog or _NO_BACKLOG
        with self._changed:
            delivered = self._delivered if backlog is None else backlog.delivered
            dropped = self._failed + self._left_out + its.dropped
            waiting = len(self._queue) + (self._in_hand if backlog is None else its.waiting)
            return ListenerState(delivered, dropped, waiting, self._problem)

    def start(self) -> None:
        """Open the listener and begin to deliver. Raises what its `open` raises."""
        self._listener.open()
        self._thread.start()

    def offer(self, event: Event) -> None:
        """Queue an event."""
        with self._changed:
            is_full = len(self._queue) >= self._capacity
            if is_full:
                self._drop_one()
            self._queue.append(event)
            self._changed.notify()
        if is_full:
            self._say_once("it is too slow: predictions are left out")

    def finish(self) -> None:
        """Let it deliver what waits, and close; `join` waits for that."""
        with self._changed:
            self._closing = True
            self._changed.notify()

    def join(self, until_s: float) -> None:
        """Wait for the end, until then by the monotonic clock; a slow one is left behind. What it lost is said."""
        self._thread.join(max(0.0, until_s - time.monotonic()))
        with self._changed:
            queued = len(self._queue) + self._in_hand
        its: Backlog = getattr(self._listener, "backlog", _NO_BACKLOG)
        lost = self._failed + self._left_out + its.dropped + queued
        if lost:
            self._say(f"{self.name}: {lost} events were not delivered")

    @property
    def _problem(self) -> str | None:
        return self._failure or getattr(self._listener, "problem", None)

    def _drop_one(self) -> None:
        """Predictions are many and alike; what else happened is kept as long as there is one to drop instead."""
        self._left_out += 1
        for number, event in enumerate(self._queue):
            if isinstance(event.what, Prediction):
                del self._queue[number]
                return
        self._queue.popleft()

    def _run(self) -> None:
        while (event := self._next()) is not None:
            failure = self._attempt(partial(self._listener.handle, event))
            with self._changed:
                self._in_hand = 0
                self._failure = failure
                self._failed += failure is not None
                self._delivered += failure is None
            self._tell(self._problem)
        left = self._attempt(self._listener.close)
        if left is not None:
            self._say(f"{self.name}: {left}")

    def _tell(self, problem: str | None) -> None:
        """Say what is wrong, and when that is over."""
        if problem is not None:
            self._say_once(problem)
        elif self._told is not None:
            self._say_once("it works again")
        self._told = problem

    def _next(self) -> Event | None:
        """The oldest event, when there is one; None when there will be no more."""
        with self._changed:
            while not self._queue and not self._closing:
                self._changed.wait()
            if not self._queue:
                return None
            self._in_hand = 1
            return self._queue.popleft()

    def _attempt(self, act: Callable[[], None]) -> str | None:
        """What went wrong, None if nothing did. A bug in a listener must not end it, nor be silent."""
        try:
            act()
        except ListenerFailed as failure:
            return str(failure)
        except Exception as bug:
            problem = f"{type(bug).__name__}: {bug}"
            if problem not in self._said:
                threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), self._thread)))
            return problem
        return None

    def _say_once(self, problem: str) -> None:
        now = time.monotonic()
        with self._changed:
            if now - self._said.get(problem, -SAY_AGAIN_S) < SAY_AGAIN_S:
                return
            if len(self._said) >= 100:  # texts that differ each time
                self._said.clear()
            self._said[problem] = now
        self._say(f"{self.name}: {problem}")


def close_all(threads: Iterable[ListenerThread]) -> None:
    """Let all deliver what waits, side by side, and close them."""
    every = list(threads)
    for thread in every:
        thread.finish()
    until_s = time.monotonic() + CLOSE_S
    for thread in every:
        thread.join(until_s)
