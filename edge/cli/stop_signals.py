"""SIGTERM and SIGHUP end a long run between two frames, so that nothing is cut off."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from types import FrameType, TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.frame import Frame


class Stop(Exception):
    """The run is asked to end."""


class StopSignals:
    """Remembers that a signal came; a context manager that handles SIGTERM within its `with` block.

    A frame that is being classified is finished. A run that waits for a frame of a camera looks at `check` every tenth
    of a second; one that waits for a pipe is `interruptible`: it is woken where it waits. SIGHUP is handled too where
    there is something to read again: `may_restart` says, between two frames, whether the run may end for it.
    """

    def __init__(self, *, interruptible: bool, may_restart: Callable[[], bool] | None = None) -> None:
        self._signals = (signal.SIGTERM, *([signal.SIGHUP] if may_restart else []))
        self._may_restart = may_restart
        self._interruptible = interruptible
        self._waits = False
        self._before: dict[signal.Signals, object] = {}
        self.received: signal.Signals | None = None

    def __enter__(self) -> StopSignals:
        for one in self._signals:
            self._before[one] = signal.signal(one, self._receive)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one, handler in self._before.items():
            signal.signal(one, handler)  # type: ignore[arg-type]

    def check(self) -> None:
        """Raise Stop if a signal has come that ends the run."""
        if self._ends():
            raise Stop

    @property
    def restarts(self) -> bool:
        """Whether the run ended to begin anew."""
        return self.received is signal.SIGHUP

    def until_stopped(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """The frames, until a signal comes."""
        iterator = iter(frames)
        while not self._ends():
            try:
                self._waits = True
                frame = next(iterator)
                self._waits = False
            except (StopIteration, Stop):
                return
            finally:
                self._waits = False
            yield frame

    def _ends(self) -> bool:
        if self.received is signal.SIGHUP and self._may_restart is not None and not self._may_restart():
            self.received = None
        return self.received is not None

    def _receive(self, number: int, _where: FrameType | None) -> None:
        self.received = signal.Signals(number)
        if self._waits and self._interruptible and number == signal.SIGTERM:
            self._waits = False
            raise Stop
