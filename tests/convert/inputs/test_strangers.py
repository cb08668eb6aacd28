"""Files that others wrote: older Keras, named ends, half precision, fixed batches, layers that only training needs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

keras = pytest.importorskip("keras")

from convert.inputs import readers  # noqa: E402
from convert.inputs.source import Source  # noqa: E402
from convert.inputs.tensorflow_converter import float_flatbuffer  # noqa: E402
from edge.errors import ConversionRefused, KerasModelUnreadable, MissingExtra  # noqa: E402

PICTURES = np.random.default_rng(0).integers(0, 256, (5, 28, 28)).astype(np.float32)


def answers(source: Source) -> np.ndarray:
    return source.interpreter.run(PICTURES.reshape(-1, *source.input_shape))


def network(*, inner: tuple[Any, ...] = (), **options: Any) -> Any:
    layers = keras.layers
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((28, 28, 1), **options),
            layers.Rescaling(1 / 255),
            *inner,
            layers.Conv2D(4, 3, strides=2, activation="relu"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )


def expected(model: Any) -> np.ndarray:
    return np.asarray(model(PICTURES[..., np.newaxis], training=False), np.float32)


def rewritten(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the configuration within an .h5 file, as older versions of Keras wrote it."""
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        change(config)
        file.attrs["model_config"] = json.dumps(config)


def bare_list(config: dict[str, Any]) -> None:
    config["config"] = config["config"]["layers"]


def initializers_with_dtype(config: dict[str, Any]) -> None:
    for layer in config["config"]["layers"]:
        for value in layer["config"].values():
            if isinstance(value, dict) and value.get("class_name") in {"GlorotUniform", "Zeros", "Ones"}:
                value["config"]["dtype"] = "float32"


def both(config: dict[str, Any]) -> None:
    initializers_with_dtype(config)
    bare_list(config)


@pytest.fixture
def old_file(tmp_path: Path) -> tuple[Path, np.ndarray]:
    """An .h5 file of Keras 2, with `batch_input_shape` in its first layer."""
    tf_keras = pytest.importorskip("tf_keras")
    tf_keras.utils.set_random_seed(2)
    layers = tf_keras.layers
    model = tf_keras.Sequential(
        [layers.Flatten(input_shape=(28, 28)), layers.Dense(8, activation="relu"), layers.Dense(10, "softmax")]
    )
    path = tmp_path / "old.h5"
    model.save(path)
    return path, np.asarray(model(PICTURES))


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("change", [lambda config: None, bare_list, initializers_with_dtype, both])
def test_files_of_keras_2_and_1_give_the_same_answers(
    old_file: tuple[Path, np.ndarray], change: Callable[[dict[str, Any]], None]
) -> None:
    path, wanted = old_file
    rewritten(path, change)
    source = readers.load(path)
    np.testing.assert_allclose(answers(source), wanted, atol=1e-5)


