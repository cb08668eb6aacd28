"""MJPEG over http, as most network cameras and the Pi's own streaming programs serve it.

OpenCV's FFmpeg reads it, too, but opens the address a second time, is slower to say that a camera is gone, and passes
cut-off JPEGs off as whole ones, their lower parts grey.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from itertools import chain
from types import TracebackType

from edge.errors import CameraLost, ImageUnreadable
from edge.frame import Frame
from edge.sources.mjpeg import CHUNK_BYTES, decode_stream
from edge.sources.network.http_request import Answer

FRAME_S = 10.0
"""A camera on a bad line may need seconds for a frame; one that sends a byte a second is lost."""

_LOST_HINT = "check its cable, power and network"


class NetworkMjpegSource(AbstractContextManager["NetworkMjpegSource"]):
    """Frames of a network camera that sends JPEGs one after the other (multipart/x-mixed-replace, or bare).

    Reads on in an answer that is open already, after the chunks that were read of it `before`. Any thread may
    interrupt it, which ends it. Raises CameraLost when the stream ends, stalls or holds no frame that can be read.
    """

    def __init__(self, answer: Answer, name: str, before: Iterable[bytes]) -> None:
        self._answer = answer
        self._name = name
        self._before = before
        self._waited_s = 0.0
        self._interrupted = False

    def interrupt(self) -> None:
        """End the stream from another thread, even while it waits for bytes."""
        self._interrupted = True
        self._answer.connection.hang_up()

    def __iter__(self) -> Iterator[Frame]:
        count = 0
        try:
            for frame in decode_stream(chain(self._before, self._chunks()), self._name, self._name, is_live=True):
                count, self._waited_s = count + 1, 0.0
                yield frame
        except ImageUnreadable as error:
            if not self._interrupted:
                raise CameraLost(error.message, "check the address in a browser") from error
            return
        if not self._interrupted:
            raise CameraLost(f"{self._name} stopped delivering frames after {count}", _LOST_HINT)

    def _chunks(self) -> Iterator[bytes]:
        """What comes, until it ends. Raises CameraLost."""
        while True:
            began = time.monotonic()
            try:
                chunk = self._answer.read1(CHUNK_BYTES)
            except OSError as error:
                if self._interrupted:
                    return
                raise CameraLost(f"{self._name} stopped delivering frames: {error}", _LOST_HINT) from error
            if not chunk:
                return
            self._waited_s += time.monotonic() - began
            yield chunk
            if self._waited_s > FRAME_S:
                raise CameraLost(f"{self._name} delivered no whole frame in {FRAME_S:.0f} s", _LOST_HINT)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.interrupt()
        self._answer.__exit__(kind, error, trace)
