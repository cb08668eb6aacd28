"""TLS before HTTP: handshakes are counted and timed, too, or a crowd of silent clients would take all open files."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

from edge.serve.web.connection import HEAD_S, MOST_CONNECTIONS

if TYPE_CHECKING:
    from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_HANDSHAKES = MOST_CONNECTIONS
SHUTDOWN_S = 5.0


class TlsHandshake(asyncio.Protocol):
    """A connection until its handshake is over; then `connect` makes the one that speaks HTTP.

    `waiting` are all that are in their handshake. Where there are too many, the oldest goes.
    """

    def __init__(
        self, context: ssl.SSLContext, waiting: dict[TlsHandshake, None], connect: Callable[[], H11Protocol]
    ) -> None:
        self._context = context
        self._waiting = waiting
        self._connect = connect
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake."""
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()  # what comes is for TLS
        self._transport = transport
        self._waiting[self] = None
        if len(self._waiting) > MOST_HANDSHAKES:
            oldest = next(iter(self._waiting))
            self._waiting.pop(oldest)
            assert oldest._transport is not None
            oldest._transport.abort()
        self._task = asyncio.get_running_loop().create_task(self._shake(transport))

    async def _shake(self, transport: asyncio.Transport) -> None:
        early = _Early()
        try:
            secured = await asyncio.get_running_loop().start_tls(
                transport,
                early,
                self._context,
                server_side=True,
                ssl_handshake_timeout=HEAD_S,
                ssl_shutdown_timeout=SHUTDOWN_S,
            )
        except (OSError, asyncio.CancelledError):  # ssl.SSLError and time-outs are OSErrors
            transport.abort()
            return
        finally:
            self._waiting.pop(self, None)
        if secured is None or early.is_lost:
            transport.abort()
            return
        connection = self._connect()
        secured.set_protocol(connection)
        connection.connection_made(secured)
        if early.received:
            connection.data_received(bytes(early.received))


class _Early(asyncio.Protocol):
    """Keeps what comes between the handshake's end and the moment at which it is known here."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.is_lost = False

    def data_received(self, data: bytes) -> None:
        self.received += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
