"""Each scheme is what it is called, runs through the device's classifier, and is refused where it would not work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from convert.inputs.keras_export import exporter
from convert.quantize.converter import convert_plainly
from convert.settings import Scheme
from convert.verify import guards
from edge.errors import BadOption, ConversionRefused, TargetUnmet
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import Model, read_model
from edge.spec import ImageSpec

if TYPE_CHECKING:
    from tests.convert.conftest import AddRecord, Converted, Layers, Quantize, Trainer

PICTURES = np.random.default_rng(0).integers(0, 256, (8, 28, 28)).astype(np.float32)
ENDS = {"int8": "int8", "int16x8": "int16", "float16": "float32", "dynamic": "float32", "float32": "float32"}


@pytest.fixture(scope="module")
def schemes(
    train: Trainer,
    mlp_layers: Layers,
    add_record: AddRecord,
    quantize: Quantize,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[Scheme, Model]:
    """Of a network wide and settled enough that int8 weights, which int16x8 has too, change 0.3 % of its answers."""
    folder = tmp_path_factory.mktemp("schemes")
    keras_file = folder / "wide.keras"
    train(mlp_layers(units=128), rate=0.0005, epochs=6).save(keras_file)
    add_record(keras_file)
    found = {}
    for scheme in Scheme:
        output = folder / f"tiny_{scheme}.tflite"
        result = quantize(keras_file, "-o", output, "--scheme", scheme.value, "--max-drop", 2)
        assert result.exception is None, result.exception
        assert result.stdout.splitlines()[-1].startswith(f"passed: {scheme} ")
        found[scheme] = read_model(str(output))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("scheme", list(Scheme))
def test_a_scheme_is_what_it_is_called(schemes: dict[Scheme, Model], scheme: Scheme) -> None:
    model = schemes[scheme]
    assert model.manifest is not None
    assert model.manifest["scheme"] == scheme
    interpreter = open_interpreter(model)
    assert str(interpreter.input.dtype) == str(interpreter.output.dtype) == ENDS[scheme]
    report = json.loads(model.path.with_name(f"{model.path.stem}.report.json").read_text("utf-8"))
    assert report["scheme"] == scheme
    rule = "min-max" if scheme in {Scheme.INT8, Scheme.INT16X8} else "none"
    assert report["manifest"]["provenance"]["calibration"]["rule"] == rule
    assert (f"--scheme {scheme}" in report["command"]) == (scheme is not Scheme.INT8)
    assert bool(report["layers"]) == (scheme is Scheme.INT8)


@pytest.mark.slow
def test_finer_schemes_lose_nothing_and_cost_more(schemes: dict[Scheme, Model]) -> None:
    sizes = {scheme: len(model.flatbuffer) for scheme, model in schemes.items()}
    assert sizes[Scheme.DYNAMIC] < sizes[Scheme.FLOAT16] < sizes[Scheme.FLOAT32]
    assert sizes[Scheme.FLOAT32] > 2.5 * sizes[Scheme.INT8]
    for scheme in (Scheme.FLOAT32, Scheme.FLOAT16, Scheme.INT16X8):
        manifest = schemes[scheme].manifest
        assert manifest is not None
        assert abs(manifest["accuracy"]["drop"]) < 0.15
        assert manifest["accuracy"]["agreement"] > 0.99


def test_a_file_of_another_scheme_is_not_taken_for_it() -> None:
    """Any scheme's file against any other's guard."""
    import keras

    keras.utils.set_random_seed(0)
    layers = [keras.layers.Flatten(), keras.layers.Dense(64, "relu"), keras.layers.Dense(10, "softmax")]
    network = keras.Sequential([keras.Input((28, 28)), *layers])
    weights = 784 * 64 + 640
    files = {
        scheme: convert_plainly(exporter(network), PICTURES, ImageSpec(), lambda done: None, scheme).flatbuffer
        for scheme in Scheme
    }
    for made, content in files.items():
        for expected in Scheme:
            if made is expected:
                guards.check(content, weights, expected)
            else:
                with pytest.raises(ConversionRefused):
                    guards.check(content, weights, expected)


def test_dynamic_range_is_refused_for_the_runtime_that_mis_runs_it(
    converted: Converted, quantize: Quantize, tmp_path: Path
) -> None:
    output = tmp_path / "x.tflite"
    result = quantize(converted.keras, "-o", output, "--scheme", "dynamic", "--target", "litert,tflite-runtime")
    assert isinstance(result.exception, TargetUnmet)
    assert "may give wrong answers" in result.exception.message
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_cannot_run_it_stops_the_conversion(
    converted: Converted, quantize: Quantize, tmp_path: Path
) -> None:
    output = tmp_path / "x.tflite"
    result = quantize(converted.keras, "-o", output, "--scheme", "float32", "--target", "edgetpu", "--max-drop", 2)
    assert isinstance(result.exception, TargetUnmet)
    assert result.exception.exit_code == 12
    assert "edgetpu cannot run" in result.exception.message
    assert list(tmp_path.iterdir()) == []
    fine = quantize(converted.keras, "-o", output, "--target", "litert,tflite-runtime,edgetpu", "--max-drop", 2)
    assert fine.exception is None, fine.exception
    assert "--target litert,tflite-runtime,edgetpu" in json.loads((tmp_path / "x.report.json").read_text())["command"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--scheme", "float16", "--calibration", "mse"], "--scheme float16 has no calibrations"),
        (["--scheme", "dynamic", "--search", "best"], "--scheme dynamic has no calibrations"),
        (["--target", "coral"], "--target has 'coral'"),
    ],
)
def test_options_that_do_not_go_together(
    converted: Converted, quantize: Quantize, tmp_path: Path, options: list[str], said: str
) -> None:
    result = quantize(converted.keras, "-o", tmp_path / "x.tflite", *options)
    assert isinstance(result.exception, BadOption)
    assert said in result.exception.message
