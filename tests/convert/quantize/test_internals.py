"""TensorFlow's two internal calls are there; without them conversion goes on by the public way, and says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from convert.inputs.keras_export import exporter
from convert.quantize import internals
from convert.quantize.converter import calibrate, convert_plainly
from convert.settings import Rule
from edge.errors import ConversionRefused
from edge.spec import ImageSpec

if TYPE_CHECKING:
    from tests.convert.conftest import Converted, Quantize

PICTURES = np.random.default_rng(0).integers(0, 256, (12, 28, 28)).astype(np.float32)
PICTURES[0, 0, :2] = 0, 255


def residual() -> object:
    """An addition of two convolutions, whose result TFLite writes into the memory of one of them."""
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    pixels = keras.Input((28, 28))
    x = layers.Reshape((28, 28, 1))(pixels)
    one, other = (layers.Conv2D(8, 3, strides=2, name=name)(x) for name in ("one", "other"))
    x = layers.ReLU()(layers.Add()([one, layers.Rescaling(20.0)(other)]))
    return keras.Model(pixels, layers.Dense(10, "softmax")(layers.Flatten()(x)))


def test_this_tensorflow_has_them() -> None:
    """The day this fails, a new TensorFlow has dropped them: `convert` then has min-max calibration only."""
    calibrated = calibrate(exporter(residual()), PICTURES, ImageSpec(), lambda done: None)
    assert calibrated.rules == tuple(Rule)
    assert calibrated.quantise(Rule.MEAN, 12)[4:8] == b"TFL3"


def test_the_ranges_are_those_of_the_activations_themselves() -> None:
    """Computed here once more by Keras, layer by layer."""
    import keras
    from ai_edge_litert import schema_py_generated as schema

    model = residual()
    calibrated = calibrate(exporter(model), PICTURES, ImageSpec(), lambda done: None)
    inner = keras.Model(model.inputs, [model.get_layer("one").output])  # type: ignore[attr-defined]
    seen = np.asarray(inner.predict(PICTURES, verbose=0))
    ranges = calibrated.statistics.ranges(Rule.MIN_MAX, 12)
    expected = [min(0, seen.min()), max(0, seen.max())]
    assert np.isclose(ranges, expected, rtol=1e-4).all(axis=1).any(), (ranges, expected)
    graph = schema.ModelT.InitFromPackedBuf(bytearray(calibrated.quantise(Rule.MIN_MAX, 12)), 0).subgraphs[0]
    pixels = graph.tensors[graph.inputs[0]].quantization
    assert (list(pixels.scale), list(pixels.zeroPoint)) == ([1.0], [-128])


def test_a_rule_that_clips_leaves_the_pixels_exact() -> None:
    """The picture's range is known; only what the network computes of it is calibrated."""
    from ai_edge_litert import schema_py_generated as schema

    dim = (PICTURES * 0.2).round()
    calibrated = calibrate(exporter(residual()), dim, ImageSpec(), lambda done: None)
    graph = schema.ModelT.InitFromPackedBuf(bytearray(calibrated.quantise(Rule.PERCENTILE_99_9, 12)), 0).subgraphs[0]
    pixels = graph.tensors[graph.inputs[0]].quantization
    assert (list(pixels.scale), list(pixels.zeroPoint)) == ([1.0], [-128])


def test_progress_counts_both_passes() -> None:
    seen: list[int] = []
    calibrate(exporter(residual()), PICTURES, ImageSpec(), seen.append)
    assert seen == list(range(1, 25))


def test_without_them_the_public_converter_does_it(
    converted: Converted, quantize: Quantize, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_converter: object) -> bytes:
        raise internals.InternalsMissing("TFLiteConverter has no _experimental_calibrate_only")

    monkeypatch.setattr(internals, "calibrated_graph", missing)
    result = quantize(converted.keras, "-o", tmp_path / "plain.tflite", "--max-drop", 2)
    assert result.exception is None, result.exception
    assert "note: only min-max calibration: TFLiteConverter has no _experimental_calibrate_only" in result.stdout
    report = json.loads((tmp_path / "plain.report.json").read_text("utf-8"))
    assert [trial["rule"] for trial in report["search"]["trials"]] == ["min-max"]
    refused = quantize(converted.keras, "-o", tmp_path / "mse.tflite", "--calibration", "mse")
    assert isinstance(refused.exception, ConversionRefused)
    assert "--calibration mse needs a part of TensorFlow" in refused.exception.message


def test_without_the_quantiser_a_file_that_only_it_can_quantise_is_refused(
    converted: Converted, quantize: Quantize, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow as tf
    from tensorflow.lite.python import convert as inside

    network = keras_model(converted.keras)
    content = tf.lite.TFLiteConverter.from_keras_model(network).convert()
    (tmp_path / "m.tflite").write_bytes(content)
    monkeypatch.delattr(inside, "mlir_quantize")
    refused = quantize(tmp_path / "m.tflite")
    assert isinstance(refused.exception, ConversionRefused)
    assert "this TensorFlow cannot quantise it" in refused.exception.message
    result = quantize(converted.keras, "-o", tmp_path / "plain.tflite", "--max-drop", 2)
    assert result.exception is None, result.exception
    assert "note: only min-max calibration" in result.stdout


def keras_model(path: Path) -> object:
    import keras

    return keras.saving.load_model(path, compile=False)


def test_what_was_renamed_inside_is_found_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    from tensorflow.lite.python import convert as inside

    calibrated = calibrate(exporter(residual()), PICTURES, ImageSpec(), lambda done: None)
    monkeypatch.setattr(inside, "mlir_quantize", lambda graph, other_name: graph)
    with pytest.raises(internals.InternalsMissing):
        calibrated.quantise(Rule.MEAN, 12)
    with pytest.raises(internals.InternalsMissing, match="no _experimental_calibrate_only"):
        internals.calibrated_graph(object())


def test_both_ways_agree_where_no_addition_shares_memory() -> None:
    """A chain of layers: the public converter's min-max and ours give the same answers."""
    import keras

    from edge.inference.interpreters import open_interpreter
    from edge.inference.model_file import Model

    layers = keras.layers
    chain = keras.Sequential([keras.Input((28, 28)), layers.Flatten(), layers.Dense(32, "relu"), layers.Dense(10)])
    ours = calibrate(exporter(chain), PICTURES, ImageSpec(), lambda done: None).quantise(Rule.MIN_MAX, 12)
    public = convert_plainly(exporter(chain), PICTURES, ImageSpec(), lambda done: None).flatbuffer
    batch = (PICTURES - 128).astype(np.int8)
    answers = [
        open_interpreter(Model("chain", Path("chain"), content, (), None, gives_logits=True, manifest={})).run(batch)
        for content in (ours, public)
    ]
    assert np.abs(answers[0].astype(int) - answers[1]).max() <= 1
