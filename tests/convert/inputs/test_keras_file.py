"""Files that are no model of ours are refused by name, before anything is written and without running their code."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from convert.inputs import keras_file
from edge.errors import FloatModelUnreadable, KerasModelUnreadable
from edge.spec import FASHION_MNIST_LABELS

if TYPE_CHECKING:
    from tests.convert.conftest import AddRecord, Quantize


def refusal(path: Path) -> str:
    """The message and hint with which a file is refused."""
    with pytest.raises(KerasModelUnreadable) as caught:
        keras_file.load(path, FASHION_MNIST_LABELS)
    assert caught.value.hint
    return f"{caught.value.message} / {caught.value.hint}"


def save(path: Path, *layers: Any) -> Path:
    import keras

    keras.Sequential(list(layers)).save(path)
    return path


def test_no_such_file(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "absent.keras")
    assert "a folder" in refusal(tmp_path)


def test_a_text_file(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    path.write_text("hello")
    assert "is not a Keras file" in refusal(path)
    path.write_bytes(b"")
    assert "is not a Keras file" in refusal(path)


def test_a_zip_without_a_model(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("holiday.txt", "sun")
    assert "not a Keras model" in refusal(path)


def test_a_truncated_file(tiny: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    content = tiny.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert "truncated or damaged" in refusal(path)


@pytest.mark.parametrize("where", [0.2, 0.5, 0.8])
def test_a_flipped_bit(tiny: Path, tmp_path: Path, where: float) -> None:
    path = tmp_path / "model.keras"
    content = bytearray(tiny.read_bytes())
    content[int(where * len(content))] ^= 1
    path.write_bytes(content)
    assert "damaged" in refusal(path)


def test_damage_with_a_right_checksum(tiny: Path, tmp_path: Path) -> None:
    """Weights that are no HDF5, in a zip that is in order: Keras itself finds it out."""
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(tiny) as archive, zipfile.ZipFile(path, "w") as copy:
        copy.writestr("config.json", archive.read("config.json"))
        copy.writestr("metadata.json", archive.read("metadata.json"))
        copy.writestr("model.weights.h5", b"nothing")
    assert "Keras cannot load it" in refusal(path)


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_the_older_format_is_read_alike(tiny: Path, tmp_path: Path, quantize: Quantize) -> None:
    import keras

    path = tmp_path / "old.h5"
    keras.saving.load_model(tiny, compile=False).save(path)
    keras_file.inspect(path)
    found = keras_file.load(path, FASHION_MNIST_LABELS)
    assert found.record is None
    assert found.kernel_weights == keras_file.load(tiny, FASHION_MNIST_LABELS).kernel_weights
    result = quantize(path, "--pixels", "255", "--max-drop", 2, "-o", tmp_path / "old.tflite")
    assert result.exception is None, result.exception


def test_an_older_file_that_is_damaged_or_holds_weights_alone(tiny: Path, tmp_path: Path) -> None:
    import h5py
    import keras

    path = tmp_path / "old.h5"
    model = keras.saving.load_model(tiny, compile=False)
    model.save(path)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(KerasModelUnreadable, match="truncated or damaged"):
        keras_file.inspect(path)
    model.save_weights(tmp_path / "only.weights.h5")
    with pytest.raises(KerasModelUnreadable, match="weights alone"):
        keras_file.inspect(tmp_path / "only.weights.h5")
    with h5py.File(tmp_path / "odd.h5", "w") as file:
        file.attrs["model_config"] = "{"
    with pytest.raises(KerasModelUnreadable, match="not JSON"):
        keras_file.inspect(tmp_path / "odd.h5")


def test_a_lambda_in_the_older_format_never_runs(tmp_path: Path) -> None:
    import keras

    layers = [keras.layers.Lambda(lambda x: x / 255), keras.layers.Flatten(), keras.layers.Dense(10)]
    path = tmp_path / "lambda.h5"
    keras.Sequential([keras.Input((28, 28)), *layers]).save(path)
    with pytest.raises(KerasModelUnreadable, match="a Lambda layer, whose Python code would run"):
        keras_file.inspect(path)


def test_a_lambda_layer_never_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    trace = tmp_path / "it ran"

    monkeypatch.setenv("FMNIST_EDGE_TEST_TRACE", str(trace))
    # Keras stores a lambda as bytecode: it must stand alone.
    touch = "__import__('pathlib').Path(__import__('os').environ['FMNIST_EDGE_TEST_TRACE']).touch()"
    betray = eval(f"lambda pixels: ({touch}, pixels)[1]")
    layer = keras.layers.Lambda(betray, output_shape=(28, 28))
    path = save(tmp_path / "m.keras", keras.Input((28, 28)), layer, keras.layers.Flatten(), keras.layers.Dense(10))
    trace.unlink(missing_ok=True)
    assert "Python code would run" in refusal(path)
    assert not trace.exists()
    # The plant is a real one: trusted, it runs.
    keras.saving.load_model(path, safe_mode=False)(np.zeros((1, 28, 28), np.float32))
    assert trace.exists()


def test_what_our_own_look_misses_keras_refuses(tiny: Path, tmp_path: Path) -> None:
    """A layer of Keras' own that loads a SavedModel, and with it any operations, from a path."""
    import keras

    archive = keras.export.ExportArchive()
    archive.track(keras.saving.load_model(tiny, compile=False))
    signature = [keras.InputSpec(shape=(None, 28, 28), dtype="float32")]
    archive.add_endpoint("serve", lambda pixels: pixels, signature)
    archive.write_out(str(tmp_path / "foreign"), verbose=False)
    foreign = keras.layers.TFSMLayer(str(tmp_path / "foreign"), call_endpoint="serve")
    path = save(tmp_path / "m.keras", keras.Input((28, 28)), foreign, keras.layers.Flatten(), keras.layers.Dense(10))
    assert "Keras cannot load it" in refusal(path)
    # The plant is a real one: trusted, it loads.
    assert keras.saving.load_model(path, safe_mode=False) is not None


