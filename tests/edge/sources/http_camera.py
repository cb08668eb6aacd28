"""A network camera on 127.0.0.1: MJPEG as real ones send it, and the ways in which they fail."""

from __future__ import annotations

import hashlib
import ssl
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from edge.opencv import cv2
from edge.testing import FakeSource

FRAMES = [cv2.imencode(".jpg", FakeSource.draw(number))[1].tobytes() for number in range(5)]
BASIC = "Basic YWRtaW46cEBzcw=="  # admin:p@ss
STALL_S = 60.0
ASKED: dict[str, int] = {}
"""How often a /count/ address was asked."""


class _Camera(BaseHTTPRequestHandler):
    """/snap.jpg one picture of unstated length; /login.jpg the same behind a password, /digest.jpg behind another;
    /octets and /untyped the same, called something else; /page and /page.jpg a login page;
    /stream.mjpg endless; /drop ends, /stall hangs and /frozen repeats itself after five frames.
    """

    def do_GET(self) -> None:
        if self.path == "/login.jpg" and self.headers["Authorization"] != BASIC:
            self.send_error(403)
        elif self.path == "/basic.jpg" and self.headers["Authorization"] != BASIC:
            self._ask('Basic realm="camera"')
        elif self.path == "/digest.jpg" and not self._knows_digest():
            self._ask('Digest realm="camera", nonce="abc", qop="auth", algorithm=MD5')
        elif self.path.startswith("/count/"):
            self._count()
        elif self.path in {"/page", "/page.jpg"}:
            self._send_header("text/html" if self.path == "/page" else "image/jpeg")
            self.wfile.write(b"\n<!DOCTYPE html><html><body>Log in</body></html>")
        elif self.path in {"/octets", "/untyped", "/basic.jpg", "/digest.jpg"}:
            self._send_header({"/octets": "application/octet-stream", "/untyped": None}.get(self.path, "image/jpeg"))
            self.wfile.write(FRAMES[0])
        elif self.path in {"/snap.jpg", "/login.jpg"}:
            self._send_header("image/jpeg")
            self.wfile.write(FRAMES[0])
        elif self.path in {"/stream.mjpg", "/drop", "/stall", "/frozen"}:
            self._send_header("multipart/x-mixed-replace; boundary=frame")
            self._stream()
        else:
            self.send_error(404)

    def _send_header(self, kind: str | None) -> None:
        self.send_response(200)
        if kind is not None:
            self.send_header("Content-Type", kind)
        self.end_headers()

    def _count(self) -> None:
        """A new picture at each request; the requests whose digit in the path is 0 fail, and after those all do."""
        script = self.path.rpartition("/")[2]
        number = ASKED[self.path] = ASKED.get(self.path, -1) + 1
        if script[number : number + 1] == "1":
            self._send_header("image/jpeg")
            self.wfile.write(FRAMES[number % len(FRAMES)])
        else:
            self.send_error(503)

    def _ask(self, challenge: str) -> None:
        self.send_response(401)
        self.send_header("WWW-Authenticate", challenge)
        self.end_headers()

    def _knows_digest(self) -> bool:
        """Whether the request proves the password of admin, as RFC 7616 has it."""
        scheme, _, rest = (self.headers["Authorization"] or "").partition(" ")
        if scheme != "Digest":
            return False
        given = urllib.request.parse_keqv_list(urllib.request.parse_http_list(rest))
        secret, request = (hashlib.md5(text.encode()).hexdigest() for text in ("admin:camera:p@ss", f"GET:{self.path}"))
        proof = f"{secret}:abc:{given['nc']}:{given['cnonce']}:auth:{request}"
        return given["response"] == hashlib.md5(proof.encode()).hexdigest()

    def _stream(self) -> None:
        number = 0
        try:
            while number < 5 or self.path != "/drop":
                if number == 5 and self.path == "/stall":
                    time.sleep(STALL_S)
                jpeg = FRAMES[4 if self.path == "/frozen" and number > 4 else number % len(FRAMES)]
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                self.wfile.write(head.encode() + jpeg + b"\r\n")
                number += 1
                time.sleep(0.05)
        except OSError:
            return  # the viewer went away

    def log_message(self, *_arguments: object) -> None:
        """Silence."""


@contextmanager
def http_camera(tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """The camera's address, while it runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Camera)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
