"""`convert quantize` from end to end, on a network trained here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.datasets.dataset import Dataset
from edge.errors import ModelDamaged
from edge.inference.classifier import open_classifier
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import parse_model, read_model
from edge.spec import FASHION_MNIST_LABELS

if TYPE_CHECKING:
    from tests.convert.conftest import AddRecord, Converted, Quantize

ROOT = Path(__file__).parents[3]


def test_the_model_says_all_that_the_runtime_needs(converted: Converted) -> None:
    model = read_model(str(converted.model))
    assert model.name == "tiny"
    assert model.labels == FASHION_MNIST_LABELS
    assert not model.gives_logits
    assert model.image is not None and (model.image.low, model.image.high) == (0, 255)
    assert model.manifest is not None
    assert model.manifest["provenance"]["recipe"] == "tiny"
    assert model.manifest["provenance"]["calibration"] == {
        "images": 200,
        "held_out_of": 2000,
        "rule": "min-max",
        "seed": 0,
    }


def test_bytes_go_in_and_come_out(converted: Converted) -> None:
    interpreter = open_interpreter(read_model(str(converted.model)))
    assert interpreter.input.dtype == interpreter.output.dtype == np.int8
    assert interpreter.input.shape == (1, 28, 28)
    # The Rescaling layer folds away: an input value is exactly pixel - 128.
    assert (interpreter.input.scale, interpreter.input.zero_point) == (1.0, -128)


def test_dense_layers_have_one_scale(converted: Converted) -> None:
    """tflite-runtime 2.14 and the Edge TPU compiler know no Dense layer with a scale for each channel."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(bytearray(read_model(str(converted.model)).flatbuffer), 0)
    graph = model.subgraphs[0]
    dense = [step for step in graph.operators if model.operatorCodes[step.opcodeIndex].builtinCode == 9]
    assert schema.BuiltinOperator.FULLY_CONNECTED == 9
    kernels = [graph.tensors[step.inputs[1]] for step in dense]
    assert len(kernels) == 2
    assert [len(kernel.quantization.scale) for kernel in kernels] == [1, 1]


def test_the_stated_accuracies_are_those_of_the_two_files(converted: Converted, test_data: Dataset) -> None:
    """Counted here once more, without the code that counted for the manifest."""
    import keras

    model = read_model(str(converted.model))
    assert model.manifest is not None
    stated = model.manifest["accuracy"]
    float_model = keras.saving.load_model(converted.keras, compile=False)
    float_answers = float_model.predict(test_data.images.astype(np.float32), batch_size=500, verbose=0).argmax(axis=1)
    classifier = open_classifier(model, open_interpreter(model))
    int8_answers = classifier.probabilities(test_data.images).argmax(axis=1)
    assert stated["data"] == "Fashion-MNIST test"
    assert stated["images"] == 10_000
    assert stated["float"] == pytest.approx(np.mean(float_answers == test_data.labels), abs=2e-4)
    assert stated["int8"] == np.mean(int8_answers == test_data.labels)
    assert stated["drop"] == pytest.approx(100 * (stated["float"] - stated["int8"]))
    assert stated["agreement"] == pytest.approx(np.mean(float_answers == int8_answers), abs=4e-4)
    assert stated["float"] > 0.7 and stated["agreement"] > 0.95
    trousers = test_data.labels == 1
    assert stated["per_class"]["Trouser"] == np.mean(int8_answers[trousers] == 1)


def test_the_report_holds_both_confusions_and_no_folder(converted: Converted) -> None:
    text = converted.report.read_text("utf-8")
    report = json.loads(text)
    counts = report["counts"]
    assert sum(counts[key] for key in ("both", "only_float", "only_int8", "neither")) == 10_000
    for run, right in (("float_run", "only_float"), ("int8_run", "only_int8")):
        confusion = np.array(report[run]["confusion"])
        assert confusion.sum() == 10_000
        assert np.trace(confusion) == counts["both"] + counts[right]
    assert report["verdict"] == "passed" and report["int8"]["written"]
    assert report["int8"]["bytes"] == converted.model.stat().st_size
    assert report["command"].startswith("convert quantize tiny.keras --max-drop 2 ")
    assert str(converted.keras.parent) not in text
    assert str(converted.keras.parent).encode() not in converted.model.read_bytes()


def test_stdout_has_the_tables_and_stderr_the_progress(converted: Converted) -> None:
    lines = converted.result.stdout.splitlines()
    assert lines[0].strip() == "tiny on 10,000 test images"
    assert lines[-1].startswith("passed: int8 ") and lines[-1].endswith(str(converted.model))
    assert [line.split(":")[0] for line in converted.result.stderr.splitlines()] == [
        "load",
        "calibrate",
        "search",
        "evaluate float",
        "evaluate int8",
    ]


@pytest.mark.slow
@pytest.mark.subprocess
def test_another_process_writes_the_same_bytes_and_no_chatter(converted: Converted, tmp_path: Path) -> None:
    """From another folder, under another output name. TensorFlow's own output, from C++ too, reaches neither stream."""
    output = tmp_path / "again.tflite"
    done = subprocess.run(
        [sys.executable, "-m", "convert.cli", "quantize", converted.keras, "-o", output, "--max-drop", "2"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80"},
    )
    assert output.read_bytes() == converted.model.read_bytes()
    assert done.stdout.splitlines()[:-1] == converted.result.stdout.splitlines()[:-1]
    assert len(done.stderr.splitlines()) == 5, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "again.report.html",
        "again.report.json",
        "again.tflite",
    ]


@pytest.mark.parametrize("where", [0.02, 0.5, 0.97])
def test_a_changed_byte_is_noticed(converted: Converted, where: float) -> None:
    content = bytearray(converted.model.read_bytes())
    content[int(where * len(content))] ^= 0x10
    with pytest.raises(ModelDamaged):
        parse_model(bytes(content), converted.model)


def test_a_lost_end_is_noticed(converted: Converted) -> None:
    """Without its zip the file is still a valid TFLite model; the marker inside says that a manifest belongs to it."""
    content = converted.model.read_bytes()
    flatbuffer = read_model(str(converted.model)).flatbuffer
    assert parse_model(content, converted.model).manifest is not None
    with pytest.raises(ModelDamaged, match="lost its manifest"):
        parse_model(flatbuffer, converted.model)


def test_a_record_that_promises_more_than_the_model_keeps_is_doubted(
    converted: Converted, quantize: Quantize, add_record: AddRecord, tmp_path: Path
) -> None:
    import keras

    path = tmp_path / "boasts.keras"
    keras.saving.load_model(converted.keras, compile=False).save(path)
    add_record(path, test_accuracy=0.99)
    result = quantize(path, "--max-drop", 2)
    assert result.exception is None, result.exception
    assert "training recorded a test accuracy of 99.00%" in result.stdout
