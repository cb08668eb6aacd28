"""A stream of JPEGs on standard input or in a named pipe, as `rpicam-vid --codec mjpeg -o -` writes it."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import IO

from edge.errors import ImageUnreadable
from edge.frame import Frame
from edge.sources.pictures import MAX_FILE_BYTES, decode_image

MAX_FRAME_BYTES = 64 << 20
MAX_GAP_BYTES = 1 << 20
"""So much between two JPEGs is no stream of them. A multipart stream has headers there."""

_CHUNK_BYTES = 1 << 16
_START = b"\xff\xd8\xff"
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a segment: TEM, RST0 to RST7
_SCAN, _END = 0xDA, 0xD9


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
        while start and len(start) < len(_START) and (more := self._read()):
            start += more
        if not start.startswith((b"\xff\xd8", b"--")):
            rest = self._pipe.read(MAX_FILE_BYTES + 1 - len(start)) if start else b""
            pixels = decode_image(start + rest, self._called)
            now = time.monotonic()
            yield Frame(pixels, self._name, 0, now, (now - began) * 1e3)
            return
        index = 0
        reason: ImageUnreadable | None = None
        for jpeg in self._jpegs(start):
            began = time.monotonic()
            try:
                pixels = decode_image(jpeg, self._called)
            except ImageUnreadable as error:
                reason = reason or error
                warnings.warn(f"a damaged frame after frame {index} is left out: {error.message}", stacklevel=2)
                continue
            now = time.monotonic()
            yield Frame(pixels, self._name, index, now, (now - began) * 1e3)
            index += 1
        if not index:
            raise reason or ImageUnreadable(f"{self._called} holds no JPEG", "is it a picture or MJPEG?")

    def _jpegs(self, content: bytes) -> Iterator[bytes]:
        """Whole JPEGs; what is left over at the end comes last, for the decoder to say what is wrong with it."""
        splitter = JpegSplitter()
        while content:
            yield from splitter.feed(content)
            if splitter.gap > MAX_GAP_BYTES or splitter.pending > MAX_FRAME_BYTES:
                raise ImageUnreadable(f"{self._called} is no stream of JPEGs", "try rpicam-vid --codec mjpeg -o -")
            content = self._read()
        if splitter.rest:
            yield splitter.rest

    def _read(self) -> bytes:
        """What is there, at least a byte; nothing at the end."""
        read_at_once = getattr(self._pipe, "read1", self._pipe.read)
        content: bytes = read_at_once(_CHUNK_BYTES)
        return content

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._closes:
            self._pipe.close()


class JpegSplitter:
    """Finds where JPEGs end, by their markers and the lengths of their segments.

    Searching for the end marker alone would stop at the end of a thumbnail within EXIF. ITU-T T.81, annex B.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0  # how far the JPEG at the buffer's start is understood; 0 while its start is searched
        self._in_scan = False
        self.gap = 0
        """Bytes since the last JPEG that belong to none."""

    @property
    def pending(self) -> int:
        """Bytes that wait for more."""
        return len(self._buffer)

    @property
    def rest(self) -> bytes:
        """A JPEG that has begun and not ended."""
        return bytes(self._buffer) if self._at else b""

    def feed(self, content: bytes) -> Iterator[bytes]:
        """Take more of the stream; give the JPEGs that are whole now."""
        self._buffer += content
        while self._find_start() and (end := self._find_end()):
            yield bytes(self._buffer[:end])
            self._restart(end)
            self.gap = 0

    def _restart(self, at: int) -> None:
        del self._buffer[:at]
        self._at, self._in_scan = 0, False

    def _find_start(self) -> bool:
        if self._at:
            return True
        found = self._buffer.find(_START)
        # The last two bytes may be the beginning of a start.
        before = found if found >= 0 else max(0, len(self._buffer) - len(_START) + 1)
        self.gap += before
        del self._buffer[:before]
        self._at = 2 if found >= 0 else 0
        return found >= 0

    def _find_end(self) -> int:
        """Where the JPEG at the start ends; 0 if more is needed. A broken one ends where the next one starts."""
        data = self._buffer
        while True:
            if self._in_scan:
                mark = data.find(b"\xff", self._at)
                if mark < 0 or mark + 1 >= len(data):
                    self._at = len(data) if mark < 0 else mark
                    return 0
                if data[mark + 1] == 0 or data[mark + 1] in _STANDALONE:  # a stuffed byte of data, or a restart
                    self._at = mark + 2
                    continue
                self._at, self._in_scan = mark, False
            if self._at + 4 > len(data) and not data.startswith(bytes((0xFF, _END)), self._at):
                return 0
            marker = data[self._at + 1]
            if data[self._at] != 0xFF or marker == 0xD8:
                following = data.find(_START, max(3, self._at - 2))
                return max(following, 0)
            if marker == 0xFF:
                self._at += 1  # fill
            elif marker == _END:
                return self._at + 2
            elif marker in _STANDALONE:
                self._at += 2
            else:
                size = 2 + int.from_bytes(data[self._at + 2 : self._at + 4], "big")
                if self._at + size > len(data):
                    return 0
                self._at += size
                self._in_scan = marker == _SCAN
