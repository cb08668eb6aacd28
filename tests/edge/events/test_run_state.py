"""The present state, event by event."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

from edge.events.event import BackendChanged, CameraBack, CameraLost, Drift, Happening, ModelChanged, ModelRefused
from edge.events.run_state import RunState
from edge.frame import Decision
from edge.sources.live import Loss
from tests.edge.events.happenings import EACH_KIND, FLEET, HEARTBEAT, MODEL, SOURCE, event, prediction

START = RunState(MODEL, "camera", "litert")
LOST = CameraLost(Loss.STALLED, "no frame for 1.7 s", "check its cable")


def after(*happenings: Happening) -> dict[str, Any]:
    """The state when all this has happened."""
    state = START
    for what in happenings:
        state = state.after(event(what))
    document: dict[str, Any] = json.loads(json.dumps(state.as_json()))
    return document


def test_an_answer() -> None:
    state = after(prediction("Sneaker"))
    assert (state["answer"], state["label"], state["score"], state["decision"]) == (
        "Sneaker",
        "Sneaker",
        0.9,
        "garment",
    )
    assert (state["source"], state["camera"], state["problem"]) == (SOURCE, "ok", None)
    assert state["time"].endswith("Z")


def test_what_is_no_label_is_an_answer_too() -> None:
    unknown = after(prediction("Coat", Decision.UNKNOWN))
    assert (unknown["answer"], unknown["label"], unknown["decision"]) == ("unknown", "Coat", "unknown")
    nothing = after(prediction("", Decision.NO_GARMENT))
    assert (nothing["answer"], nothing["label"], nothing["score"]) == ("no garment", None, None)


def test_a_lost_camera_sees_nothing() -> None:
    """What it showed before is not what is there now."""
    lost = after(prediction(), LOST)
    assert (lost["answer"], lost["label"], lost["score"], lost["decision"]) == (None, None, None, None)
    assert (lost["camera"], lost["reason"], lost["hint"]) == ("lost", "stalled", "check its cable")
    assert lost["problem"] == "camera lost: no frame for 1.7 s"
    back = after(prediction(), LOST, CameraBack(4.2, 3))
    assert (back["answer"], back["camera"], back["reason"], back["problem"], back["hint"]) == (
        None,
        "ok",
        None,
        None,
        None,
    )
    assert after(LOST, CameraBack(4.2, 3), prediction())["answer"] == "Sneaker"


def test_drift_is_a_problem_until_it_is_over() -> None:
    unknown, score = (Drift(one, 0.5, 0.1, 3600.0, True, f"{one} differs") for one in ("unknown", "score"))
    assert after(unknown, score, LOST)["problem"] == "camera lost: no frame for 1.7 s; unknown differs; score differs"
    over = Drift("unknown", 0.1, 0.1, 3600.0, False, "as it was")
    assert after(unknown, score, over)["problem"] == "score differs"
    assert after(unknown, over)["problem"] is None


def test_what_answers_and_how_fast() -> None:
    assert after(prediction())["backend"] == "litert"
    assert after(BackendChanged("coral", "litert 2", "it hangs"))["backend"] == "litert 2"
    changed = after(ModelChanged(MODEL, "6" * 64, "mine"))
    assert (changed["model"], changed["model_name"]) == ("6" * 64, "mine")
    refused = ModelRefused("mine.tflite", "mine.tflite is damaged", "")
    assert after(refused)["problem"] == "model refused: mine.tflite is damaged"
    assert after(refused, ModelChanged(MODEL, MODEL, "mine"))["problem"] is None
    assert (
        after(Drift("score", 0.5, 0.9, 3600.0, True, "it drifts"), ModelChanged(MODEL, "6" * 64, "mine"))["problem"]
        is None
    )
    assert (after()["frames_per_s"], after()["temperature_c"]) == (None, None)
    assert (after(HEARTBEAT)["frames_per_s"], after(HEARTBEAT)["temperature_c"]) == (30.0, 48.3)


def test_how_the_device_stands_in_its_fleet() -> None:
    state = after(FLEET)
    assert state["fleet"] == asdict(FLEET)
    assert state["problem"] == "update: it is worse"
    assert after(FLEET, replace(FLEET, problem=None))["problem"] is None
    assert after()["fleet"] is None


def test_every_event_leaves_a_state() -> None:
    state = START
    for one in EACH_KIND:
        state = state.after(one)
        assert set(state.as_json()) == set(START.as_json())
        assert state.time == one.time
