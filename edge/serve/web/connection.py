"""A connection and its limits: heads come in time, readers read, and a crowd of idle ones keeps nobody out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

MOST_CONNECTIONS = 128
"""Viewers take one or two each. A thousand would take all the files that a process may have open."""

HEAD_S = 10.0
"""A request's head comes within this time."""

KEEP_ALIVE_S = 20.0
STALLED_S = 10.0
"""A reader that takes nothing for so long is let go."""

LINGER_S = 2.0
LINGER_BYTES = 4 << 20
"""What still comes of a body that nobody wants is thrown away for so long, so that the answer arrives."""

LONGEST_HEAD = 16 << 10


class LimitedConnection(H11Protocol):
    """uvicorn's connection with limits of time and number."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._timer: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self.since_s = 0.0
        """Since when it waits for a request, or for the rest of one, by the loop's clock."""
        self._unwanted: int | None = None  # bytes that may still come, once a body is not wanted

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection; where there are too many, the one goes whose request has been waited for the longest."""
        super().connection_made(transport)
        self._await_head()
        if len(self.connections) > MOST_CONNECTIONS:
            waiting = [one for one in self.connections if isinstance(one, LimitedConnection) and one.is_awaited]
            goes = min(waiting, key=lambda one: one.since_s, default=self)
            goes.transport.abort()
            self.connections.discard(goes)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        self._cancel()
        if self._stall is not None:
            self._stall.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """As uvicorn, but for bodies that nobody wants any more."""
        if self._unwanted is None:
            super().data_received(data)
            return
        self._unwanted -= len(data)
        if self._unwanted < 0:
            self.transport.abort()

    def handle_events(self) -> None:
        """As uvicorn; a request that is complete stops the clock."""
        super().handle_events()
        if not self.is_idle:
            self._cancel()

    def on_response_complete(self) -> None:
        """Wait for the next request; where the body of this one is still coming, hang up."""
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if self.conn.their_state is h11.SEND_BODY:
            self._unset_keepalive_if_required()
            self._cancel()
            self._unwanted = LINGER_BYTES
            self._timer = self.loop.call_later(LINGER_S, self.transport.abort)
        elif self.is_idle:
            self._await_head(KEEP_ALIVE_S)

    def pause_writing(self) -> None:
        """The reader is slower than we write: it has a while to catch up."""
        super().pause_writing()
        if self._stall is None:
            self._stall = self.loop.call_later(STALLED_S, self.transport.abort)

    def resume_writing(self) -> None:
        """It has caught up."""
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
        super().resume_writing()

    @property
    def is_idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    @property
    def is_awaited(self) -> bool:
        """Whether the client has still something to send: a request, or the rest of one."""
        return self.is_idle or bool(self.cycle.more_body)

    def _await_head(self, within_s: float = HEAD_S) -> None:
        self._cancel()
        self.since_s = self.loop.time()
        self._timer = self.loop.call_later(within_s, self.transport.abort)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _should_upgrade(self) -> bool:
        """There is nothing to upgrade to, and no need to say so on stderr."""
        return False
