"""Clients that mean no good: nothing hangs, nothing grows, nobody else waits."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import time
import zlib
from collections.abc import Iterator

import numpy as np
import pytest

from edge.opencv import cv2
from edge.serve.web import connection
from tests.edge.serve.processes import Serving, response_of, serve

pytestmark = pytest.mark.subprocess

PNG = {"Content-Type": "image/png"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serve(tmp_path_factory.mktemp("hostile")) as running:
        running.request("GET", "/api/state")
        yield running
        running.stop()
        assert "Traceback" not in running.said


def answers(server: Serving, within_s: float = 5.0) -> None:
    began = time.monotonic()
    assert server.request("GET", "/healthz")[0] == 200
    assert time.monotonic() - began < within_s


def test_a_thousand_connections_that_say_nothing(server: Serving, many_files: None) -> None:
    before_mb, lines = server.memory_mb, len(server.lines)
    with contextlib.ExitStack() as stack:
        for number in range(1000):
            one = stack.enter_context(server.connect())
            if number % 2:
                one.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
            if number % 100 == 99:
                answers(server)
                assert server.files < connection.MOST_CONNECTIONS + 100
        assert server.memory_mb - before_mb < 10
    deadline = time.monotonic() + 30
    while len(server.lines) < lines + 15:  # the camera goes on
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_head_that_drips_is_cut_off(server: Serving) -> None:
    with server.connect() as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        began = time.monotonic()
        with pytest.raises(ConnectionError):
            for _ in range(60):
                slow.sendall(b"X: y\r\n")
                time.sleep(0.5)
        assert time.monotonic() - began < connection.HEAD_S + 5


def test_a_viewer_who_stops_reading_is_let_go_and_slows_nobody(server: Serving) -> None:
    files = server.files
    with server.connect() as stalled, server.connect() as viewer:
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for one in (stalled, viewer):
            one.sendall(b"GET /api/stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
        viewer.recv(1000)
        stalled.recv(1000)
        assert server.files == files + 2
        seen, began = 0, time.monotonic()
        while time.monotonic() - began < connection.STALLED_S + 25 and server.files > files + 1:
            seen += viewer.recv(1 << 20).count(b"Content-Type: image/jpeg")
        assert server.files == files + 1, "the stalled viewer is still there"
        assert seen > 20


def test_a_body_without_end_is_cut_off(server: Serving) -> None:
    before_mb = server.memory_mb
    for path, content_type, status in (
        ("/api/classify", "image/png", 413),
        ("/api/classify", "multipart/form-data; boundary=x", 415),
        ("/api/label", "application/json", 404),
        ("/login", "application/x-www-form-urlencoded", 303),
        ("/api/state", "text/plain", 405),
    ):
        with server.connect() as endless:
            head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\n"
            endless.sendall(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n")
            piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
            sent = 0
            limit = 17e6 if status == 413 else 0
            with contextlib.suppress(ConnectionError):
                for _ in range(3000):
                    endless.sendall(piece)
                    sent += len(piece)
            assert sent < limit + 15e6, f"{path} took it all"
        answers(server)
        with server.connect() as one:
            one.sendall(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + 2 * piece)
            if status != 413:
                assert int(one.recv(4096).split()[1]) == status
    assert server.memory_mb - before_mb < 40  # what a picture that is too large took, and gave back


def test_a_body_that_is_never_sent_waits_alone(server: Serving) -> None:
    with server.connect() as first, server.connect() as second:
        for one in (first, second):
            one.sendall(
                b"POST /api/classify HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Type: image/png\r\nContent-Length: 9\r\n\r\n"
            )
        time.sleep(0.3)
        status, headers, _ = server.request("POST", "/api/classify", b"x", PNG)
        assert (status, headers["retry-after"]) == (429, "2")
        answers(server)
    time.sleep(0.3)
    assert server.request("POST", "/api/classify", b"x", PNG)[0] == 422  # they hung up: it is free again


def test_bodies_that_are_never_sent_make_room(server: Serving, many_files: None) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(3 * connection.MOST_CONNECTIONS):
            one = stack.enter_context(server.connect())
            one.sendall(
                b"POST /api/model HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
            )
        answers(server)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 40_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nxxxxx",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\r\n" * 2000,
        b"GET / HTTP/1.0\r\n\r\n",
    ],
    ids=range(15),
)
def test_nonsense_is_refused_and_never_a_fault_of_ours(server: Serving, request_bytes: bytes) -> None:
    with server.connect() as one:
        with contextlib.suppress(ConnectionError):
            one.sendall(request_bytes)
            one.shutdown(socket.SHUT_WR)
        status, _, _ = response_of(one)
    assert status < 500
    answers(server)


def test_a_thousand_requests_on_one_connection(server: Serving) -> None:
    with server.connect() as one:
        one.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000)
        seen = b""
        while seen.count(b"HTTP/1.1 200") < 1000:
            piece = one.recv(1 << 20)
            assert piece
            seen += piece


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def huge_png(width: int, height: int) -> bytes:
    """A small file that says it has so many pixels, grey, and really has them."""
    packer = zlib.compressobj(9)
    row = bytes(1 + width)
    content = b"".join(packer.compress(row) for _ in range(min(height, 2000))) + packer.flush()
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", content) + chunk(b"IEND", b"")


def test_a_picture_that_takes_too_much_memory_is_refused_and_the_next_is_taken(server: Serving) -> None:
    large = np.full((5000, 5900, 3), 90, np.uint8)
    status, _, _ = server.request("POST", "/api/classify", cv2.imencode(".jpg", large)[1].tobytes(), PNG)
    assert status == 200
    child = server.worker
    transparent = np.full((5000, 5900, 4), 90, np.uint16)
    content = cv2.imencode(".png", transparent)[1].tobytes()
    assert len(content) < 16 << 20
    status, _, body = server.request("POST", "/api/classify", content, PNG)
    assert (status, json.loads(body)["type"]) == (422, "urn:fmnist-edge:problem:unusable")
    assert server.request("POST", "/api/classify", b"x", PNG)[0] == 422
    assert server.worker == child


def test_a_picture_of_60_000_by_60_000_is_refused_before_it_is_decoded(server: Serving) -> None:
    before_mb = server.memory_mb
    status, _, body = server.request("POST", "/api/classify", huge_png(60_000, 60_000), PNG)
    document = json.loads(body)
    assert (status, document["type"]) == (422, "urn:fmnist-edge:problem:unusable")
    assert "million pixels" in document["hint"]
    assert server.memory_mb - before_mb < 10
