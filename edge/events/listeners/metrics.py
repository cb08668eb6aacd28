"""A listener for Prometheus: counts events, and answers GET /metrics."""

from __future__ import annotations

import errno
import re
import socket
import socketserver
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from edge.errors import BadOption, MissingExtra, OutputFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.events.event import Event
    from edge.events.listeners.metric_families import MetricFamilies
    from edge.events.publisher import Publisher

LOOPBACK = "127.0.0.1"

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""The text format that every version of Prometheus reads."""

SLOWEST_CLIENT_S = 10.0


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of `9100`, `0.0.0.0:9100` or `[::1]:9100`; this machine's own if no host is given.

    Raises BadOption.
    """
    match = re.fullmatch(r"(?:\[([^\[\]]+)\]:|([^:\[\]/]*):)?([0-9]{1,5})", text)
    if match is None or not 0 < int(match[3]) < 2**16:
        raise BadOption(f"--metrics {text} is no port", "--metrics 9100, or --metrics 0.0.0.0:9100 for other machines")
    return match[1] or match[2] or LOOPBACK, int(match[3])


class Metrics:
    """Serves the run's metrics on a port; `labels` are the model's, `model_name` is what it is called."""

    name = "metrics"

    def __init__(self, host: str, port: int, publisher: Publisher, labels: tuple[str, ...], model_name: str) -> None:
        self._host = host
        self._port = port
        self._publisher = publisher
        self._labels = labels
        self._model_name = model_name
        self._families: MetricFamilies | None = None
        self._server: _Server | None = None

    @property
    def port(self) -> int:
        """The port that is served; one that was 0 is the one that the system chose."""
        return self._port if self._server is None else int(self._server.server_address[1])

    def open(self) -> None:
        """Bind the port, and answer from now on. Raises MissingExtra or OutputFailed."""
        from edge.events.listeners.metric_families import MetricFamilies

        try:
            self._families = families = MetricFamilies(self._labels, self._publisher.model, self._model_name)
        except ImportError as error:
            raise MissingExtra(
                "--metrics needs prometheus-client, which this installation leaves out",
                "pip install 'fmnist-edge[metrics]'",
            ) from error
        self._server = _serve(self._host, self._port, families.as_text)
        # A frame's drops are not in its event, and only the thread that publishes may look at the frame.
        self._publisher.subscribe(self._count_dropped)
        threading.Thread(target=partial(self._server.serve_forever, 0.1), name="metrics server", daemon=True).start()

    def handle(self, event: Event) -> None:
        """Count an event."""
        assert self._families is not None
        self._families.count(event)

    def close(self) -> None:
        """Release the port."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def _count_dropped(self, event: Event) -> None:
        from edge.frame import Prediction

        frame = self._publisher.newest_frame
        if isinstance(event.what, Prediction) and frame is not None and frame.dropped and self._families is not None:
            self._families.dropped.inc(frame.dropped)


class _Server(ThreadingHTTPServer):
    """Its threads end with the process: a client that hangs keeps nobody."""

    block_on_close = False

    def __init__(self, host: str, port: int, text: Callable[[], bytes]) -> None:
        self.text = text
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Bind without asking for the host's name, which may take a minute where there is no network."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up in the middle is nobody's trouble but its own."""


class _Handler(BaseHTTPRequestHandler):
    timeout = SLOWEST_CLIENT_S
    server: _Server

    def do_GET(self) -> None:
        if self.path.split("?")[0] not in {"/", "/metrics"}:
            self.send_error(404)
            return
        text = self.server.text()
        self.send_response(200)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *values: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing: a scrape is no news."""


def _serve(host: str, port: int, text: Callable[[], bytes]) -> _Server:
    try:
        return _Server(host, port, text)
    except OSError as error:
        hints = {
            errno.EADDRINUSE: f"another port; ss -ltnp 'sport = {port}' shows who has this one",
            errno.EACCES: "a port above 1023",
            errno.EADDRNOTAVAIL: f"{LOOPBACK}:{port} for this machine alone, 0.0.0.0:{port} for all",
        }
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        hint = hints.get(error.errno or 0, "an address of this machine, such as 0.0.0.0")
        raise OutputFailed(f"--metrics {where} cannot be served: {error.strerror}", hint) from error
