"""A live source that is lost and comes back: noticed, reported, and opened again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from math import inf
from typing import TYPE_CHECKING, Protocol

from edge.errors import CameraLost, SourceError
from edge.sources.frame_reader import FrameReader
from edge.sources.liveness import FROZEN_HINT, Sameness, mark_black, marked

if TYPE_CHECKING:
    from types import TracebackType

    from edge.frame import Frame, FrameSource


class Loss(StrEnum):
    """Why a live source gives nothing that can be classified."""

    NOT_FOUND = "not_found"
    """It could not be opened at the start."""
    ENDED = "ended"
    """The stream ended, the connection broke, or the driver reported an error."""
    STALLED = "stalled"
    """No frame came in time."""
    FROZEN = "frozen"
    """One and the same frame comes again and again."""
    BLACK = "black"
    """The frames are black."""


@dataclass(frozen=True, slots=True)
class WatchLimits:
    """After how long a live source counts as lost, and how soon it is opened again; all in seconds."""

    stalled_s: float = 1.7
    """Without a frame; or four times the usual gap between two, if that is longer."""
    frozen_s: float = 1.8
    frozen_coded_s: float = 5.0
    """For streams that code differences, such as H.264: they may repeat a still scene to the bit."""
    black_s: float = 1.8
    patience_s: float = 1.0
    """So long after a stall the connection may still go on, before a new one is tried."""
    start_s: float = 15.0
    """From the first opening to the first frame: a network camera may wait ten seconds for its key frame."""
    attempt_s: float = 2.5
    """The same of a later opening; every third one may take twice as long as the third before, up to `start_s`."""
    pause_first_s: float = 0.25
    pause_most_s: float = 1.5
    """Between two openings: doubled from one to the next, and between half and all of it, by chance."""
    settled_s: float = 5.0
    """So long a connection must have worked before the pauses begin at the shortest again."""
    tick_s: float = 0.1
    """How often the watcher looks up while it waits."""

    def compressed(self, factor: float) -> WatchLimits:
        """The same limits where time passes `factor` times as fast (scripts/soak)."""
        return WatchLimits(**{field.name: getattr(self, field.name) / factor for field in fields(self)})


UNWATCHED = WatchLimits(stalled_s=5.0, frozen_s=10.0, frozen_coded_s=10.0, black_s=inf, patience_s=0.0)
"""For `--retry 0`: a loss ends the run, so it is not declared lightly. Black frames are marked, not lost."""

DEFAULT_LIMITS = WatchLimits()


class CameraObserver(Protocol):
    """Is told, in the thread that takes the frames, when a live source is lost and when it is back."""

    def lost(self, source: str, loss: Loss, error: SourceError) -> None:
        """The source gives nothing more; `error` has the reason and the hint."""
        ...

    def back(self, source: str, away_s: float, attempts: int) -> None:
        """A usable frame is there again, `away_s` seconds after the last one; so many times it was opened."""
        ...

    def tick(self) -> None:
        """Called for each frame, and every tenth of a second while there is none: do now what must not wait.

        A frame may go no further than a filter (--motion, --interval), so this is the only call that always comes.
        """
        ...


class _Nobody:
    """Does nothing about a loss."""

    def lost(self, source: str, loss: Loss, error: SourceError) -> None:
        pass

    def back(self, source: str, away_s: float, attempts: int) -> None:
        pass

    def tick(self) -> None:
        pass


NOBODY = _Nobody()


class _Gone(Exception):
    """A connection that is to be given up."""

    def __init__(self, loss: Loss, error: SourceError) -> None:
        super().__init__(error)
        self.loss = loss
        self.error = error


_MOST_HANGING = 32
"""So many threads that hang in a driver are left behind; the next opening waits until one of them ends."""


class LiveSource:
    """Frames of a camera or a network stream that is watched from outside.

    Opening and reading happen in a thread (frame_reader), which may hang. A source that ends, stalls, freezes or goes
    black is reported to the observer and opened again, `retry` times or, where that is None, until it is back. With 0 a
    loss is an error. What an address turns out to be a picture or file ends as it would without this.

    Raises the SourceError of the first opening, unless `waits_at_start`, and CameraLost when the retries are used up.
    """

    def __init__(
        self,
        open_source: Callable[[], FrameSource],
        name: str,
        observer: CameraObserver,
        *,
        retry: int | None = None,
        waits_at_start: bool = False,
        limits: WatchLimits = DEFAULT_LIMITS,
    ) -> None:
        self._open = open_source
        self._name = name
        self._observer = observer
        self._retry = retry
        self._waits_at_start = waits_at_start
        self._limits = limits
        self._reader: FrameReader | None = None
        self._hanging: list[FrameReader] = []
        self._sameness = Sameness()
        self._loss: Loss | None = None
        self._ever_usable, self._last_usable_s = False, 0.0
        self._openings = 0  # since the source was last usable for a while
        self._openings_before = 0  # the loss, if it has not been usable for a while since the one before
        self._gap_s = 0.0
        self._next_index = 0

    def __enter__(self) -> LiveSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close_reader()
        deadline_s = time.monotonic() + self._limits.stalled_s
        for reader in self._hanging:
            reader.join(max(0.0, deadline_s - time.monotonic()))

    def __iter__(self) -> Iterator[Frame]:
        self._last_usable_s = time.monotonic()
        while True:
            try:
                yield from self._connection()
            except _Gone as gone:
                self._close_reader()
                self._lose(gone.loss, gone.error)
                if self._retry is not None and self._openings >= self._retry:
                    raise self._final(gone.error) from gone.error
                self._pause()
            else:
                return

    def _connection(self) -> Iterator[Frame]:
        """Open the source, and give its frames until it ends. Raises _Gone."""
        reader = self._reader = FrameReader(self._open)
        self._sameness.count_anew()
        opened_s = last_s = time.monotonic()
        first_index = self._next_index
        taken = dropped = 0
        while True:
            try:
                frame = reader.take(self._limits.tick_s)
            except SourceError as error:
                raise _Gone(Loss.ENDED if self._ever_usable else Loss.NOT_FOUND, error) from error
            now = time.monotonic()
            if frame is None and reader.has_ended:
                return
            self._observer.tick()
            if frame is None:
                self._check_silence(reader, now - last_s, taken)
                continue
            if not frame.is_live:
                yield marked(frame)
                continue
            if taken:
                self._learn_gap(now - last_s)
            taken, last_s = taken + 1, now
            self._next_index = first_index + frame.index + 1
            numbered = replace(frame, index=first_index + frame.index, dropped=reader.dropped - dropped)
            dropped = reader.dropped
            usable = self._judge(numbered, reader)
            if usable is not None:
                yield usable
            if self._loss is None and now - opened_s >= self._limits.settled_s:
                self._openings = 0

    def _learn_gap(self, gap_s: float) -> None:
        """Follow the usual time between two frames; one long gap among short ones changes little."""
        self._gap_s += (gap_s - self._gap_s) * (0.1 if self._gap_s else 1.0)

    def _check_silence(self, reader: FrameReader, silent_s: float, taken: int) -> None:
        """Report a stall; give up a connection that stays silent for too long. Raises _Gone."""
        limits = self._limits
        if not taken:
            allowed_s = limits.start_s
            if self._openings:
                allowed_s = min(allowed_s, limits.attempt_s * 2 ** ((self._openings - 1) // 3 % 4))
            if silent_s > allowed_s:
                stalled = CameraLost(f"no frame within {silent_s:.1f} s", "check its cable, power and network")
                raise _Gone(Loss.STALLED if self._ever_usable else Loss.NOT_FOUND, stalled)
            return
        allowed_s = max(limits.stalled_s, 4 * self._gap_s, reader.expected_gap_s + limits.stalled_s)
        if silent_s > allowed_s:
            stalled = CameraLost(f"no frame for {silent_s:.1f} s", "check its cable, power and network")
            self._lose(Loss.STALLED, stalled)
            # One frame a connection is what a slow camera gives that is never waited for long enough.
            patience_s = limits.patience_s * (2 ** min(self._openings, 4) if taken == 1 else 1)
            if silent_s > allowed_s + patience_s:
                raise _Gone(Loss.STALLED, stalled)

    def _judge(self, frame: Frame, reader: FrameReader) -> Frame | None:
        """The frame if it may be passed on, marked if it must not be classified. Raises _Gone for a frozen camera."""
        limits = self._limits
        self._sameness.see(frame)
        if self._sameness.black_s >= limits.black_s:
            self._lose(Loss.BLACK, CameraLost("its frames are black", "is the lens covered, the light on?"))
        if self._sameness.is_black:
            return None if self._loss else mark_black(frame)
        frozen_s = self._sameness.frozen_s
        if frozen_s >= (limits.frozen_coded_s if reader.repeats_still_scenes else limits.frozen_s):
            raise _Gone(
                Loss.FROZEN,
                CameraLost(
                    f"it has frozen: one and the same frame for {frozen_s:.1f} s",
                    "unplug the camera and plug it in again, or restart it",
                ),
            )
        if self._loss is Loss.FROZEN and self._sameness.repeats:
            return None  # the same as before it was opened again
        self._is_usable(frame)
        return replace(frame, unusable_because=FROZEN_HINT) if frozen_s >= DEFAULT_LIMITS.frozen_s else frame

    def _is_usable(self, frame: Frame) -> None:
        now = time.monotonic()
        if self._loss is not None:
            self._loss = None
            self._observer.back(frame.source, now - self._last_usable_s, self._openings - self._openings_before)
        self._name = frame.source
        self._ever_usable, self._last_usable_s = True, now

    def _lose(self, loss: Loss, error: SourceError) -> None:
        """Report a loss, once."""
        if loss is Loss.NOT_FOUND and not self._waits_at_start:
            raise error
        if self._loss is None:
            self._loss, self._openings_before = loss, self._openings
            self._observer.lost(self._name, loss, error)

    def _final(self, error: SourceError) -> SourceError:
        """What ends the run when there are no retries left."""
        if not self._ever_usable:
            return error
        return CameraLost(f"{self._name} is lost: {error.message}", error.hint)

    def _close_reader(self) -> None:
        if self._reader is None:
            return
        self._reader.abandon()
        self._hanging.append(self._reader)
        self._reader = None

    def _pause(self) -> None:
        """Wait before the source is opened again, longer each time, for its old threads too if there are many."""
        limits = self._limits
        pause_s = min(limits.pause_most_s, limits.pause_first_s * 2 ** min(self._openings, 16))
        until_s = time.monotonic() + pause_s * random.uniform(0.5, 1)  # noqa: S311 - no secret
        self._openings += 1
        while time.monotonic() < until_s or len(self._hanging) >= _MOST_HANGING:
            self._observer.tick()
            self._hanging = [reader for reader in self._hanging if not reader.join(0)]
            time.sleep(min(limits.tick_s, max(0.0, until_s - time.monotonic())))