def test_a_custom_layer(tmp_path: Path) -> None:
    import keras

    class Mystery(keras.layers.Layer):
        def call(self, pixels: Any) -> Any:
            return pixels

    path = save(tmp_path / "m.keras", keras.Input((28, 28)), Mystery(), keras.layers.Flatten(), keras.layers.Dense(10))
    assert "custom class Mystery" in refusal(path)


def test_a_custom_loss_does_no_harm(tmp_path: Path) -> None:
    import keras

    class OwnLoss(keras.losses.Loss):
        def call(self, y_true: Any, y_pred: Any) -> Any:
            return keras.losses.sparse_categorical_crossentropy(y_true, y_pred)

    model = keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")])
    model.compile("adam", OwnLoss())
    model.save(tmp_path / "m.keras")
    assert keras_file.load(tmp_path / "m.keras", FASHION_MNIST_LABELS).input_shape == (28, 28)


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 1), (784,)])
def test_shapes_that_are_taken(tmp_path: Path, shape: tuple[int, ...]) -> None:
    import keras

    path = save(tmp_path / "m.keras", keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(10))
    loaded = keras_file.load(path, FASHION_MNIST_LABELS)
    assert loaded.input_shape == shape
    assert loaded.kernel_weights == 7840
    assert loaded.record is None


@pytest.mark.parametrize("shape", [(7, 7), (28, 28, 2), (1, 28, 28), (None, 28), (783,)])
def test_a_wrong_input_shape(tmp_path: Path, shape: tuple[int | None, ...]) -> None:
    import keras

    flatten = [] if None in shape else [keras.layers.Flatten()]
    path = save(tmp_path / "m.keras", keras.Input(shape), *flatten, keras.layers.Dense(10))
    assert f"the model takes (None, {shape[0]}" in refusal(path)


def test_an_input_of_bytes(tmp_path: Path) -> None:
    import keras

    given = keras.Input((28, 28), dtype="uint8")
    path = save(
        tmp_path / "m.keras", given, keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(10)
    )
    assert "expected a float32 input, the model takes uint8" in refusal(path)


@pytest.mark.parametrize("classes", [9, 11, 1])
def test_a_wrong_number_of_outputs(tmp_path: Path, classes: int) -> None:
    import keras

    path = save(tmp_path / "m.keras", keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(classes))
    assert f"the model gives (None, {classes})" in refusal(path)


def test_several_outputs_or_inputs(tmp_path: Path) -> None:
    import keras

    first, second = keras.Input((784,)), keras.Input((784,))
    twice = [keras.layers.Dense(10)(first), keras.layers.Dense(10)(first)]
    keras.Model(first, twice).save(tmp_path / "out.keras")
    assert "the model has 1 and 2" in refusal(tmp_path / "out.keras")
    both = keras.layers.Dense(10)(keras.layers.Add()([first, second]))
    keras.Model([first, second], both).save(tmp_path / "in.keras")
    assert "the model has 2 and 1" in refusal(tmp_path / "in.keras")


@pytest.mark.filterwarnings("ignore:You are saving a model that has not yet been built")
def test_a_model_that_was_never_built(tmp_path: Path) -> None:
    import keras

    path = save(tmp_path / "m.keras", keras.layers.Flatten(), keras.layers.Dense(10))
    assert "Keras cannot load it" in refusal(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_numbers(tmp_path: Path, value: float) -> None:
    import keras

    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, name="last")])
    kernel = model.layers[0].kernel
    kernel.assign(np.where(np.arange(7840).reshape(784, 10) == 77, value, 0.1))
    model.save(tmp_path / "m.keras")
    assert "last/kernel hold NaN or infinity" in refusal(tmp_path / "m.keras")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"v": 2}, "expected version 1"),
        ({"labels": ["a", "a"]}, "labels must be distinct"),
        ({"input": {"height": 28, "width": 28, "low": 1, "high": 0}}, "low < high"),
        ({"input": 28}, "not valid"),
        ({"validation_images": 0}, "held out of training"),
        ({"test_accuracy": "good"}, "not valid"),
    ],
)
def test_a_senseless_training_record(tmp_path: Path, add_record: AddRecord, change: dict[str, Any], said: str) -> None:
    import keras

    path = save(tmp_path / "m.keras", keras.Input((784,)), keras.layers.Dense(10))
    add_record(path, **change)
    assert said in refusal(path)


def test_other_labels_than_those_of_the_proof(quantize: Quantize, add_record: AddRecord, tmp_path: Path) -> None:
    import keras

    path = save(tmp_path / "m.keras", keras.Input((784,)), keras.layers.Dense(10))
    add_record(path, labels=[f"digit {number}" for number in range(10)])
    result = quantize(path)
    assert isinstance(result.exception, FloatModelUnreadable)
    assert "other labels" in result.exception.message
    assert [found.name for found in tmp_path.iterdir()] == ["m.keras"]
