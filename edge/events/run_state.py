"""What a run says at present, out of the events so far: for those who come late and ask how it stands."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
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
)
from edge.frame import Decision, Prediction
from edge.output.sinks import SCHEMA_VERSION, utc_text

NOT_A_LABEL = {Decision.UNKNOWN: "unknown", Decision.NO_GARMENT: "no garment"}
"""What stands for the label in an answer without one."""


@dataclass(frozen=True, slots=True)
class RunState:
    """The state of a run; `after` gives the next one.

    While the camera is lost there is no prediction: the last one says nothing of what is there now. `problem` tells a
    person what is wrong, None if nothing is.
    """

    model: str
    model_name: str
    backend: str
    time: datetime | None = None
    source: str | None = None
    prediction: Prediction | None = None
    lost: CameraLost | None = None
    drifts: tuple[Drift, ...] = ()
    refused: ModelRefused | None = None
    heartbeat: Heartbeat | None = None
    fleet: Fleet | None = None

    def after(self, event: Event) -> RunState:
        """The state when this has happened, too."""
        what = event.what
        state = replace(self, time=event.time, source=event.source or self.source)
        if isinstance(what, Prediction):
            return replace(state, prediction=what)
        if isinstance(what, CameraLost):
            return replace(state, prediction=None, lost=what)
        if isinstance(what, CameraBack):
            return replace(state, lost=None)
        if isinstance(what, Heartbeat):
            return replace(state, heartbeat=what)
        if isinstance(what, BackendChanged):
            return replace(state, backend=what.after)
        if isinstance(what, ModelChanged):
            return replace(state, model=what.after, model_name=what.name, drifts=(), refused=None)
        if isinstance(what, ModelRefused):
            return replace(state, refused=what)
        if isinstance(what, Fleet):
            return replace(state, fleet=what)
        if isinstance(what, Drift):
            others = tuple(one for one in self.drifts if one.measure != what.measure)
            return replace(state, drifts=(*others, what) if what.drifting else others)
        return state

    @property
    def answer(self) -> str | None:
        """The label, "unknown" or "no garment", as the decision is; None before the first frame and in a loss."""
        if self.prediction is None:
            return None
        best = self.prediction.best
        return NOT_A_LABEL.get(self.prediction.decision) or (best.label if best else None)

    @property
    def problem(self) -> str | None:
        """What is wrong, for a person."""
        lost = [f"camera lost: {self.lost.message}"] if self.lost else []
        refused = [f"model refused: {self.refused.message}"] if self.refused else []
        fleet = [f"update: {self.fleet.problem}"] if self.fleet and self.fleet.problem else []
        return "; ".join([*lost, *refused, *fleet, *(one.message for one in self.drifts)]) or None

    def as_json(self) -> dict[str, Any]:
        """The state as a JSON object; the rate and the temperature are those of the last heartbeat."""
        best = self.prediction.best if self.prediction else None
        return {
            "v": SCHEMA_VERSION,
            "time": utc_text(self.time),
            "source": self.source,
            "answer": self.answer,
            "label": best.label if best else None,
            "score": round(best.score, 6) if best else None,
            "decision": self.prediction.decision if self.prediction else None,
            "hint": self.lost.hint or None if self.lost else self.prediction.hint if self.prediction else None,
            "camera": "lost" if self.lost else "ok",
            "reason": self.lost.reason if self.lost else None,
            "problem": self.problem,
            "backend": self.backend,
            "model": self.model,
            "model_name": self.model_name,
            "frames_per_s": round(self.heartbeat.frames_per_s, 2) if self.heartbeat else None,
            "temperature_c": self.heartbeat.temperature_c if self.heartbeat else None,
            "fleet": None if self.fleet is None else asdict(self.fleet),
        }
