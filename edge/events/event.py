"""What can happen in a run: one small class an event. Their JSON form is in event_json and schema.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from edge.frame import Prediction

if TYPE_CHECKING:
    from edge.sources.live import Loss


@dataclass(frozen=True, slots=True)
class CameraLost:
    """A live source gives nothing that can be classified; it is being opened again."""

    reason: Loss
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class CameraBack:
    """A live source that was lost gives usable frames again.

    `away_s` is the time from its last usable frame to this one, `attempts` how often it was opened meanwhile.
    """

    away_s: float
    attempts: int


@dataclass(frozen=True, slots=True)
class BackendChanged:
    """Another runtime or device goes on with the work: from a Coral that failed to the CPU."""

    before: str
    after: str
    reason: str


@dataclass(frozen=True, slots=True)
class ModelChanged:
    """Another model goes on with the work; the hashes are SHA-256 of the flatbuffers, in hexadecimal digits.

    They are the same where another file differs in its labels or manifest alone.
    """

    before: str
    after: str
    name: str


@dataclass(frozen=True, slots=True)
class ModelRefused:
    """A model file that was to take over is refused: the one in service goes on."""

    file: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class ListenerState:
    """How a listener keeps up: events delivered, dropped because it was too slow, waiting; and what is wrong, if so."""

    delivered: int
    dropped: int
    waiting: int
    problem: str | None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A sign of life, at even intervals, with the state of the run.

    `frames` were answered and `dropped` left out since the start; `frames_per_s` and `age_ms` (the median age of a live
    frame at its answer; None without one) are of the time since the last heartbeat. `lost` is why the camera is lost,
    None while it works. Temperature and memory are None where the system does not tell.
    """

    uptime_s: float
    frames: int
    dropped: int
    frames_per_s: float
    age_ms: float | None
    lost: Loss | None
    temperature_c: float | None
    memory_mb: float | None
    listeners: Mapping[str, ListenerState]


@dataclass(frozen=True, slots=True)
class Drift:
    """What the camera sees is no longer what the model was measured on, or is so again.

    `measure` names what differs; `value` is its mean over the last `window_s` seconds, `expected` what was measured on
    pictures held out of the training. `drifting` is False when it has returned. `message` says it to a person.
    """

    measure: str
    value: float
    expected: float
    window_s: float
    drifting: bool
    message: str


@dataclass(frozen=True, slots=True)
class Fleet:
    """How this device stands in its fleet, told when it changes: each look at the repository is a change.

    `version` runs, `available` is another one that it is to have, or that it sent away. `accuracy`, 0 to 1, is the
    version's on this device's own `canaries`, so many pictures with labels; None where it was not measured. `drifting`
    names measures; `checked` is Unix time. `problem` tells a person what is wrong.
    """

    device: str
    channel: str
    state: str
    version: str | None
    available: str | None
    accuracy: float | None
    canaries: int
    drifting: list[str]
    checked: float | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class Stopped:
    """The run ends, after so many frames; no event follows."""

    reason: str
    frames: int


Happening = (
    Prediction
    | CameraLost
    | CameraBack
    | BackendChanged
    | ModelChanged
    | ModelRefused
    | Heartbeat
    | Drift
    | Fleet
    | Stopped
)
"""What an event can tell of."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: when, where, with which model.

    `time` is the wall clock's, in UTC, which may jump; `monotonic_s` the monotonic clock's, which durations are taken
    from. `source` is None where the event is of no source. `model` is the SHA-256 of the model's flatbuffer.
    """

    time: datetime
    monotonic_s: float
    source: str | None
    model: str
    what: Happening
