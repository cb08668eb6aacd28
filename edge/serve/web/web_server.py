"""The server's thread: an address is bound, uvicorn answers there with a loop of its own, until the run ends."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import BadOption, OutputFailed

if TYPE_CHECKING:
    from starlette.types import ASGIApp

LOOPBACK = "127.0.0.1"
BACKLOG = 128
SEND_BUFFER = 128 << 10
"""The kernel's for each connection: a slow viewer's picture is not seconds old."""

STOP_S = 3.0


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files in PEM: a certificate with its chain, and its key."""

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """For a server. Raises BadOption."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            context.load_cert_chain(self.certificate, self.key, password=_no_password)
        except ssl.SSLError as error:
            raise BadOption(
                f"--tls-cert {self.certificate}, --tls-key {self.key}: {error.reason or error}",
                "a certificate and its own key, without a password, in PEM",
            ) from error
        except OSError as error:
            raise BadOption(f"--tls-cert or --tls-key cannot be read: {error.strerror}", "check both paths") from error
        return context


def _no_password() -> str:
    raise ssl.SSLError(0, "the key has a password")


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens on an address; port 0 takes a free one. Raises OutputFailed."""
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    found: socket.socket | None = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        found = socket.socket(family, kind, protocol)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        if family == socket.AF_INET6:
            with contextlib.suppress(OSError):  # [::] is every address, IPv4 too
                found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        found.bind(address)
        found.listen(BACKLOG)
    except OSError as error:
        if found is not None:
            found.close()
        hints = {
            errno.EADDRINUSE: f"--port 0 takes a free one; ss -ltnp 'sport = {port}' shows who has this one",
            errno.EACCES: "a port above 1023",
            errno.EADDRNOTAVAIL: f"--host {LOOPBACK} for this machine alone, --host 0.0.0.0 for all",
        }
        hint = hints.get(error.errno or 0, f"--host {LOOPBACK}, or an address of this machine")
        raise OutputFailed(f"the page cannot be served on {where}: {error.strerror}", hint) from error
    return found


class WebServer:
    """Answers on a socket in a thread of its own, within its `with` block.

    `closing` is called in the server's loop before the connections end, for what would otherwise go on for ever.
    """

    def __init__(
        self,
        app: ASGIApp,
        listening: socket.socket,
        certificate: Certificate | None = None,
        closing: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._app = app
        self._socket = listening
        self._context = None if certificate is None else certificate.context()
        self._closing = closing
        self._thread = threading.Thread(target=self._run, name="page", daemon=True)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    def __enter__(self) -> WebServer:
        self._thread.start()
        self._ready.wait(30)
        return self

    def __exit__(self, *_details: object) -> None:
        loop, stop = self._loop, self._stop
        if loop is not None and stop is not None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(stop.set)
        self._thread.join(STOP_S)
        self._socket.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        from uvicorn.config import Config
        from uvicorn.server import ServerState

        from edge.serve.web.connection import KEEP_ALIVE_S, LONGEST_HEAD, LimitedConnection
        from edge.serve.web.tls_handshake import TlsHandshake

        # What strangers send is no news for stderr; what goes wrong in our own code is.
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        config = Config(
            self._app,
            http=LimitedConnection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=int(KEEP_ALIVE_S),
            h11_max_incomplete_event_size=LONGEST_HEAD,
        )
        config.load()
        state = ServerState()
        self._loop = loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()

        def connect() -> LimitedConnection:
            return LimitedConnection(config, state, {})

        shaking: dict[TlsHandshake, None] = {}
        context = self._context

        def accept() -> asyncio.Protocol:
            return connect() if context is None else TlsHandshake(context, shaking, connect)

        server = await loop.create_server(accept, sock=self._socket, backlog=BACKLOG)
        self._ready.set()
        await self._stop.wait()
        server.close()
        if self._closing is not None:
            await self._closing()
        for connection in list(state.connections):
            connection.shutdown()
        if state.tasks:
            await asyncio.wait(list(state.tasks), timeout=STOP_S / 3)
        for connection in list(state.connections):
            connection.transport.abort()
