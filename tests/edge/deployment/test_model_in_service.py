"""One model takes over from another: what is verified, what follows, and who is told."""

from __future__ import annotations

import json
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.deployment.candidate import InService
from edge.deployment.model_in_service import ModelInService
from edge.deployment.model_watch import ModelWatch
from edge.errors import FmnistEdgeError, ModelDamaged, ModelError, ModelUnsupported
from edge.events.drift import HeldOut
from edge.events.event import Event, ModelChanged, ModelRefused
from edge.events.publisher import Publisher
from edge.events.run import Run
from edge.frame import Decision, Frame
from edge.inference.classifier import Classifier, open_classifier
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import Model, bundled_models, read_model
from edge.spec import ScoreCalibration
from edge.stream.smoothing import parse_smoothing
from edge.testing import FakeSource
from tests.edge.deployment.model_parts import with_manifest
from tests.edge.stories import predictions, word

pytestmark = pytest.mark.subprocess


def open_model(model: Model) -> Classifier:
    return open_classifier(model, open_interpreter(model))


def service_of(name: str, watch: ModelWatch | None = None) -> ModelInService:
    model = read_model(name)
    return ModelInService(InService(model, open_model(model)), lambda path: read_model(str(path)), open_model, watch)


class Told:
    """Keeps what a ModelObserver is told."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, str]] = []
        self.refusals: list[FmnistEdgeError] = []

    def model_changed(self, before: InService, after: InService) -> None:
        self.changes.append((before.model.name, after.model.name))

    def model_refused(self, _path: Path, error: FmnistEdgeError) -> None:
        self.refusals.append(error)


def settled(service: ModelInService, offered: Future[Model]) -> Future[Model]:
    """Check on until an offer is decided."""
    deadline = time.monotonic() + 60
    while not offered.done():
        assert time.monotonic() < deadline
        service.check()
        time.sleep(0.01)
    return offered


def changed(path: Path, **of_manifest: Any) -> Path:
    """`tiny` with another manifest."""
    manifest = json.loads(json.dumps(dict(read_model("tiny").manifest or {})))
    path.write_bytes(with_manifest(read_model("tiny").flatbuffer, manifest | of_manifest))
    return path


def test_the_offered_model_answers_after_the_next_check_and_not_before() -> None:
    service, told = service_of("tiny"), Told()
    service.tell(told)
    frame = Frame(FakeSource.draw(0), "clip", 0, 0.0, 0.0)
    before = service(frame)
    offered = service.offer(bundled_models()["small"])
    time.sleep(0.1)
    assert service(frame).ranked == before.ranked
    assert settled(service, offered).result().name == "small"
    assert (service.model.name, service.current.model_sha256) == ("small", read_model("small").sha256)
    assert service(frame).ranked == open_model(read_model("small"))(frame).ranked != before.ranked
    assert told.changes == [("tiny", "small")]
    assert settled(service, service.offer(bundled_models()["small"])).result() is service.model
    assert told.changes == [("tiny", "small")], "the same file again is no news"


@pytest.mark.parametrize(
    ("damage", "error", "words"),
    [
        (lambda content: content[:-200], ModelDamaged, "manifest"),
        (lambda content: content[:9000] + b"\x00\x01" + content[9002:], ModelDamaged, "SHA-256"),
        (lambda _content: b"", ModelDamaged, "not a TFLite model"),
        (lambda _content: read_model("tiny").flatbuffer.replace(b"FMNIST_EDGE_MANIFEST", b"fmnist_edge_manifest"),
         ModelUnsupported, "no manifest"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_once_and_the_old_model_stays(
    tmp_path: Path, damage: Any, error: type[ModelError], words: str
) -> None:
    service, told = service_of("small"), Told()
    service.tell(told)
    path = tmp_path / "bad.tflite"
    path.write_bytes(damage(bundled_models()["tiny"].read_bytes()))
    with pytest.raises(error, match=words):
        settled(service, service.offer(path)).result()
    assert (service.model.name, len(told.refusals), told.changes) == ("small", 1, [])
    settled(service, service.offer(bundled_models()["small"]))
    assert told.changes == [("small", "small")], "that the trouble is over is told"


def test_a_model_that_crashes_its_runtime_crashes_a_child(tmp_path: Path) -> None:
    """Its hash is right: whoever made it did not want it to be noticed."""
    model = read_model("tiny")
    manifest = json.loads(json.dumps(dict(model.manifest or {})))
    broken = bytearray(model.flatbuffer)
    broken[8:2000] = bytes(1992)
    path = tmp_path / "evil.tflite"
    path.write_bytes(with_manifest(bytes(broken), manifest))
    assert read_model(str(path)).manifest is not None
    service = service_of("small")
    with pytest.raises(ModelDamaged, match="does not open"):
        settled(service, service.offer(path)).result()
    assert service.model.name == "small"


def test_other_labels_are_refused_and_named(tmp_path: Path) -> None:
    service = service_of("tiny")
    labels = [*read_model("tiny").labels[:-1], "Clog"]
    with pytest.raises(ModelUnsupported, match="Ankle boot, Clog") as refused:
        settled(service, service.offer(changed(tmp_path / "clogs.tflite", labels=labels))).result()
    assert "start anew" in refused.value.hint
    turned = list(reversed(read_model("tiny").labels))
    assert settled(service, service.offer(changed(tmp_path / "turned.tflite", labels=turned))).result()
    assert service.current.labels == tuple(turned)


def test_threshold_drift_and_hash_follow(tmp_path: Path) -> None:
    service = service_of("tiny")
    heard: list[Event] = []
    publisher = Publisher(service.current.model_sha256)
    publisher.subscribe(heard.append)
    run = Run(publisher)
    run.check_model = service.check
    service.tell(run)
    smooth = parse_smoothing("average", lambda: service.reject_below)
    assert smooth is not None
    assert word(smooth(predictions("AA"))) == "AA"
    strict = changed(
        tmp_path / "strict.tflite",
        **ScoreCalibration(reject_below=0.99).as_json(),
        held_out={"unknown": 0.0, "score": 1.0},
        name="strict",
    )
    offered = service.offer(strict)
    while not offered.done():
        run.tick()
        time.sleep(0.01)
    assert heard[0].what == ModelChanged(read_model("tiny").sha256, read_model("tiny").sha256, "strict")
    assert word(smooth(predictions("AA"))) == "??"
    assert run._drift is not None
    assert run._drift._expected == HeldOut(0.0, 1.0)
    assert service(Frame(FakeSource.draw(0), "clip", 0, 0.0, 0.0)).decision is not Decision.GARMENT
    settled(service, service.offer(bundled_models()["small"]))
    assert heard[-1].model == publisher.model == read_model("small").sha256
    bad = tmp_path / "bad.tflite"
    bad.write_bytes(b"nothing")
    settled(service, service.offer(bad))
    assert isinstance(heard[-1].what, ModelRefused)


def test_a_file_is_taken_when_it_has_settled(tmp_path: Path) -> None:
    path = tmp_path / "mine.tflite"
    path.write_bytes(b"one")
    watch = ModelWatch(str(path), look_s=0.0, settled_s=0.3)
    assert watch.changed() is None
    for size in range(5):
        path.write_bytes(bytes(size))
        assert watch.changed() is None
        time.sleep(0.1)
    time.sleep(0.3)
    assert [watch.changed(), watch.changed()] == [path, None]
    path.unlink()
    assert watch.changed() is None
    time.sleep(0.4)
    assert watch.changed() is None


def test_a_link_or_folder_is_followed(tmp_path: Path) -> None:
    folder = tmp_path / "versions"
    folder.mkdir()
    (folder / "v1.tflite").write_bytes(b"one")
    link = tmp_path / "live.tflite"
    link.symlink_to(folder / "v1.tflite")
    watches = [ModelWatch(str(where), look_s=0.0, settled_s=0.0) for where in (folder, link)]
    (folder / "v2.tflite").write_bytes(b"two")
    assert [watch.changed() for watch in watches] == [folder / "v2.tflite", None]
    link.unlink()
    link.symlink_to(folder / "v2.tflite")
    assert [watch.changed() for watch in watches] == [None, link]
    (folder / "current").symlink_to("v1.tflite")
    assert [watch.changed() for watch in watches] == [folder / "v1.tflite", None]


def test_looking_costs_next_to_nothing() -> None:
    """At 60 frames a second: less than a thousandth of a core."""
    service = service_of("tiny", ModelWatch(str(bundled_models()["tiny"])))
    began = time.process_time()
    for _ in range(1000):
        service.check()
    assert time.process_time() - began < 0.1


def test_answers_that_are_no_numbers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    service = service_of("tiny")
    nan = np.full((1, 10), np.nan, np.float32)
    monkeypatch.setattr(Classifier, "probabilities", lambda _self, _pictures: nan)
    with pytest.raises(ModelDamaged, match="no number"):
        settled(service, service.offer(bundled_models()["small"])).result()
