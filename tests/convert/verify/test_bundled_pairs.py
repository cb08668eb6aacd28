"""A bundled int8 model against the float parent that it was made of, on all test images, as the device runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from convert.inputs.keras_file import load
from convert.inputs.keras_interpreter import KerasInterpreter
from convert.verify.parity import AccuracyParity, run_float, run_int8
from edge.datasets.dataset import Dataset
from edge.inference.model_file import read_model

TESTS = Path(__file__).parents[2]
PARENTS = sorted([*(TESTS / "data").glob("*.keras"), *(TESTS.parent / "train" / "models").glob("*.keras")])


@pytest.mark.parametrize(
    "parent",
    [pytest.param(path, marks=pytest.mark.slow if path.stat().st_size > 1e6 else ()) for path in PARENTS],
    ids=lambda path: path.stem,
)
def test_int8_loses_at_most_a_fifth_of_a_point(parent: Path, test_data: Dataset) -> None:
    model = read_model(parent.stem)
    assert model.manifest is not None
    float_model = load(parent, model.labels)
    assert model.manifest["provenance"]["keras_sha256"] == float_model.sha256
    float_run = run_float(KerasInterpreter(float_model.model), model, test_data, lambda *_: None)
    paired = AccuracyParity.of(float_run, *run_int8(model, test_data, lambda *_: None)).paired
    assert paired.drop <= 0.2
    # Another processor may round a picture or two to the other side; a changed file or code moves many.
    stated = model.manifest["accuracy"]
    assert paired.float_accuracy == pytest.approx(stated["float"], abs=5e-4)
    assert paired.int8_accuracy == pytest.approx(stated["int8"], abs=5e-4)


def test_the_parents_are_here() -> None:
    assert sorted(path.stem for path in PARENTS) == ["base", "camera", "camera-zero", "small", "tiny"]
