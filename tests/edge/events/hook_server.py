"""A receiver of webhooks on 127.0.0.1 that does what a test says."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Delivery:
    """One POST: what came, and when by the monotonic clock."""

    path: str
    headers: dict[str, str]
    body: bytes
    at_s: float = field(default_factory=time.monotonic)

    @property
    def events(self) -> list[dict[str, Any]]:
        read: list[dict[str, Any]] = json.loads(self.body)
        return read


Answer = Callable[[BaseHTTPRequestHandler, Delivery], None]


def status(code: int, **fields: str) -> Answer:
    """An answer without a body."""

    def send(handler: BaseHTTPRequestHandler, _: Delivery) -> None:
        handler.send_response(code)
        for name, value in fields.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return send


def hangs(handler: BaseHTTPRequestHandler, _: Delivery) -> None:
    """Say nothing until the client gives up."""
    handler.connection.settimeout(60)
    handler.connection.recv(1)


def closes(handler: BaseHTTPRequestHandler, _: Delivery) -> None:
    """Hang up without an answer."""
    handler.connection.shutdown(socket.SHUT_RDWR)


def drips(handler: BaseHTTPRequestHandler, _: Delivery) -> None:
    """Send a head that never ends, a byte at a time."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    for _second in range(1200):
        time.sleep(0.05)
        handler.wfile.write(b"x")


def babbles(handler: BaseHTTPRequestHandler, _: Delivery) -> None:
    """Speak no HTTP."""
    handler.wfile.write(b"\x00\xff SSH-2.0-nonsense\r\n\r\n")


def slowly(seconds: float) -> Answer:
    """204, after a while."""

    def send(handler: BaseHTTPRequestHandler, delivery: Delivery) -> None:
        time.sleep(seconds)
        status(204)(handler, delivery)

    return send


class Hook:
    """What came, and what is answered to the next ones: `script` in turn, then 204."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.script: list[Answer] = []
        self.all: list[Delivery] = []
        self.accepted: list[Delivery] = []

    def take(self, handler: BaseHTTPRequestHandler, delivery: Delivery) -> None:
        self.all.append(delivery)
        if not self.script:
            self.accepted.append(delivery)
        (self.script.pop(0) if self.script else status(204))(handler, delivery)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?token=abc"

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events of accepted deliveries, in the order in which they came."""
        return [one for delivery in self.accepted for one in delivery.events]


@contextmanager
def receiving(hook: Hook, tls: ssl.SSLContext | None = None) -> Iterator[Hook]:
    """The hook while it is up; a hook with port 0 gets a free one."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.take(self, Delivery(self.path, {key.lower(): held for key, held in self.headers.items()}, body))

        def log_message(self, format: str, *values: object) -> None:  # noqa: A002
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: object, client_address: object) -> None:
            pass

    server = Server(("127.0.0.1", hook.port), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    hook.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
