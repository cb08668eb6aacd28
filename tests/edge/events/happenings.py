"""Events as a run makes them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from edge.events.event import (
    BackendChanged,
    CameraBack,
    CameraLost,
    Drift,
    Event,
    Fleet,
    Happening,
    Heartbeat,
    ListenerState,
    ModelChanged,
    ModelRefused,
    Stopped,
)
from edge.frame import Decision, LabelScore, Prediction
from edge.sources.live import Loss

SOURCE = "camera:0"
MODEL = "5" * 64


def prediction(
    label: str = "Sneaker", decision: Decision = Decision.GARMENT, frame: int = 0, source: str = SOURCE
) -> Prediction:
    """An answer; its runner-up is a sandal."""
    ranked = () if decision is Decision.NO_GARMENT else (LabelScore(label, 0.9), LabelScore("Sandal", 0.05))
    latency_ms = {"read": 8.0, "preprocess": 4.0, "invoke": 2.0}
    return Prediction(source, frame, decision, ranked, latency_ms, time=datetime.now(UTC), age_ms=15.0)


def event(what: Happening, source: str | None = SOURCE, at_s: float | None = None) -> Event:
    """What happened, so many seconds after the clock's zero; now if not given."""
    if at_s is None:
        return Event(datetime.now(UTC), time.monotonic(), source, MODEL, what)
    return Event(datetime(2026, 11, 29, tzinfo=UTC) + timedelta(seconds=at_s), at_s, source, MODEL, what)


HEARTBEAT = Heartbeat(
    60.0, 1800, 7, 30.0, 15.0, None, 48.3, 82.5, {"webhook": ListenerState(12, 3, 4, "it does not answer")}
)

FLEET = Fleet("till-4", "stable", "refused", "camera-11", "camera-12", 0.91, 240, ["score"], 1.8e9, "it is worse")

EACH_KIND: tuple[Event, ...] = (
    event(prediction()),
    event(prediction("Coat", Decision.UNKNOWN, 1)),
    event(prediction("", Decision.NO_GARMENT, 2)),
    event(CameraLost(Loss.STALLED, "no frame for 1.7 s", "check its cable, power and network")),
    event(CameraBack(4.2, 3)),
    event(BackendChanged("coral", "litert", "the delegate failed"), None),
    event(ModelChanged(MODEL, "6" * 64, "camera"), None),
    event(ModelRefused("camera.tflite", "camera.tflite is damaged", "convert it again"), None),
    event(HEARTBEAT, None),
    event(Drift("unknown", 0.48, 0.06, 3600.0, True, "48 % unknown in the last hour; 6 % was measured")),
    event(FLEET, None),
    event(Stopped("SIGTERM", 1800), None),
)
"""One of each."""
