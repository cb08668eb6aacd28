"""A thread that reads a source and keeps only its newest frame."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from edge.errors import CameraLost, SourceError

if TYPE_CHECKING:
    from edge.frame import Frame, FrameSource


class FrameReader:
    """Opens a source and reads it in a thread of its own, which nobody else waits for.

    Of a live source only the newest frame is kept: one that was not taken in time is dropped, and counted. Frames of
    files wait until they are taken. The source is opened, read and closed in the thread: where the driver blocks,
    only the thread hangs.
    """

    def __init__(self, open_source: Callable[[], FrameSource]) -> None:
        self._open = open_source
        self._changed = threading.Condition()
        self._newest: Frame | None = None
        self._dropped = 0
        self._ended = False
        self._abandoned = False
        self._error: BaseException | None = None
        self._source: object = None
        self.repeats_still_scenes = False
        """Whether the stream is coded so that a scene without motion gives equal frames."""
        self.expected_gap_s = 0.0
        """Seconds between two frames, where the source was asked for them at intervals."""
        self.is_live = True
        self._thread = threading.Thread(target=self._read, name="camera", daemon=True)
        self._thread.start()

    @property
    def has_ended(self) -> bool:
        """Whether the source has given its last frame, and that was taken."""
        return self._ended and self._newest is None

    @property
    def dropped(self) -> int:
        """Frames so far that were replaced by a newer one before anybody took them."""
        return self._dropped

    def take(self, timeout_s: float) -> Frame | None:
        """The newest frame, as soon as there is one; None if none came in time, or the source `has_ended`.

        Raises the SourceError that ended it, which for a live source is CameraLost.
        """
        with self._changed:
            if self._newest is None and not self._ended:
                self._changed.wait(timeout_s)
            frame, self._newest = self._newest, None
            if frame is not None:
                self._changed.notify_all()
                return frame
            if self._error is not None:
                raise self._error
            return None

    def abandon(self) -> None:
        """Want no more frames. The thread closes the source when it next gets a word in, and ends."""
        with self._changed:
            self._abandoned = True
            self._newest = None
            self._changed.notify_all()
        interrupt = getattr(self._source, "interrupt", None)  # a read from the network can be woken, a driver's cannot
        if interrupt is not None:
            interrupt()

    def join(self, timeout_s: float) -> bool:
        """Wait until the thread has closed the source; whether it did in time."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _read(self) -> None:
        error: BaseException | None = None
        try:
            with self._open() as frames:
                self._source = frames
                self.repeats_still_scenes = getattr(frames, "repeats_still_scenes", False)
                self.expected_gap_s = getattr(frames, "expected_gap_s", 0.0)
                for frame in frames:
                    if not self._put(frame):
                        return
                if self.is_live:
                    error = CameraLost("the stream has ended", "check its cable, power and network")
        except SourceError as failure:
            error = failure
        except Exception as bug:
            error = bug
        finally:
            with self._changed:
                self._ended, self._error = True, error
                self._changed.notify_all()

    def _put(self, frame: Frame) -> bool:
        """Leave a frame to be taken; whether more are wanted."""
        with self._changed:
            self.is_live = frame.is_live
            while self._newest is not None and not frame.is_live and not self._abandoned:
                self._changed.wait()
            if self._abandoned:
                return False
            self._dropped += self._newest is not None
            self._newest = frame
            self._changed.notify_all()
        return True
