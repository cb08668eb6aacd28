"""What a training wrote about its scores reaches the model file."""

from __future__ import annotations

from pathlib import Path

import pytest

from convert.inputs.training_record import parse_record
from convert.settings import Settings
from convert.tflite.manifest import attach, identity
from edge.inference.model_file import Model, parse_model
from edge.spec import FASHION_MNIST_LABELS, ScoreCalibration

FIELDS = {
    "v": 1,
    "labels": list(FASHION_MNIST_LABELS),
    "input": {"height": 28, "width": 28, "low": 0.0, "high": 255.0},
    "validation_images": 1000,
}


@pytest.mark.parametrize(
    "calibration",
    [
        ScoreCalibration(),
        ScoreCalibration(0.7, 0.4),
        ScoreCalibration(0.7, 0.4, 0.85),
        ScoreCalibration(early_exit=0.9),
    ],
)
def test_the_score_calibration_travels_from_the_training_to_the_model(
    calibration: ScoreCalibration, model: Model
) -> None:
    record = parse_record({**FIELDS, **calibration.as_json()})
    settings = Settings(Path("model.keras"), name="mine")
    manifest = identity(settings, model.flatbuffer, record.labels, record.image, True, record.score_calibration)
    read = parse_model(attach(model.flatbuffer, manifest), Path("mine.tflite"))
    assert read.score_calibration == calibration
