"""A web server on 127.0.0.1 with a picture, and the ways in which it is not had."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from edge.opencv import cv2
from edge.testing import FakeSource
from tests.edge.tables import SAMPLES

JPEG = cv2.imencode(".jpg", FakeSource.draw(1))[1].tobytes()


class _Pictures(BaseHTTPRequestHandler):
    """/bag/N.png a sample; /photo.jpg; /truncated.jpg; /page; /slow.png sends a byte and no more.

    /busy.png is busy once, /broken.png for ever; everything else is not there.
    """

    asked: Counter[str]

    def do_GET(self) -> None:
        self.asked[self.path] += 1
        bag = SAMPLES["bag"].read_bytes()
        if self.path.startswith("/bag/") or (self.path == "/busy.png" and self.asked[self.path] > 1):
            self._send("image/png", bag)
        elif self.path == "/photo.jpg":
            self._send("image/jpeg", JPEG)
        elif self.path == "/truncated.jpg":
            self._send("image/jpeg", JPEG[: len(JPEG) // 2])
        elif self.path == "/page":
            self._send("text/html", b"<!doctype html><p>Log in</p>")
        elif self.path == "/slow.png":
            self._send("image/png", bag[:1], len(bag))
            time.sleep(60)
        else:
            self.send_error(503 if self.path in {"/busy.png", "/broken.png"} else 404)

    def _send(self, kind: str, content: bytes, length: int | None = None) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length or len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@contextmanager
def pictures_server() -> Iterator[tuple[str, Counter[str]]]:
    """The address of a server, and how often each of its paths was asked for."""
    asked: Counter[str] = Counter()

    class Pictures(_Pictures):
        pass

    Pictures.asked = asked
    with ThreadingHTTPServer(("127.0.0.1", 0), Pictures) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
