"""The compact network: its size and operations, its epoch builders."""

from __future__ import annotations

import dataclasses
import os
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("keras")

import keras

from edge.datasets.dataset import load
from edge.errors import BadOption, TrainingFailed
from train import networks
from train.augment.basic import Augmentation
from train.data.epochs import AugmentedEpochBuilder, Memory, PlainEpochBuilder, Teacher, read_teachers
from train.fitting.muon import Muon
from train.fitting.normalisation import FusedBatchNormalization
from train.recipes import edge_cnn

TINY = dataclasses.replace(
    edge_cnn.DEFAULTS,
    size="tiny",
    epochs=3,
    batch_size=32,
    validation_images=20,
    limit=200,
    cutmix=0.3,
)


def run(settings: edge_cnn.EdgeSettings, data_dir: Path, out: Path, callback: Any, **options: Any) -> dict[str, Any]:
    return edge_cnn.train(
        settings, data_dir=data_dir, teachers=(), out=out, callback=callback, **{"resume": False, **options}
    )


@pytest.mark.parametrize(("size", "most"), [("tiny", 3e4), ("small", 1.8e5), ("base", 7e5), ("large", 2.4e7)])
def test_the_sizes_keep_to_their_parameters(size: str, most: float) -> None:
    model = networks.network(networks.SIZES[size], 10, name=size)
    assert 0.8 * most < model.count_params() < most
    assert model.output_shape == (None, 10)
    kinds = {type(layer).__name__ for layer in model.layers}
    assert kinds == {
        "InputLayer",
        "Reshape",
        "Conv2D",
        "BatchNormalization",
        "ReLU",
        "Add",
        "GlobalAveragePooling2D",
        "Dense",
    }


def test_weight_decay_spares_norms_and_biases() -> None:
    """Nothing but decay acts on a network whose gradients are 0."""
    model = edge_cnn.build(dataclasses.replace(edge_cnn.DEFAULTS, size="tiny", weight_decay=0.1), 3, 100)
    before = [variable.numpy() for variable in model.trainable_variables]
    rate = float(model.optimizer.learning_rate)
    zeros = [keras.ops.zeros_like(variable) for variable in model.trainable_variables]
    model.optimizer.apply(zeros, model.trainable_variables)
    for variable, old in zip(model.trainable_variables, before, strict=True):
        kept = 1.0 if old.ndim == 1 else 1 - 0.1 * rate
        np.testing.assert_allclose(variable.numpy(), old * kept, rtol=1e-5, err_msg=variable.path)


def test_a_step_of_muon_on_a_convolution_is_orthogonal() -> None:
    kernel = keras.Variable(np.zeros((3, 3, 4, 8), np.float32))
    gradient = np.random.default_rng(0).normal(size=(3, 3, 4, 8)).astype(np.float32)
    gradient[..., 0] *= 100  # a direction that would dominate plain SGD
    optimizer = Muon(1.0, weight_decay=0.0)
    optimizer.apply([keras.ops.convert_to_tensor(gradient)], [kernel])
    step = kernel.numpy().reshape(36, 8) / (0.2 * 36**0.5)
    lengths = np.linalg.svd(step, compute_uv=False)
    assert lengths.min() > 0.6  # the quintic iteration ends between 0.7 and 1.2
    assert lengths.max() < 1.3
    assert np.sum(step * gradient.reshape(36, 8)) < 0  # downhill


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_network_that_trains_is_the_plain_one(precision: str) -> None:
    """Fused normalisation: the same answer in training, the same statistics, the same weights in the same order."""
    build = partial(networks.network, networks.SIZES["tiny"], 10, name="tiny")
    fused = build(normalisation=FusedBatchNormalization, dtype=edge_cnn.PRECISIONS[precision])
    plain = build()
    plain.set_weights(fused.get_weights())
    images = np.random.default_rng(0).integers(0, 256, (64, 28, 28), np.uint8)
    tolerance = 1e-4 if precision == "float32" else 0.05
    for training in (True, False):  # the first pass moves the statistics, the second uses them
        ours, keras_own = (np.asarray(one(images, training=training), np.float32) for one in (fused, plain))
        np.testing.assert_allclose(ours, keras_own, atol=tolerance)
    for one, other in zip(fused.weights, plain.weights, strict=True):
        assert one.shape == other.shape
        scale = np.abs(other.numpy()).max() + 1e-6
        # n / (n - 1) of the unbiased variance: 1.6 % where a channel has the fewest values, 64
        np.testing.assert_allclose(one.numpy() / scale, other.numpy() / scale, atol=0.02, err_msg=one.path)


