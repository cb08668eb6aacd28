"""The newest state of a run, for threads that ask: events go in where they happen, and nobody waits for a reader."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge.board.power import temperature_c
from edge.events.event import CameraBack, CameraLost, Event, Heartbeat, Stopped
from edge.events.event_json import as_json
from edge.events.heartbeat import memory_mb
from edge.frame import Prediction
from edge.output.sinks import SCHEMA_VERSION
from edge.output.sinks import as_json as prediction_as_json
from edge.serve.history import History

if TYPE_CHECKING:
    from edge.events.publisher import Publisher
    from edge.events.run_state import RunState
    from edge.frame import Frame
    from edge.isolation.network_input import Seen

TOP_K = 3
RATE_S = 5.0
"""The rate is that of the last so many seconds."""

SILENT_S = 30.0
"""A run in which for so long no frame came, and that looked after no lost camera, hangs."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """The newest frame with what the network saw of it; `number` counts the answers."""

    number: int
    frame: Frame
    seen: Seen | None


class LiveState:
    """What the page says of a run. `take` and `alive` are called where frames are classified, the rest anywhere."""

    def __init__(self, publisher: Publisher, state: RunState, seen: Callable[[], Seen | None]) -> None:
        self._publisher = publisher
        self._seen = seen
        self._lock = threading.Lock()
        self._state = state
        self._started_s = self._alive_s = time.monotonic()
        self._history = History(self._started_s)
        self._times: deque[float] = deque(maxlen=400)
        self._look: Look | None = None
        self._frames = self._dropped = 0
        self._changed_s: float | None = None  # when the camera was lost, or came back
        self._ended: str | None = None

    def take(self, event: Event) -> None:
        """A subscriber of the run's events."""
        what = event.what
        with self._lock:
            self._alive_s = event.monotonic_s
            self._state = self._state.after(event)
            if isinstance(what, Prediction):
                self._answer(what, event.monotonic_s)
            elif isinstance(what, CameraLost | CameraBack):
                self._changed_s = event.monotonic_s
            elif isinstance(what, Stopped):
                self._ended = what.reason

    def alive(self) -> None:
        """The loop has a frame, answered or not, or looks after a lost camera."""
        self._alive_s = time.monotonic()

    def passing(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """The frames as they come; each is a sign of life, also one that --motion or --interval leaves out."""
        for frame in frames:
            self.alive()
            yield frame

    @property
    def look(self) -> Look | None:
        """The newest frame; None before the first answer."""
        return self._look

    @property
    def silent_s(self) -> float:
        """For how long nothing was heard of the run."""
        return time.monotonic() - self._alive_s

    @property
    def not_ready(self) -> str | None:
        """Why there are no answers now; None if there are."""
        with self._lock:
            if self._ended is not None:
                return "the run has ended"
            if self._state.lost is not None:
                return "the camera is lost"
            return None if self._state.prediction is not None else "no frame has been answered yet"

    @property
    def model(self) -> str:
        """SHA-256 of the model that answers."""
        return self._state.model

    def history(self) -> list[dict[str, Any]]:
        """The last hour, a JSON object a minute."""
        with self._lock:
            return self._history.as_json(time.monotonic())

    def as_json(self) -> dict[str, Any]:
        """The state as a JSON object."""
        now = time.monotonic()
        with self._lock:
            state, look, times = self._state, self._look, [one for one in self._times if now - one <= RATE_S]
            frames, dropped, changed_s, ended = self._frames, self._dropped, self._changed_s, self._ended
        answer = state.prediction
        spent_s = min(RATE_S, max(now - self._started_s, 0.1))
        return {
            "v": SCHEMA_VERSION,
            "uptime_s": round(now - self._started_s, 1),
            "camera": {
                "state": "ended" if ended else "lost" if state.lost else "ok" if look else "starting",
                "source": state.source,
                "reason": state.lost.reason if state.lost else None,
                "message": state.lost.message if state.lost else ended,
                "hint": (state.lost.hint or None) if state.lost else None,
                "since_s": None if changed_s is None else round(now - changed_s, 1),
                "size": [look.frame.pixels.shape[1], look.frame.pixels.shape[0]] if look else None,
            },
            "answer": None if answer is None else _answer_as_json(answer),
            "answer_age_s": round(now - times[-1], 3) if times else None,
            "frames": frames,
            "dropped": dropped,
            "frames_per_s": round(len(times) / spent_s, 2),
            "age_ms": None if answer is None or answer.age_ms is None else round(answer.age_ms, 1),
            "temperature_c": temperature_c(),
            "memory_mb": memory_mb(),
            "model": {"name": state.model_name, "sha256": state.model},
            "backend": state.backend,
            "drift": [_plain(self._event_as_json(one)) for one in state.drifts],
            "listeners": _listeners(state.heartbeat),
            "problem": state.problem,
        }

    def _answer(self, prediction: Prediction, now_s: float) -> None:
        frame = self._publisher.newest_frame
        self._frames += 1
        self._times.append(now_s)
        self._history.count(prediction, now_s)
        if frame is not None:
            self._dropped += frame.dropped
            self._look = Look(self._frames, frame, self._seen())

    def _event_as_json(self, what: Any) -> dict[str, Any]:
        from datetime import UTC, datetime

        return as_json(Event(datetime.now(UTC), time.monotonic(), self._state.source, self._state.model, what))


def _answer_as_json(prediction: Prediction) -> dict[str, Any]:
    age_ms = prediction.age_ms
    return {
        **prediction_as_json(prediction, TOP_K),
        "age_ms": None if age_ms is None else round(age_ms, 3),
    }


def _plain(event: dict[str, Any]) -> dict[str, Any]:
    """An event without its envelope."""
    return {name: value for name, value in event.items() if name not in {"v", "event", "time", "monotonic_s", "model"}}


def _listeners(heartbeat: Heartbeat | None) -> dict[str, Any]:
    from dataclasses import asdict

    return {} if heartbeat is None else {name: asdict(state) for name, state in heartbeat.listeners.items()}
