"""Hands events to browsers as they happen; a reader that does not keep up is let go."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING

from edge.events.event import Stopped
from edge.events.event_json import as_json
from edge.frame import Prediction
from edge.stream.smoothing import Changes

if TYPE_CHECKING:
    from edge.events.event import Event

MOST_WAITING = 64
"""Events that wait for one reader."""

REMEMBERED = 100
"""Events that a reader who lost its connection is given again; predictions are none of them."""

SAME_ANSWER_S = 0.2
"""A prediction that says the same as the one before goes out so often at most."""

MOST_PENDING = 256
COMMENT_S = 15.0
RETRY_MS = 2000


class EventFeed:
    """Takes events where they happen, and gives them to readers in the server's loop, as text/event-stream has them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: deque[tuple[int, Event]] = deque(maxlen=MOST_PENDING)
        self._remembered: deque[tuple[int, Event]] = deque(maxlen=REMEMBERED)
        self._next_id = 1
        self._wake: Callable[[], None] | None = None  # None while nobody reads, or once it was called
        self._loop: asyncio.AbstractEventLoop | None = None
        self._readers: set[asyncio.Queue[bytes | None]] = set()
        self._changes = Changes()
        self._sent_s = float("-inf")

    def take(self, event: Event) -> None:
        """A subscriber of the run's events. It wakes the server's loop only if somebody reads, and once for many."""
        with self._lock:
            numbered = (self._next_id, event)
            self._next_id += 1
            if not isinstance(event.what, Prediction):
                self._remembered.append(numbered)
            if self._loop is None:
                return
            self._pending.append(numbered)
            wake, self._wake = self._wake, None
        if wake is not None:
            wake()

    async def read(self, last_id: int | None) -> AsyncGenerator[bytes]:
        """What a browser is sent: first what it missed since `last_id`, then events as they come, and comments.

        Ends when the run does, or when the reader is too slow.
        """
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(MOST_WAITING)
        missed = self._join(queue, last_id)
        try:
            yield f"retry: {RETRY_MS}\n\n".encode() + b"".join(missed)
            while True:
                try:
                    piece = await asyncio.wait_for(queue.get(), COMMENT_S)
                except TimeoutError:
                    piece = b": still here\n\n"
                if piece is None:
                    return
                yield piece
        finally:
            self._leave(queue)

    @property
    def readers(self) -> int:
        """How many read."""
        return len(self._readers)

    def close(self) -> None:
        """End all readers, in the server's loop."""
        for queue in list(self._readers):
            _end(queue)

    def _join(self, queue: asyncio.Queue[bytes | None], last_id: int | None) -> list[bytes]:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.get_running_loop()
                self._pending.clear()
                self._arm()
            self._readers.add(queue)
            # An id from before a restart is larger than any of this run: all that is remembered is new to it then.
            known = last_id if last_id is not None and last_id < self._next_id else 0
            missed = [] if last_id is None else [one for one in self._remembered if one[0] > known]
        return [_text(*one) for one in missed]

    def _leave(self, queue: asyncio.Queue[bytes | None]) -> None:
        with self._lock:
            self._readers.discard(queue)
            if not self._readers:
                self._loop = self._wake = None

    def _arm(self) -> None:
        loop = self._loop

        def wake() -> None:
            try:
                assert loop is not None
                loop.call_soon_threadsafe(self._hand_out)
            except RuntimeError:
                """The loop is closed: the server ends."""

        self._wake = wake

    def _hand_out(self) -> None:
        with self._lock:
            events = list(self._pending)
            self._pending.clear()
            if self._loop is not None:
                self._arm()
        for number, event in events:
            if not self._is_news(event):
                continue
            text = _text(number, event)
            for queue in list(self._readers):
                try:
                    queue.put_nowait(text)
                except asyncio.QueueFull:
                    _end(queue)
            if isinstance(event.what, Stopped):
                self.close()

    def _is_news(self, event: Event) -> bool:
        if not isinstance(event.what, Prediction):
            return True
        is_new = self._changes.is_new(event.what)
        if not is_new and event.monotonic_s - self._sent_s < SAME_ANSWER_S:
            return False
        self._sent_s = event.monotonic_s
        return True


def _end(queue: asyncio.Queue[bytes | None]) -> None:
    """Let a reader end, whatever waits for it."""
    while queue.full():
        queue.get_nowait()
    queue.put_nowait(None)


def _text(number: int, event: Event) -> bytes:
    document = as_json(event)
    # JSON escapes line ends: one data line is enough.
    return f"id: {number}\nevent: {document['event']}\ndata: {json.dumps(document)}\n\n".encode()