def test_the_rate_warms_up_and_falls_to_nothing() -> None:
    settings = dataclasses.replace(edge_cnn.DEFAULTS, size="tiny", epochs=10)
    rate = edge_cnn.build(settings, 10, 100).optimizer._learning_rate
    values = [float(rate(step)) for step in range(0, 1001, 50)]
    assert values[0] == pytest.approx(0.002)
    assert max(values) == pytest.approx(0.02, rel=0.02)
    assert int(np.argmax(values)) == 2  # after the first epoch
    assert values[-1] == pytest.approx(0, abs=1e-6)


@pytest.mark.slow
def test_a_run_learns_and_its_file_holds_no_optimizer(tmp_path: Path, data_dir: Path, recorder: Any) -> None:
    settings = dataclasses.replace(TINY, epochs=6, limit=None, erase=0.0, cutmix=0.0, shift=0)
    metrics = run(settings, data_dir, tmp_path / "run", recorder)
    assert metrics["test_accuracy"] > 0.5
    assert "--size tiny" in metrics["command"]
    model = keras.saving.load_model(tmp_path / "run" / "model.keras")
    assert not model.compiled
    assert "FusedBatchNormalization" not in {type(layer).__name__ for layer in model.layers}


@pytest.mark.slow
def test_the_average_is_the_result_and_never_what_training_goes_on_from(
    tmp_path: Path, data_dir: Path, recorder: Any
) -> None:
    trained, results = [], []
    for average in (0.0, 0.9):
        out = tmp_path / str(average)
        settings = dataclasses.replace(TINY, average=average)

        def remember(checkpoint: Path = out / "checkpoint.keras") -> None:
            trained.append(keras.saving.load_model(checkpoint).get_weights())

        recorder.after_epoch[settings.epochs] = remember
        run(settings, data_dir, out, recorder)
        results.append(keras.saving.load_model(out / "model.keras").get_weights())
    for one, other in zip(*trained, strict=True):
        np.testing.assert_array_equal(one, other)
    assert any((one != other).any() for one, other in zip(*results, strict=True))


class Constant:
    """A teacher that always says the same."""

    output_shape = (None, 10)

    def __init__(self, answer: int) -> None:
        self.answer = answer

    def predict(self, images: np.ndarray, **_options: object) -> np.ndarray:
        return np.tile(np.eye(10)[self.answer], (len(images), 1))


def test_teachers_answers_become_their_share_of_the_targets(data_dir: Path) -> None:
    data = load("test", data_dir)
    still = Augmentation(flip=0, shift=0, erase=0, cutmix=0)
    teachers = [Teacher(Constant(3), "a" * 64), Teacher(Constant(4), "b" * 64)]
    epoch_builder = AugmentedEpochBuilder(0, still, smoothing=0.0, teachers=teachers, teacher_share=0.5)
    images, targets, _ = epoch_builder.epoch(data, 0)
    plain_images, numbers, _ = AugmentedEpochBuilder(0, still, smoothing=0.0).epoch(data, 0)
    np.testing.assert_array_equal(images, plain_images)
    expected = 0.5 * numbers + 0.25 * np.eye(10)[3] + 0.25 * np.eye(10)[4]
    np.testing.assert_allclose(targets, expected, atol=1e-6)
    assert epoch_builder.identity == "a" * 12 + "," + "b" * 12


def test_a_teacher_is_asked_once_for_a_picture_that_comes_again(tmp_path: Path, data_dir: Path) -> None:
    network = networks.network(networks.SIZES["tiny"], 10, name="teacher")
    network.save(tmp_path / "teacher.keras")
    mirrors, shifts = Augmentation(flip=0.5, shift=0, erase=0), Augmentation(flip=0.5, shift=1, erase=0)
    asked, afresh = (read_teachers([tmp_path / "teacher.keras"], ["a"] * 10, one)[0] for one in (mirrors, shifts))
    assert not isinstance(afresh.model, Memory)
    assert isinstance(asked.model, Memory)
    images = load("test", data_dir).images[:40]
    both = np.concatenate([images, images[:, :, ::-1], images])
    seen: list[int] = []
    plain = asked.model._model

    class Counting:
        def predict(self, images: np.ndarray, **options: object) -> np.ndarray:
            seen.append(len(images))
            return np.asarray(plain.predict(images, **options))

    asked.model._model = Counting()
    for batch in (images, both, both[::-1]):
        np.testing.assert_allclose(asked.model.predict(batch), plain.predict(batch, verbose=0), atol=1e-5)
    assert seen == [40, 40]


def test_epochs_differ_and_repeat(data_dir: Path) -> None:
    data = load("test", data_dir)
    for epoch_builder in (PlainEpochBuilder(5), AugmentedEpochBuilder(5, Augmentation(), 0.1)):
        first, again, second = (epoch_builder.epoch(data, number)[0] for number in (0, 0, 1))
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, second)


