"""Events as JSON objects: schema version 1, as schema.json beside this file describes it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from edge.events.event import (
    BackendChanged,
    CameraBack,
    CameraLost,
    Drift,
    Event,
    Fleet,
    Heartbeat,
    ModelChanged,
    ModelRefused,
    Stopped,
)
from edge.frame import Prediction
from edge.output.sinks import SCHEMA_VERSION, JsonSink, Sink, utc_text
from edge.output.sinks import as_json as prediction_as_json

NAMES: dict[type, str] = {
    Prediction: "prediction",
    CameraLost: "camera_lost",
    CameraBack: "camera_back",
    BackendChanged: "backend_changed",
    ModelChanged: "model_changed",
    ModelRefused: "model_refused",
    Heartbeat: "heartbeat",
    Drift: "drift",
    Fleet: "fleet",
    Stopped: "stopped",
}
"""What each event is called in its JSON object's `event`."""


def as_json(event: Event, top_k: int = 3) -> dict[str, Any]:
    """The JSON object of an event; a prediction's has all that it has in JSON Lines of pictures, too."""
    envelope = {
        "v": SCHEMA_VERSION,
        "event": NAMES[type(event.what)],
        "time": utc_text(event.time),
        "monotonic_s": round(event.monotonic_s, 3),
        "source": event.source,
        "model": event.model,
    }
    if isinstance(event.what, Prediction):
        age_ms = event.what.age_ms
        return {
            **envelope,
            **prediction_as_json(event.what, top_k),
            "time": envelope["time"],
            "age_ms": None if age_ms is None else round(age_ms, 3),
        }
    return envelope | {name: _rounded(value) for name, value in asdict(event.what).items()}


class EventSink:
    """A subscriber that writes to a sink: predictions, and in JSON Lines of live sources whatever else happens.

    Lines of pictures, files and pipes are predictions alone, in the form that they have without events.
    """

    def __init__(self, sink: Sink, top_k: int, *, is_live: bool = False) -> None:
        self._sink = sink
        self._top_k = top_k
        self._is_live = is_live  # an address may turn out to be one
        self._has_begun = False

    def __call__(self, event: Event) -> None:
        """Write an event that the sink takes; not the end of what never began. Raises OutputClosed or OutputFailed."""
        if isinstance(event.what, Stopped) and not self._has_begun:
            return
        self._has_begun = True
        is_prediction = isinstance(event.what, Prediction)
        age_ms = event.what.age_ms if isinstance(event.what, Prediction) else None
        self._is_live = self._is_live or isinstance(event.what, CameraLost) or age_ms is not None
        if isinstance(self._sink, JsonSink) and self._is_live and (age_ms is not None or not is_prediction):
            self._sink.write_object(as_json(event, self._top_k))
        elif isinstance(event.what, Prediction):
            self._sink.write(event.what)


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value
