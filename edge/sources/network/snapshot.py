"""A camera that serves single pictures at an http address: asked again every interval."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager
from types import TracebackType

from edge.errors import CameraLost, SourceError
from edge.frame import Frame
from edge.sources.mjpeg import WARN_EVERY_S
from edge.sources.network.http_content import open_http
from edge.sources.network.http_request import Connection
from edge.sources.pictures import decode_image
from edge.sources.settings import SourceSettings

MOST_FAILURES = 3
LOST_S = 10.0
RETRY_S = 1.0
"""At least so long between a failure and the next request, however short the interval."""


class SnapshotSource(AbstractContextManager["SnapshotSource"]):
    """The `first` picture of an address, then a new one every `interval_s` seconds, without end.

    A picture that cannot be had is left out; a warning every WARN_EVERY_S seconds says so. Raises CameraLost after
    MOST_FAILURES in a row that took LOST_S or longer: the camera will not come back by itself. Any thread may interrupt
    it, which ends it.
    """

    def __init__(self, url: str, first: Frame, interval_s: float, settings: SourceSettings) -> None:
        self._url = url
        self._settings = settings
        self._first = first
        self.expected_gap_s = interval_s
        self._connection = Connection()
        self._interrupted = threading.Event()

    def interrupt(self) -> None:
        """End the source from another thread, even while it waits for an answer."""
        self._interrupted.set()
        self._connection.hang_up()

    def __iter__(self) -> Iterator[Frame]:
        yield self._first
        index, failures = 1, 0
        say_at_s = 0.0
        due_s = last_s = self._first.captured_at_s
        while True:
            due_s = max(due_s + self.expected_gap_s, time.monotonic())
            if self._interrupted.wait(max(0.0, due_s - time.monotonic())):
                return
            began = time.monotonic()
            try:
                frame = self._ask(index, began)
            except SourceError as error:
                if self._interrupted.is_set():
                    return
                failures += 1
                if failures >= MOST_FAILURES and began - last_s >= LOST_S:
                    raise CameraLost(f"{self._first.source} is gone: {error.message}", error.hint) from error
                if time.monotonic() >= say_at_s:
                    warnings.warn(f"{error.message}; asking again", stacklevel=1)
                    say_at_s = time.monotonic() + WARN_EVERY_S
                due_s = max(due_s, time.monotonic() + RETRY_S - self.expected_gap_s)
                continue
            last_s = frame.captured_at_s
            failures = 0
            yield frame
            index += 1

    def _ask(self, index: int, began: float) -> Frame:
        self._connection = Connection()
        if self._interrupted.is_set():
            self._connection.hang_up()
        found = open_http(self._url, self._first.source, self._connection, self._settings)
        if not isinstance(found, bytes):
            self._connection.hang_up()  # of a stream
            raise CameraLost(f"{self._first.source} gives no picture any more", "check the address in a browser")
        now = time.monotonic()
        pixels = decode_image(found, self._first.source)
        return Frame(pixels, self._first.source, index, now, (time.monotonic() - began) * 1e3, is_live=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.interrupt()