@pytest.mark.slow
def test_a_run_teaches_another(tmp_path: Path, data_dir: Path, recorder: Any) -> None:
    quick = dataclasses.replace(TINY, epochs=1)
    run(quick, data_dir, tmp_path / "teacher", recorder)
    taught = dataclasses.replace(quick, teacher=("teacher",))
    metrics = edge_cnn.train(
        taught,
        data_dir=data_dir,
        teachers=(tmp_path / "teacher",),
        out=tmp_path / "student",
        resume=False,
        callback=recorder,
    )
    assert "--teacher teacher" in metrics["command"]


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_a_teacher_in_less_precision_says_nearly_the_same(tmp_path: Path, data_dir: Path, dtype: str) -> None:
    keras.utils.set_random_seed(0)  # an untrained network may be as good as undecided
    network = networks.network(networks.SIZES["tiny"], 10, name="teacher")
    network.save(tmp_path / "teacher.keras")
    (teacher,) = read_teachers([tmp_path / "teacher.keras"], ["a"] * 10, Augmentation(), dtype)
    assert teacher.model.layers[2].compute_dtype == ("float32" if dtype == "float32" else "bfloat16")
    images = load("test", data_dir).images[:50]
    exact, said = network.predict(images, verbose=0), teacher.model.predict(images, verbose=0)
    assert said.dtype == np.float32
    np.testing.assert_allclose(said, exact, atol=1e-5 if dtype == "float32" else 0.05)
    np.testing.assert_allclose(said.sum(axis=1), 1, atol=1e-5)


@pytest.mark.slow
def test_a_training_starts_from_the_weights_of_another(tmp_path: Path, data_dir: Path, recorder: Any) -> None:
    first = run(dataclasses.replace(TINY, epochs=1), data_dir, tmp_path / "first", recorder)
    assert "--start" not in first["command"]
    settings = dataclasses.replace(TINY, epochs=1, start="first")
    model = edge_cnn.build(settings, 10, 5, start=tmp_path / "first")
    kept = keras.saving.load_model(tmp_path / "first" / "model.keras")
    for one, other in zip(model.get_weights(), kept.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    again = run(settings, data_dir, tmp_path / "second", recorder, start=tmp_path / "first")
    assert "--start first" in again["command"]
    assert recorder.results[-1].loss < recorder.results[0].loss
    with pytest.raises(TrainingFailed, match="no network of the size small"):
        edge_cnn.build(dataclasses.replace(settings, size="small"), 10, 5, start=tmp_path / "first")


def test_a_teacher_that_gives_logits_teaches_probabilities(tmp_path: Path, data_dir: Path) -> None:
    """As the camera models do; another network with the same weights and a softmax says the same."""
    images = load("test", data_dir).images[:20]
    keras.utils.set_random_seed(4)
    plain = networks.network(networks.SIZES["tiny"], 10, name="tiny")
    logits = networks.network(networks.SIZES["tiny"], 10, name="tiny", logits=True)
    logits.set_weights(plain.get_weights())
    logits.save(tmp_path / "camera.keras")
    still = Augmentation(flip=0, shift=0, erase=0, cutmix=0)
    (teacher,) = read_teachers([tmp_path / "camera.keras"], [str(number) for number in range(10)], still)
    said = teacher.model.predict(images, verbose=0)
    np.testing.assert_allclose(said, plain.predict(images, verbose=0), rtol=1e-4, atol=1e-6)


def test_what_is_no_teacher_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.keras").write_text("no model")
    for path in (tmp_path, tmp_path / "text.keras", tmp_path / "absent.keras"):
        with pytest.raises(TrainingFailed, match="is no trained network"):
            read_teachers([path], ["a"] * 10, Augmentation())
    three = networks.network(networks.SIZES["tiny"], 3, name="three")
    three.save(tmp_path / "three.keras")
    with pytest.raises(TrainingFailed, match="knows 3 classes, the data have 10"):
        read_teachers([tmp_path / "three.keras"], ["a"] * 10, Augmentation())


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": "huge"},
        {"precision": "int4"},
        {"erase": 1.5},
        {"cutmix": -0.1},
        {"weight_decay": -1.0},
        {"shift": 20},
        {"epochs": 0},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadOption):
        dataclasses.replace(edge_cnn.DEFAULTS, **wrong)


def test_the_help_loads_no_keras() -> None:
    import subprocess
    import sys

    program = "import sys, train.cli; sys.exit(sorted({'keras', 'numpy'} & set(sys.modules)) or 0)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env={**os.environ}
    )
    assert done.returncode == 0, done.stderr
