"""A SavedModel converts as its Keras parent does, and one that is none of ours is refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from typer.testing import CliRunner

from convert.cli.app import app
from convert.inputs import saved_model
from edge.errors import BadOption, ConversionRefused, FloatModelUnreadable
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import read_model
from edge.spec import FASHION_MNIST_LABELS

if TYPE_CHECKING:
    from edge.datasets.dataset import Dataset
    from tests.convert.conftest import Converted, Quantize

PICTURE = (None, 28, 28)


def write(folder: Path, serve: Callable[..., Any], *specs: Any, **signatures: Any) -> Path:
    """A SavedModel of functions; `serve` becomes its serving signature if it gets input specs."""
    import tensorflow as tf

    module = tf.Module()
    module.weight = tf.Variable(np.full((28 * 28, 10), 0.01, np.float32), name="weight")
    if specs:
        signatures = {
            "serving_default": tf.function(lambda *given: serve(module, *given)).get_concrete_function(*specs)
        }
    tf.saved_model.save(module, str(folder), signatures=signatures or None)
    return folder


def spec(*shape: int | None, kind: str = "float32", name: str = "pixels") -> Any:
    import tensorflow as tf

    return tf.TensorSpec(shape, kind, name=name)


def scores(module: Any, pixels: Any) -> Any:
    import tensorflow as tf

    return tf.reshape(tf.cast(pixels, tf.float32), (-1, 784)) @ module.weight


@pytest.fixture(scope="module")
def exported(converted: Converted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `model.export` makes of the tiny network: the batch is open."""
    import keras

    path = tmp_path_factory.mktemp("saved") / "tiny.v1"
    keras.saving.load_model(converted.keras, compile=False).export(str(path), verbose=False)
    return path


def test_it_converts_as_its_keras_parent_does(
    exported: Path, converted: Converted, quantize: Quantize, test_data: Dataset
) -> None:
    """The same answers to the bit, and the same accuracy of the float parent, which TensorFlow runs here."""
    result = quantize(exported, "--max-drop", 2)
    assert result.exception is None, result.exception
    model, parent = read_model(f"{exported}_int8.tflite"), read_model(str(converted.model))
    assert model.name == "tiny.v1"
    batch = (test_data.images[:1000].astype(np.int16) - 128).astype(np.int8)
    np.testing.assert_array_equal(open_interpreter(model).run(batch), open_interpreter(parent).run(batch))
    assert model.manifest is not None and parent.manifest is not None
    stated = model.manifest["accuracy"]
    assert stated["float"] == pytest.approx(parent.manifest["accuracy"]["float"], abs=2e-4)
    assert stated["int8"] == parent.manifest["accuracy"]["int8"]
    report = json.loads(exported.with_name("tiny.v1_int8.report.json").read_text("utf-8"))
    assert (report["keras"]["file"], report["keras"]["format"]) == ("tiny.v1", "saved_model")
    assert report["keras"]["sha256"] == model.manifest["provenance"]["saved_model_sha256"]
    assert report["command"].startswith("convert quantize tiny.v1 ")
    assert "0..255 fits best" in result.stdout
    assert str(exported.parent) not in json.dumps(report)


def test_other_schemes_come_out_of_it(exported: Path, quantize: Quantize, tmp_path: Path) -> None:
    result = quantize(exported, "--scheme", "float16", "--max-drop", 2, "-o", tmp_path / "half.tflite")
    assert result.exception is None, result.exception


def test_it_is_evaluated_beside_what_was_made_of_it(exported: Path, converted: Converted) -> None:
    result = CliRunner().invoke(app, ["compare", str(exported), str(converted.model), "-f", "json"])
    assert result.exception is None, result.exception
    one, other = json.loads(result.stdout)["models"]
    assert one["runtime"].startswith("tensorflow ")
    assert abs(one["accuracy"] - other["accuracy"]) < 0.02


