"""A model measured on photos as it is: nothing is trained, no model is written."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("keras")

from edge.errors import DatasetDamaged, TrainingFailed
from edge.frame import Frame
from edge.inference.classifier import open_classifier
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import find_model, read_model
from edge.sources.pictures import read_image
from edge.spec import SURE, ScoreCalibration
from tests.photographs import write_photos
from train.cli.adapt import PARENTS, int8_of
from train.recipes.measure import calibration_of, measure


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("measure") / "photos", each=5)


def run(photos: Path, out: Path, callback: Any, held_out: float | None = None) -> Any:
    return measure(
        photos=photos,
        start=PARENTS / "camera.keras",
        int8=lambda: find_model("camera"),
        meaning=None,
        held_out=held_out,
        out=out,
        callback=callback,
    )


def test_all_photos_are_measured_as_the_device_answers(photos: Path, tmp_path: Path, recorder: Any) -> None:
    measured, answers = run(photos, tmp_path / "out", recorder)
    assert measured["measured"] == measured["photos"] == 15
    assert {name: entry["photos"] for name, entry in measured["folders"].items()} == {"Dress": 5, "T-shirt": 5}
    assert (tmp_path / "out" / "measured.json").read_text() == json.dumps(measured, indent=2) + "\n"
    assert sorted(path.suffix for path in (tmp_path / "out").iterdir()) == [".json", ".npz"]
    assert recorder.results == []
    model = read_model("camera")
    classifier = open_classifier(model, open_interpreter(model))
    classifier.views = 6
    for path, scores, decision in zip(answers.paths, answers.scores, answers.decisions, strict=True):
        prediction = classifier(Frame(read_image(photos / path), path, 0, 0.0, 0.0))
        assert prediction.decision is decision
        assert prediction.best is not None
        assert prediction.best.score == pytest.approx(float(scores.max()), abs=1e-6)
    assert measured["int8"]["accuracy"] == pytest.approx(answers.right[answers.classes.any(axis=1)].mean(), abs=1e-4)
    assert measured["float"]["groups"] >= measured["float"]["accuracy"]


def test_a_share_is_what_a_run_would_hold_out(photos: Path, tmp_path: Path, recorder: Any) -> None:
    measured, answers = run(photos, tmp_path / "out", recorder, held_out=0.4)
    assert (measured["measured"], measured["photos"]) == (6, 15)
    assert len(answers.paths) == 6
    with pytest.raises(DatasetDamaged, match="no photo of a garment is held out"):
        run(photos, tmp_path / "out", recorder, held_out=0.0)


def test_it_writes_into_no_run(photos: Path, tmp_path: Path, recorder: Any) -> None:
    for name in ("model.keras", "checkpoint.keras"):
        out = tmp_path / name
        out.mkdir()
        (out / name).write_text("a run")
        with pytest.raises(TrainingFailed, match="holds a run"):
            run(photos, out, recorder)
        assert [path.name for path in out.iterdir()] == [name]


def test_the_int8_form_of_a_model_is_found(tmp_path: Path) -> None:
    assert int8_of(PARENTS / "camera.keras") == find_model("camera")
    model, beside = tmp_path / "model.keras", tmp_path / "model_int8.tflite"
    model.touch()
    assert int8_of(model) is None
    beside.touch()
    assert int8_of(model) == beside
    os.utime(beside, ns=(0, model.stat().st_mtime_ns - 10**9))  # of an earlier model
    assert int8_of(model) is None
    assert int8_of(tmp_path / "other.keras") is None


def test_a_model_that_says_nothing_of_its_doubts_is_taken_as_it_is(tmp_path: Path) -> None:
    assert calibration_of(PARENTS / "camera.keras") != ScoreCalibration()
    assert calibration_of(tmp_path / "none.keras") == SURE
