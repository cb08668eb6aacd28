"""A float .tflite converts as its Keras parent does, also with an open batch; what cannot is refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from typer.testing import CliRunner

from convert.cli.app import app
from convert.inputs import float_file, float_graph
from convert.quiet import captured
from edge.errors import BadOption, ConversionRefused, FloatModelUnreadable, ModelDamaged, ModelNotFound
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import Model, read_model
from edge.spec import FASHION_MNIST_LABELS
from tests.convert.drawn_models import Drawing

if TYPE_CHECKING:
    from edge.datasets.dataset import Dataset
    from tests.convert.conftest import Converted, Quantize


def to_tflite(network: Any) -> bytes:
    """As most people do it; the batch stays open."""
    import tensorflow as tf

    with captured():
        return bytes(tf.lite.TFLiteConverter.from_keras_model(network).convert())


def plain(content: bytes) -> Model:
    return Model("plain", Path("plain.tflite"), content, (), None, gives_logits=False, manifest=None)


@pytest.fixture(scope="module")
def open_batch(converted: Converted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import keras

    path = tmp_path_factory.mktemp("float") / "tiny.tflite"
    path.write_bytes(to_tflite(keras.saving.load_model(converted.keras, compile=False)))
    return path


def test_it_converts_as_its_keras_parent_does(
    open_batch: Path, converted: Converted, quantize: Quantize, test_data: Dataset
) -> None:
    result = quantize(open_batch, "--max-drop", 2)
    assert result.exception is None, result.exception
    model, parent = read_model(str(open_batch.with_name("tiny_int8.tflite"))), read_model(str(converted.model))
    batch = (test_data.images[:1000].astype(np.int16) - 128).astype(np.int8)
    np.testing.assert_array_equal(open_interpreter(model).run(batch), open_interpreter(parent).run(batch))
    assert model.manifest is not None and parent.manifest is not None
    assert model.manifest["accuracy"]["float"] == pytest.approx(parent.manifest["accuracy"]["float"], abs=2e-4)
    report = json.loads(open_batch.with_name("tiny_int8.report.json").read_text("utf-8"))
    assert report["keras"]["format"] == "tflite"
    assert report["keras"]["sha256"] == model.manifest["provenance"]["tflite_sha256"]
    assert report["keras"]["kernel_weights"] == 784 * 24 + 240
    assert report["layers"]


def test_an_open_batch_is_closed_and_nothing_else_changes(test_data: Dataset) -> None:
    """A reshape whose shape is computed from the size of the batch: SHAPE, STRIDED_SLICE and PACK before it."""
    import keras

    from convert.tflite.graph import read_graphs

    keras.utils.set_random_seed(0)
    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Reshape((14, 56, 1)),
            layers.Conv2D(4, 3, strides=2),
            layers.Flatten(),
            layers.Dense(10),
        ]
    )
    before = to_tflite(network)
    after = float_graph.prepared(before)
    names = [[one.name for one in read_graphs(plain(content))[0].operations] for content in (before, after)]
    assert "SHAPE" in names[0]
    assert names[1] == ["RESHAPE", "CONV_2D", "RESHAPE", "FULLY_CONNECTED"]
    batch = test_data.images[:50].astype(np.float32)
    answers = [open_interpreter(plain(content)).run(batch) for content in (before, after)]
    np.testing.assert_array_equal(*answers)


def test_what_we_wrote_ourselves_brings_its_record(converted: Converted, quantize: Quantize, tmp_path: Path) -> None:
    """--scheme float32 states labels, pixel range and what was held out: nothing is measured or doubted again."""
    path = tmp_path / "ours.tflite"
    first = quantize(converted.keras, "--scheme", "float32", "-o", path)
    assert first.exception is None, first.exception
    result = quantize(path, "--max-drop", 2)
    assert result.exception is None, result.exception
    assert "fits best" not in result.stdout and "cannot be known" not in result.stdout
    manifest = read_model(str(tmp_path / "ours_int8.tflite")).manifest
    parents = read_model(str(converted.model)).manifest
    assert manifest is not None and parents is not None
    assert manifest["accuracy"]["int8"] == parents["accuracy"]["int8"]
    assert manifest["provenance"]["recipe"] == "tiny"
    assert manifest["provenance"]["calibration"]["held_out_of"] == 2000


def test_bytes_may_go_in(quantize: Quantize, converted: Converted, tmp_path: Path) -> None:
    import keras

    trained = keras.saving.load_model(converted.keras, compile=False)
    pixels = keras.Input((28, 28), dtype="uint8")
    bytewise = keras.Model(pixels, keras.Sequential(trained.layers)(keras.layers.Rescaling(1.0)(pixels)))
    (tmp_path / "bytes.tflite").write_bytes(to_tflite(bytewise))
    result = quantize(tmp_path / "bytes.tflite", "--max-drop", 2)
    assert result.exception is None, result.exception
    interpreter = open_interpreter(read_model(str(tmp_path / "bytes_int8.tflite")))
    assert (interpreter.input.scale, interpreter.input.zero_point) == (1.0, -128)


def test_its_pixel_range_is_measured_for_comparisons_too(open_batch: Path, converted: Converted) -> None:
    result = CliRunner().invoke(app, ["compare", str(open_batch), str(converted.keras), "-f", "json"])
    assert result.exception is None, result.exception
    found = json.loads(result.stdout)
    assert abs(found["drop"]) < 0.1
    assert CliRunner().invoke(app, ["inspect", str(open_batch)]).exception is None


def test_other_schemes_and_its_own_name_are_refused(open_batch: Path, quantize: Quantize) -> None:
    result = quantize(open_batch, "--scheme", "int16x8")
    assert isinstance(result.exception, ConversionRefused)
    assert "cannot be made of a .tflite, only int8" in result.exception.message
    content = open_batch.read_bytes()
    result = quantize(open_batch, "-o", open_batch)
    assert isinstance(result.exception, BadOption)
    assert "would overwrite the float model" in result.exception.message
    assert open_batch.read_bytes() == content


def test_what_is_quantised_already_is_refused(converted: Converted, quantize: Quantize, tmp_path: Path) -> None:
    result = quantize(converted.model, "-o", tmp_path / "x.tflite")
    assert isinstance(result.exception, FloatModelUnreadable)
    assert "not a float model" in result.exception.message and "INT8" in result.exception.message
    assert "float model that it was made of" in result.exception.hint
    for scheme in ("float16", "dynamic"):
        half = tmp_path / f"{scheme}.tflite"
        assert quantize(converted.keras, "--scheme", scheme, "-o", half, "--max-drop", 2).exception is None
        with pytest.raises(FloatModelUnreadable, match="not a float model"):
            float_file.inspect(half)


def drawn(path: Path, shape: tuple[int, ...], outputs: int = 10, content: Any = None, **more: Any) -> Path:
    """A Dense layer drawn by hand, of pictures of this shape."""
    from ai_edge_litert import schema_py_generated as schema

    drawing = Drawing()
    given = drawing.tensor(*shape, kind="FLOAT32", **more)
    kernel = np.zeros((outputs, 784), np.float32) if content is None else content
    weights = drawing.constant(kernel, "FLOAT32")
    result = drawing.tensor(1, outputs, kind="FLOAT32")
    drawing.operation("FULLY_CONNECTED", [given, weights], result, 1, schema.FullyConnectedOptionsT())
    drawing.ends(given, result)
    path.write_bytes(drawing.flatbuffer())
    return path


@pytest.mark.parametrize(
    ("shape", "more", "said"),
    [
        ((1, 7, 7), {}, "expected an input of one of the shapes"),
        ((8, 28, 28), {}, "expected an open batch or one of 1"),
        ((1, 28, 28), {"signature": (-1, -1, 28)}, "open dimensions beside the batch"),
        ((1, 784), {"outputs": 9}, "one output for each of the 10 labels"),
        ((1, 784), {"content": np.full((10, 784), np.nan)}, "NaN or infinity"),
    ],
)
def test_shapes_and_weights_that_do_not_fit(
    tmp_path: Path, shape: tuple[int, ...], more: dict[str, Any], said: str
) -> None:
    path = drawn(tmp_path / "m.tflite", shape, **more)
    with pytest.raises(FloatModelUnreadable, match=said) as caught:
        float_file.load(path, FASHION_MNIST_LABELS)
    assert caught.value.hint


def test_two_inputs(tmp_path: Path) -> None:
    drawing = Drawing()
    one, other = (drawing.tensor(1, 784, kind="FLOAT32") for _ in range(2))
    result = drawing.operation("ADD", [one, other], drawing.tensor(1, 784, kind="FLOAT32"))
    drawing.ends(one, result)
    drawing.graph.inputs = [one, other]
    (tmp_path / "m.tflite").write_bytes(drawing.flatbuffer())
    with pytest.raises(FloatModelUnreadable, match="the model has 2 and 1"):
        float_file.inspect(tmp_path / "m.tflite")


def test_damaged_and_absent_ones(open_batch: Path, quantize: Quantize, tmp_path: Path) -> None:
    assert isinstance(quantize(tmp_path / "absent.tflite").exception, ModelNotFound)
    path = tmp_path / "m.tflite"
    path.write_bytes(b"hello")
    assert isinstance(quantize(path).exception, ModelDamaged)
    content = open_batch.read_bytes()
    path.write_bytes(content[: len(content) // 3])
    assert isinstance(quantize(path).exception, ModelDamaged)