def write_recurrent(path: Path, steps: int, kind: str) -> np.ndarray:
    """An .h5 file of Keras 2 with a recurrent layer; its answers."""
    tf_keras = pytest.importorskip("tf_keras")
    tf_keras.utils.set_random_seed(2)
    layers = tf_keras.layers
    layer = layers.Bidirectional(layers.LSTM(3)) if kind == "Bidirectional" else getattr(layers, kind)(3)
    model = tf_keras.Sequential([layers.Reshape((steps, 784 // steps), input_shape=(28, 28)), layer, layers.Dense(10)])
    model.save(path)
    rewritten(path, bare_list)
    return np.asarray(model(PICTURES))


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN", "Bidirectional"])
def test_recurrent_layers_of_keras_2_are_unrolled(tmp_path: Path, kind: str) -> None:
    wanted = write_recurrent(tmp_path / "old.h5", 4, kind)
    source = readers.load(tmp_path / "old.h5")
    np.testing.assert_allclose(answers(source), wanted, atol=1e-5)
    assert source.export is not None
    float_flatbuffer(source.export)  # which has no form for a loop


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_recurrent_layers_of_keras_2_with_too_many_steps_are_refused(tmp_path: Path) -> None:
    write_recurrent(tmp_path / "old.h5", 784, "SimpleRNN")
    with pytest.raises(ConversionRefused, match=r"SimpleRNN: .*784 steps are too many"):
        readers.load(tmp_path / "old.h5")


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_without_tf_keras_the_extra_is_named(
    old_file: tuple[Path, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = old_file
    rewritten(path, both)
    monkeypatch.setitem(sys.modules, "tf_keras", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *_: None if name == "tf_keras" else object())
    with pytest.raises(MissingExtra, match=r"tf_keras can") as caught:
        readers.load(path)
    assert "keras2" in (caught.value.hint or "")
    assert caught.value.exit_code == 8


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_a_lambda_in_an_old_file_is_refused_unread(old_file: tuple[Path, np.ndarray]) -> None:
    path, _ = old_file

    def plant(config: dict[str, Any]) -> None:
        config["config"]["layers"].append({"class_name": "Lambda", "config": {"name": "evil", "function": ["code"]}})
        bare_list(config)

    rewritten(path, plant)
    with pytest.raises(KerasModelUnreadable, match="Lambda layer, whose Python code would run"):
        readers.load(path)


@pytest.mark.parametrize("container", ["dict", "list", "both"])
def test_one_input_and_one_output_in_any_container(tmp_path: Path, container: str) -> None:
    given = keras.Input((28, 28, 1), name="image")
    inner = network()
    result = inner(given)
    inputs: Any = {"dict": {"image": given}, "list": [given], "both": {"image": given}}[container]
    outputs: Any = {"dict": {"scores": result}, "list": [result], "both": [result]}[container]
    keras.Model(inputs, outputs).save(tmp_path / "named.keras")
    source = readers.load(tmp_path / "named.keras")
    np.testing.assert_allclose(answers(source), expected(inner), atol=1e-5)


def test_more_inputs_are_refused(tmp_path: Path) -> None:
    one, two = keras.Input((28, 28, 1), name="one"), keras.Input((28, 28, 1), name="two")
    keras.Model({"one": one, "two": two}, network()(keras.layers.Add()([one, two]))).save(tmp_path / "two.keras")
    with pytest.raises(KerasModelUnreadable, match="the model has 2 and 1"):
        readers.load(tmp_path / "two.keras")


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "bfloat16", "float16"])
def test_half_precision_is_cast_to_float32(tmp_path: Path, policy: str) -> None:
    with_policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = network()
        model.save(tmp_path / "half.keras")
    finally:
        keras.config.set_dtype_policy(with_policy)
    source = readers.load(tmp_path / "half.keras")
    assert answers(source).dtype == np.float32
    np.testing.assert_allclose(answers(source), expected(model), atol=0.03)
    assert any("cast to float32" in note for note in source.notes)


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_fixed_batch_is_opened(tmp_path: Path, suffix: str) -> None:
    model = network(batch_size=32)
    model.save(tmp_path / f"fixed{suffix}")
    source = readers.load(tmp_path / f"fixed{suffix}")
    assert source.input_shape == (28, 28, 1)
    wanted = np.asarray(model(np.resize(PICTURES[..., np.newaxis], (32, 28, 28, 1)), training=False))[:5]
    np.testing.assert_allclose(answers(source), wanted, atol=1e-5)
    assert any("fixed at 32" in note for note in source.notes)


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_augmentation_and_dropout_are_left_out(tmp_path: Path, suffix: str) -> None:
    """Nested, as TensorFlow's own tutorial has them."""
    layers = keras.layers
    augmentation = keras.Sequential(
        [layers.RandomFlip("horizontal"), layers.RandomRotation(0.1), layers.RandomContrast(0.2)], name="augmentation"
    )
    noise = (layers.GaussianNoise(0.1), layers.Dropout(0.5), layers.SpatialDropout2D(0.2))
    model = network(inner=(augmentation, *noise))
    model.save(tmp_path / f"augmented{suffix}")
    source = readers.load(tmp_path / f"augmented{suffix}")
    np.testing.assert_allclose(answers(source), expected(model), atol=1e-5)
    kinds = {type(layer).__name__ for layer in source.model._flatten_layers()}  # type: ignore[attr-defined]
    assert not kinds & {"RandomFlip", "RandomRotation", "RandomContrast", "GaussianNoise", "Dropout"}
