"""Streams of JPEGs, and those that come through a pipe, as `rpicam-vid --codec mjpeg -o -` writes them."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from itertools import chain
from types import TracebackType
from typing import IO

from edge.errors import ImageUnreadable
from edge.frame import Frame
from edge.sources.network.jpeg_splitter import JpegSplitter
from edge.sources.pictures import MAX_FILE_BYTES, decode_image

MAX_FRAME_BYTES = 64 << 20
MAX_GAP_BYTES = 1 << 20
"""So much between two JPEGs is no stream of them. A multipart stream has headers there."""

CHUNK_BYTES = 1 << 16
WARN_EVERY_S = 10.0
"""A camera with a bad cable damages frames for weeks; nobody reads 30 warnings a second."""


def decode_stream(chunks: Iterable[bytes], name: str, called: str, *, is_live: bool) -> Iterator[Frame]:
    """The JPEGs in a stream of bytes as Frames of the source `name`, each as soon as its last byte is there.

    A frame that is damaged or cut off is left out; a warning every WARN_EVERY_S seconds says how many. Raises
    ImageUnreadable, naming the stream as it is `called`, if there is no frame in it, or no end to what is not JPEG.
    """
    damage = DamagedFrames()
    index = 0
    for jpeg, arrived_s in _split(chunks, called, with_rest=not is_live):
        began = time.monotonic()
        try:
            pixels = decode_image(jpeg, called)
        except ImageUnreadable as error:
            damage.add(error, index)
            continue
        yield Frame(pixels, name, index, arrived_s, (time.monotonic() - began) * 1e3, is_live=is_live)
        index += 1
    damage.say()
    if not index:
        raise damage.first or ImageUnreadable(f"{called} holds no JPEG", "is it a picture or MJPEG?")


def _split(chunks: Iterable[bytes], called: str, *, with_rest: bool) -> Iterator[tuple[bytes, float]]:
    """Each JPEG with the time at which its last byte came; at the end what is left over, if that is wanted."""
    splitter = JpegSplitter()
    arrived_s = 0.0
    for chunk in chunks:
        arrived_s = time.monotonic()
        for jpeg in splitter.feed(chunk):
            yield jpeg, arrived_s
        if splitter.gap > MAX_GAP_BYTES or splitter.pending > MAX_FRAME_BYTES:
            raise ImageUnreadable(f"{called} is no stream of JPEGs", "try rpicam-vid --codec mjpeg -o -")
    if with_rest and splitter.rest:
        yield splitter.rest, arrived_s


class DamagedFrames:
    """Counts the frames of a stream that are left out, and warns of them now and then."""

    def __init__(self) -> None:
        self.first: ImageUnreadable | None = None
        self._unsaid = 0
        self._last = (0, "")
        self._say_at_s = 0.0

    def add(self, error: ImageUnreadable, index: int) -> None:
        """Count a frame that came after `index` good ones."""
        self.first = self.first or error
        self._unsaid += 1
        self._last = (index, error.message)
        if time.monotonic() >= self._say_at_s:
            self.say()

    def say(self) -> None:
        """Warn of the frames that no warning has told yet."""
        if not self._unsaid:
            return
        index, why = self._last
        if self._unsaid == 1:
            told = f"a damaged frame after frame {index} is left out: {why}"
        else:
            told = f"{self._unsaid} damaged frames are left out, the last after frame {index}: {why}"
        warnings.warn(told, stacklevel=1)
        self._unsaid = 0
        self._say_at_s = time.monotonic() + WARN_EVERY_S


class PipeSource(AbstractContextManager["PipeSource"]):
    """Frames of a pipe: one picture of any format, or JPEGs one after the other until it ends.

    Every frame is given, and as soon as its last byte is there. Raises ImageUnreadable if there is none; a damaged
    frame among others is left out with a warning.
    """

    def __init__(self, pipe: IO[bytes], name: str, *, closes: bool = True) -> None:
        self._pipe = pipe
        self._name = name
        self._called = "standard input" if name == "-" else name
        self._closes = closes

    def __iter__(self) -> Iterator[Frame]:
        began = time.monotonic()
        start = self._read()
        while start and len(start) < 3 and (more := self._read()):
            start += more
        if start.startswith((b"\xff\xd8", b"--")):
            yield from decode_stream(chain([start], iter(self._read, b"")), self._name, self._called, is_live=False)
            return
        rest = self._pipe.read(MAX_FILE_BYTES + 1 - len(start)) if start else b""
        pixels = decode_image(start + rest, self._called)
        now = time.monotonic()
        yield Frame(pixels, self._name, 0, now, (now - began) * 1e3)

    def _read(self) -> bytes:
        """What is there, at least a byte; nothing at the end."""
        read_at_once = getattr(self._pipe, "read1", self._pipe.read)
        content: bytes = read_at_once(CHUNK_BYTES)
        return content

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._closes:
            self._pipe.close()
