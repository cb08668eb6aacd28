"""An RTSP camera on 127.0.0.1: JPEG over RTP (RFC 2435) interleaved in the RTSP connection (RFC 2326, 10.12)."""

from __future__ import annotations

import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from edge.opencv import cv2
from edge.testing import FakeSource

WIDTH, HEIGHT = 320, 240
CHUNK = 1200
FRAMES_BEFORE_LOSS = 20
SDP = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\na=control:track\r\n"


def _scan_and_tables(number: int) -> tuple[bytes, bytes]:
    """The entropy-coded scan of a test frame, and its two quantisation tables."""
    small = cv2.resize(FakeSource.draw(number), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    jpeg = cv2.imencode(".jpg", small)[1].tobytes()
    tables, place = b"", 2
    while True:
        marker, length = struct.unpack_from(">HH", jpeg, place)
        if marker == 0xFFDB:
            tables += jpeg[place + 5 : place + 2 + length]
        place += 2 + length
        if marker == 0xFFDA:
            return jpeg[place:-2], tables


def rtp_packets(number: int, sequence: int) -> Iterator[bytes]:
    """One frame as RTP packets: type 1 (4:2:0), quantisation tables in the first packet (Q = 255)."""
    scan, tables = _scan_and_tables(number)
    for offset in range(0, len(scan), CHUNK):
        last = offset + CHUNK >= len(scan)
        header = struct.pack(">BBHII", 0x80, 26 | (0x80 if last else 0), sequence & 0xFFFF, number * 9000, 7)
        jpeg = struct.pack(">IBBBB", offset, 1, 255, WIDTH // 8, HEIGHT // 8)
        quantisation = struct.pack(">BBH", 0, 0, len(tables)) + tables if offset == 0 else b""
        yield header + jpeg + quantisation + scan[offset : offset + CHUNK]
        sequence += 1


class _Camera(socketserver.StreamRequestHandler):
    """Answers a client's requests, then sends frames until the loss or the end."""

    def handle(self) -> None:
        try:
            while (request := self._read_request()) is not None:
                method, headers = request
                self._answer(method, headers)
                if method == "PLAY":
                    self._play()
                    return
        except OSError:
            return  # the viewer went away

    def _read_request(self) -> tuple[str, dict[str, str]] | None:
        lines = []
        while line := self.rfile.readline().decode().strip():
            lines.append(line)
        if not lines:
            return None
        pairs = (line.partition(":") for line in lines[1:])
        return lines[0].split()[0], {name.lower(): value.strip() for name, _, value in pairs}

    def _answer(self, method: str, headers: dict[str, str]) -> None:
        extra, body, status = "", "", "200 OK"
        if method == "OPTIONS":
            extra = "Public: DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
        elif method == "DESCRIBE":
            extra, body = f"Content-Type: application/sdp\r\nContent-Length: {len(SDP)}\r\n", SDP
        elif method == "SETUP" and "TCP" not in headers["transport"]:
            status = "461 Unsupported transport"  # the client asks for UDP first, and then again
        elif method == "SETUP":
            extra = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n"
        elif method == "PLAY":
            extra = "Session: 1\r\n"
        self.wfile.write(f"RTSP/1.0 {status}\r\nCSeq: {headers['cseq']}\r\n{extra}\r\n{body}".encode())

    def _play(self) -> None:
        sequence = 0
        for number in range(FRAMES_BEFORE_LOSS):
            for packet in rtp_packets(number, sequence):
                self.wfile.write(b"$\x00" + struct.pack(">H", len(packet)) + packet)
                sequence += 1
            time.sleep(0.05)


class _Server(socketserver.ThreadingTCPServer):
    tls: ssl.SSLContext | None = None

    def finish_request(self, request: socket.socket, client_address: tuple[str, int]) -> None:  # type: ignore[override]
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        with suppress(OSError), self.tls.wrap_socket(request, server_side=True) as encrypted:
            super().finish_request(encrypted, client_address)


@contextmanager
def rtsp_camera(tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """The camera's address, while it runs; it hangs up after FRAMES_BEFORE_LOSS frames."""
    with _Server(("127.0.0.1", 0), _Camera) as server:
        server.tls = tls
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"{'rtsp' if tls is None else 'rtsps'}://127.0.0.1:{server.server_address[1]}/live"
        server.shutdown()
