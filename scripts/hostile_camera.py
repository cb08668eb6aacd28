"""A network camera on 127.0.0.1 that fails in every way that real ones do, and remembers when.

It sends MJPEG over http. A `Fault` is a way to fail; `play` tells when one began and when the camera was well again, on
the monotonic clock that all processes share.
"""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from itertools import cycle
from pathlib import Path

import numpy as np

from edge.opencv import cv2

SAMPLES = sorted((Path(__file__).resolve().parents[1] / "edge" / "samples").glob("*.png"))


class Fault(StrEnum):
    """Ways to fail. Those of `HARMLESS` are over before anybody should call the camera lost."""

    DROP = "drop"
    """Hangs up, and hangs up on everybody who calls."""
    RESTART = "restart"
    """Is gone: nobody listens at its port."""
    STALL = "stall"
    """Sends nothing for a while, then goes on where it was; who calls meanwhile waits."""
    DEAD = "dead"
    """Sends nothing any more to those who are connected, though it never hangs up."""
    FREEZE = "freeze"
    """Sends one and the same picture."""
    BLACK = "black"
    TRUNCATED = "truncated"
    """Cuts its JPEGs off."""
    GARBAGE = "garbage"
    """Sends noise for JPEGs."""
    REFUSED = "refused"
    """Answers 401."""
    UNAVAILABLE = "unavailable"
    """Answers 503."""
    LOGIN_PAGE = "login_page"
    """Answers with a web page."""
    SLOW_LORIS = "slow_loris"
    """Sends a byte now and then."""
    HICCUP = "hiccup"
    """Sends nothing for half a second."""
    ONE_BAD_FRAME = "one_bad_frame"
    ONE_BLACK_FRAME = "one_black_frame"
    OTHER_SIZE = "other_size"
    """Goes on with frames of another size."""


HARMLESS = frozenset({Fault.HICCUP, Fault.ONE_BAD_FRAME, Fault.ONE_BLACK_FRAME, Fault.OTHER_SIZE})
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=f\r\n\r\n"
_ANSWERS = {
    Fault.REFUSED: b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="c"\r\nContent-Length: 0\r\n\r\n',
    Fault.UNAVAILABLE: b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
    Fault.LOGIN_PAGE: b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>Log in</html>",
}


@dataclass(frozen=True, slots=True)
class Truth:
    """A fault that happened: seconds on the monotonic clock of the last good frame before it and of its end."""

    fault: Fault
    began_s: float
    ended_s: float


def jpeg_of(sample: Path, side: int = 28) -> bytes:
    """A bundled sample as a JPEG."""
    pixels = cv2.imread(str(sample), cv2.IMREAD_GRAYSCALE)
    resized = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".jpg", resized, [cv2.IMWRITE_JPEG_QUALITY, 98])[1])


class HostileCamera:
    """The camera; `speed` is how many times as fast as real its time passes."""

    def __init__(self, speed: float = 1.0, frames_per_s: float = 30.0) -> None:
        self._speed = speed
        self._gap_s = 1 / (frames_per_s * speed)
        self._fault: Fault | None = None
        self._number = 0  # of connections: a dead one is told from those after it
        self._dead_below = 0
        self._frames = [jpeg_of(sample) for sample in SAMPLES]
        self._large = [jpeg_of(sample, 56) for sample in SAMPLES]
        self._newest = self._frames[0]
        self._black = bytes(cv2.imencode(".jpg", np.zeros((28, 28, 3), np.uint8))[1])
        self._last_good_s = time.monotonic()
        self.sent = 0
        """Good frames sent so far."""
        self._listener: socket.socket | None = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    @property
    def address(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/stream.mjpg"

    def play(self, fault: Fault, well_s: float, ill_s: float) -> Truth:
        """Be well for a time, fail for a time, be well again; seconds of the camera's own time."""
        time.sleep(well_s / self._speed)
        if fault in HARMLESS:
            ill_s = 0.5
        began_s = self._last_good_s
        self._fault = fault
        if fault is Fault.RESTART:
            self._vanish()
        elif fault in {Fault.DROP, *_ANSWERS}:
            self._hang_up()
        elif fault is Fault.DEAD:
            self._dead_below = self._number + 1
        time.sleep(ill_s / self._speed)
        if fault is Fault.RESTART:
            self._appear()
        self._fault = None
        return Truth(fault, began_s, time.monotonic())

    def close(self) -> None:
        """Hang up for good."""
        self._vanish()

    def _vanish(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes accept
            listener.close()
        self._hang_up()

    def _appear(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _hang_up(self) -> None:
        for one in list(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                self._number += 1
                threading.Thread(target=self._serve, args=(connection, self._number), daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        self._open.add(connection)
        with suppress(OSError), connection:
            connection.settimeout(30)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.recv(4096)
            if self._fault in {Fault.DROP, Fault.RESTART}:
                return
            while self._fault in {Fault.STALL, Fault.DEAD, Fault.SLOW_LORIS}:
                time.sleep(self._gap_s)
                if _has_left(connection):
                    break
            if self._fault in _ANSWERS:
                connection.sendall(_ANSWERS[self._fault])
                return
            connection.sendall(_HEAD)
            for content in self._contents(number):
                if content:
                    connection.sendall(content)
                elif _has_left(connection):
                    break
        self._open.discard(connection)

    def _contents(self, number: int) -> Iterator[bytes]:
        """What a connection is sent, at the camera's pace; nothing where it is silent."""
        due_s = time.monotonic()
        bad_sent = 0
        for frame, large in cycle(zip(self._frames, self._large, strict=True)):
            due_s = max(due_s + self._gap_s, time.monotonic() - 0.1)
            time.sleep(max(0.0, due_s - time.monotonic()))
            fault = self._fault
            bad_sent = bad_sent + 1 if fault in {Fault.ONE_BAD_FRAME, Fault.ONE_BLACK_FRAME} else 0
            if number < self._dead_below or fault in {Fault.STALL, Fault.DEAD, Fault.HICCUP}:
                yield b""
            elif fault is Fault.FREEZE:
                yield _part(self._newest)
            elif fault is Fault.BLACK or (fault is Fault.ONE_BLACK_FRAME and bad_sent == 1):
                yield _part(self._black)
            elif fault is Fault.TRUNCATED or (fault is Fault.ONE_BAD_FRAME and bad_sent == 1):
                yield _part(frame[: len(frame) // 2])
            elif fault is Fault.GARBAGE:
                yield _part(bytes(reversed(frame)))
            elif fault is Fault.SLOW_LORIS:
                yield b"\xff"
            else:
                self._newest = large if fault is Fault.OTHER_SIZE else frame
                yield _part(self._newest)
                self.sent += 1
                self._last_good_s = time.monotonic()


def _has_left(connection: socket.socket) -> bool:
    """Whether the viewer has hung up."""
    readable, _, _ = select.select([connection], [], [], 0)
    return bool(readable) and not connection.recv(1, socket.MSG_PEEK)


def _part(jpeg: bytes) -> bytes:
    return b"--f\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(jpeg), jpeg)
