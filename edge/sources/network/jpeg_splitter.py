"""Where the JPEGs in a stream of bytes begin and end."""

from __future__ import annotations

import re
from collections.abc import Iterator

_START = b"\xff\xd8\xff"
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a segment: TEM, RST0 to RST7
_SCAN, _END = 0xDA, 0xD9
_END_OF_SCAN = re.compile(rb"\xff[^\x00\x01\xd0-\xd7]", re.DOTALL)
"""Within a scan 0xFF is data where 0x00 follows, and restarts are no end."""


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
            with memoryview(self._buffer) as view:
                jpeg = bytes(view[:end])
            self._restart(end)
            self.gap = 0
            yield jpeg

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
                mark = _END_OF_SCAN.search(data, self._at)
                if mark is None:
                    self._at = max(self._at, len(data) - data.endswith(b"\xff"))
                    return 0
                self._at, self._in_scan = mark.start(), False
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
