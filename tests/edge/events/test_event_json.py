"""Events in JSON are as schema.json has them, and predictions have all that they have without events."""

from __future__ import annotations

import io
import json
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import edge.events
from edge.choices import Format
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
from edge.events.event_json import NAMES, EventSink, as_json
from edge.frame import Decision, LabelScore, Prediction
from edge.output.sinks import as_json as prediction_as_json
from edge.output.sinks import open_sink
from edge.sources.live import Loss

SCHEMA = json.loads((Path(edge.events.__file__).parent / "schema.json").read_text())
TIME = datetime(2026, 11, 29, 8, 15, 30, 123456, UTC)
SHA = "a" * 64
LATENCY = {"read": 1.0, "preprocess": 0.5, "invoke": 0.25}
GARMENT = Prediction(
    "cam", 7, Decision.GARMENT, (LabelScore("Bag", 0.9), LabelScore("Coat", 0.1)), LATENCY, 0.8, None, TIME, 12.3456
)
NOTHING = Prediction("cam", 8, Decision.NO_GARMENT, (), LATENCY, None, "put a garment there", TIME, 3.0)
EXAMPLES: list[Happening] = [
    GARMENT,
    NOTHING,
    CameraLost(Loss.STALLED, "no frame for 1.8 s", "check its cable"),
    CameraBack(3.21, 2),
    BackendChanged("coral", "litert", "it hangs"),
    ModelChanged(SHA, "b" * 64, "camera"),
    ModelRefused("camera.tflite", "camera.tflite is damaged", "convert it again"),
    Heartbeat(60.0, 1800, 3, 30.0, None, None, None, None, {}),
    Heartbeat(60.0, 0, 0, 0.0, 9.5, Loss.BLACK, 48.2, 80.1, {"mqtt": ListenerState(1, 2, 3, "no broker")}),
    Drift("unknown", 0.48, 0.06, 3600.0, True, "48% unknown"),
    Fleet("till-4", "stable", "updated", "camera-12", None, 0.91, 240, [], 1.8e9, None),
    Fleet("till-4", "canary", "failed", None, None, None, 0, ["score"], None, "it does not answer"),
    Stopped("SIGTERM", 1800),
]


def validator() -> Any:
    jsonschema = pytest.importorskip("jsonschema", reason="the older runtime's environment has no jsonschema")
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    return jsonschema.Draft202012Validator(SCHEMA)


@pytest.mark.parametrize("what", EXAMPLES, ids=lambda what: type(what).__name__)
def test_an_event_is_as_the_schema_has_it(what: Happening) -> None:
    document = json.loads(json.dumps(as_json(Event(TIME, 12.5, "cam", SHA, what))))
    validator().validate(document)
    spoilt = {**document, "surprise": 1}
    assert not validator().is_valid(spoilt)
    for key in document:
        assert not validator().is_valid({name: value for name, value in document.items() if name != key}), key


def test_every_kind_of_event_has_an_example_and_a_schema() -> None:
    titles = [one["title"] for one in SCHEMA["oneOf"]]
    assert titles == [NAMES[kind] for kind in Happening.__args__]  # type: ignore[attr-defined]
    assert {type(one) for one in EXAMPLES} == set(Happening.__args__)  # type: ignore[attr-defined]
    for kind, name in NAMES.items():
        if kind is not Prediction:
            (described,) = (one for one in SCHEMA["oneOf"] if one["title"] == name)
            envelope = {"v", "event", "time", "monotonic_s", "source", "model"}
            assert set(described["properties"]) == envelope | {field.name for field in fields(kind)}
    reasons = next(one for one in SCHEMA["oneOf"] if one["title"] == "camera_lost")["properties"]["reason"]["enum"]
    assert reasons == list(Loss)


def test_a_prediction_has_all_that_it_has_without_events() -> None:
    event = as_json(Event(datetime(2030, 1, 1, tzinfo=UTC), 1.0, "cam", SHA, GARMENT))
    alone = prediction_as_json(GARMENT, 3)
    assert {key: event[key] for key in alone} == {**alone, "time": "2030-01-01T00:00:00.000Z"}
    assert set(event) - set(alone) == {"event", "monotonic_s", "model", "age_ms"}
    assert (event["v"], event["age_ms"]) == (1, 12.346)


def test_lines_of_pictures_are_predictions_alone_and_those_of_a_camera_are_events(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = io.StringIO()
    monkeypatch.setattr("sys.stdout", written)
    picture = Prediction("boot.png", 0, Decision.GARMENT, (LabelScore("Bag", 0.9),), LATENCY, time=TIME)
    with open_sink(Format.JSON, None, 3) as sink:
        take = EventSink(sink, 3)
        for what in (picture, EXAMPLES[6], Stopped("the input has ended", 1), GARMENT, Stopped("SIGTERM", 2)):
            take(Event(TIME, 1.0, "x", SHA, what))
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [line.get("event") for line in lines] == [None, "prediction", "stopped"]


@pytest.mark.parametrize("form", [Format.TABLE, Format.CSV])
def test_tables_hold_predictions_only(form: Format, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr("sys.stdout", written)
    with open_sink(form, None, 3, source_width=20) as sink:
        take = EventSink(sink, 3)
        for what in EXAMPLES:
            take(Event(TIME, 1.0, "x", SHA, what))
    assert len(written.getvalue().splitlines()) == 3  # the heading and two predictions


def test_a_camera_tells_of_itself_from_its_start_but_no_end_of_what_never_began(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for events, told in (
        ([Stopped("there is no camera", 0)], []),
        (
            [next(one for one in EXAMPLES if isinstance(one, Heartbeat)), Stopped("SIGTERM", 0)],
            ["heartbeat", "stopped"],
        ),
    ):
        written = io.StringIO()
        monkeypatch.setattr("sys.stdout", written)
        with open_sink(Format.JSON, None, 3) as sink:
            take = EventSink(sink, 3, is_live=True)
            for what in events:
                take(Event(TIME, 1.0, None, SHA, what))
        assert [json.loads(line)["event"] for line in written.getvalue().splitlines()] == told