@pytest.mark.parametrize(
    ("first", "batch"),
    [
        ("Rescaling", None),
        *(pytest.param(*one, marks=pytest.mark.slow) for one in (("Rescaling", 1), ("Reshape", None), ("Reshape", 1))),
    ],
)
def test_bytes_may_go_in(
    converted: Converted, quantize: Quantize, tmp_path: Path, test_data: Dataset, first: str, batch: int | None
) -> None:
    """The cast to floats goes away: the int8 model is the one that floats give, and its input is pixel - 128."""
    import keras

    layers = keras.layers
    trained = keras.saving.load_model(converted.keras, compile=False)
    pixels = keras.Input(batch_shape=(batch, 28, 28), dtype="uint8")
    x = pixels if first == "Rescaling" else layers.Reshape((28, 28))(pixels)
    bytewise = keras.Model(pixels, keras.Sequential(trained.layers)(layers.Rescaling(1.0)(x)))
    bytewise.export(str(tmp_path / "bytes"), verbose=False)
    result = quantize(tmp_path / "bytes", "--max-drop", 2)
    assert result.exception is None, result.exception
    model = read_model(str(tmp_path / "bytes_int8.tflite"))
    interpreter = open_interpreter(model)
    assert (interpreter.input.scale, interpreter.input.zero_point) == (1.0, -128)
    given = (test_data.images[:500].astype(np.int16) - 128).astype(np.int8)
    ours, parents = (
        one.run(given).argmax(1) for one in (interpreter, open_interpreter(read_model(str(converted.model))))
    )
    assert np.mean(ours == parents) > 0.99
    refused = quantize(tmp_path / "bytes", "--scheme", "float16")
    assert isinstance(refused.exception, ConversionRefused)
    assert "takes bytes, only int8" in refused.exception.message
    odd = quantize(tmp_path / "bytes", "--pixels", "1")
    assert isinstance(odd.exception, BadOption)


def test_bytes_that_are_not_cast_first_are_refused(tmp_path: Path) -> None:
    import tensorflow as tf

    def odd(module: Any, pixels: Any) -> Any:
        return scores(module, tf.transpose(pixels, (0, 2, 1)))

    path = write(tmp_path / "odd", odd, spec(*PICTURE, kind="uint8"))
    with pytest.raises(FloatModelUnreadable, match="not made floats of by a CAST"):
        saved_model.load(path, FASHION_MNIST_LABELS)


def test_no_folder_of_a_model(tmp_path: Path, quantize: Quantize) -> None:
    result = quantize(tmp_path)
    assert isinstance(result.exception, FloatModelUnreadable)
    assert "without saved_model.pb" in result.exception.message
    assert result.exception.exit_code == 10
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("broken", ["saved_model.pb", "variables/variables.index"])
def test_a_damaged_one(exported: Path, tmp_path: Path, broken: str) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(exported, copy)
    (copy / broken).write_bytes(b"\xff" * 40)
    with pytest.raises(FloatModelUnreadable, match="TensorFlow cannot load it"):
        saved_model.load(copy, FASHION_MNIST_LABELS)


@pytest.mark.parametrize(
    ("specs", "said"),
    [
        ([(None, 7, 7)], "expected an input of one of the shapes"),
        ([(None, None, None)], "expected an input of one of the shapes"),
        ([PICTURE, PICTURE], "expected one input, its signature has 2"),
    ],
)
def test_inputs_that_do_not_fit(tmp_path: Path, specs: list[tuple[int | None, ...]], said: str) -> None:
    import tensorflow as tf

    def first(module: Any, pixels: Any, *others: Any) -> Any:
        flat = tf.reshape(pixels, (tf.shape(pixels)[0], -1))[:, :784]
        mixed = tf.add_n([tf.reduce_sum(other) for other in others]) if others else 0.0
        return tf.reshape(flat, (-1, 784)) @ module.weight + mixed

    path = write(tmp_path / "m", first, *(spec(*one, name=f"x{at}") for at, one in enumerate(specs)))
    with pytest.raises(FloatModelUnreadable, match=said):
        saved_model.load(path, FASHION_MNIST_LABELS)


def test_types_outputs_and_signatures_that_do_not_fit(tmp_path: Path) -> None:
    import tensorflow as tf

    def refusal(path: Path) -> str:
        with pytest.raises(FloatModelUnreadable) as caught:
            saved_model.load(path, FASHION_MNIST_LABELS)
        assert caught.value.hint
        return caught.value.message

    assert "takes int32" in refusal(write(tmp_path / "a", scores, spec(*PICTURE, kind="int32")))
    twice = write(tmp_path / "b", lambda m, x: {"one": scores(m, x), "two": scores(m, x)}, spec(*PICTURE))
    assert "expected one output, its signature has 2" in refusal(twice)
    nine = write(tmp_path / "c", lambda m, x: scores(m, x)[:, :9], spec(*PICTURE))
    assert "one output for each of the 10 labels" in refusal(nine)
    assert "it has no signature" in refusal(write(tmp_path / "d", scores))
    one, two = (tf.function(lambda x: x * 2.0, input_signature=[spec(*PICTURE)]) for _ in range(2))
    assert "its signatures are first, second" in refusal(write(tmp_path / "e", scores, first=one, second=two))
    diverged = write(tmp_path / "f", scores, spec(*PICTURE))
    loaded = tf.saved_model.load(str(diverged))
    loaded.weight.assign(np.full((784, 10), np.nan, np.float32))
    tf.saved_model.save(loaded, str(tmp_path / "g"), signatures=loaded.signatures["serving_default"])
    assert "NaN or infinity" in refusal(tmp_path / "g")
