"""The compact network: its size and operations, its lessons, its resumption."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("keras")

import keras

from edge.dataset import load
from edge.errors import BadOption, TrainingFailed
from train import edge_cnn
from train.augment import Augmentation
from train.lessons import AugmentedLesson, PlainLesson, Teacher, read_teachers

TINY = dataclasses.replace(
    edge_cnn.DEFAULTS, size="tiny", epochs=3, batch_size=32, validation_images=20, limit=200, cutmix=0.3
)


def run(settings: edge_cnn.EdgeSettings, data_dir: Path, out: Path, watcher: Any, **options: Any) -> dict[str, Any]:
    return edge_cnn.train(
        settings, data_dir=data_dir, teachers=(), out=out, watcher=watcher, **{"resume": False, **options}
    )


@pytest.mark.parametrize(("size", "most"), [("tiny", 26_000), ("small", 180_000), ("base", 700_000)])
def test_the_sizes_keep_to_their_parameters(size: str, most: int) -> None:
    model = edge_cnn.network(edge_cnn.SIZES[size], 10, 0.0, size)
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
    model = edge_cnn.network(edge_cnn.SIZES["tiny"], 3, 1e-3, "tiny")
    kernels = [layer for layer in model.layers if type(layer).__name__ in {"Conv2D", "Dense"}]
    assert len(model.losses) == len(kernels)
    expected = sum(1e-3 * float(np.sum(np.square(layer.kernel.numpy()))) for layer in kernels)
    assert float(sum(float(loss) for loss in model.losses)) == pytest.approx(expected, rel=1e-4)


def test_the_rate_warms_up_and_falls_to_nothing() -> None:
    settings = dataclasses.replace(edge_cnn.DEFAULTS, size="tiny", epochs=10)
    rate = edge_cnn.build(settings, 10, 100).optimizer._learning_rate
    values = [float(rate(step)) for step in range(0, 1001, 50)]
    assert values[0] == pytest.approx(0.01)
    assert max(values) == pytest.approx(0.1, rel=0.02)
    assert int(np.argmax(values)) == 6  # after three epochs
    assert values[-1] == pytest.approx(0, abs=1e-6)


def test_a_run_learns_and_its_file_holds_no_optimizer(tmp_path: Path, data_dir: Path, recorder: Any) -> None:
    settings = dataclasses.replace(TINY, epochs=6, limit=None, erase=0.0, cutmix=0.0, shift=0)
    metrics = run(settings, data_dir, tmp_path / "run", recorder)
    assert metrics["test_accuracy"] > 0.5
    assert "--size tiny" in metrics["command"]
    model = keras.saving.load_model(tmp_path / "run" / "model.keras")
    assert not model.compiled


@pytest.mark.slow
def test_a_resumed_run_ends_with_the_same_weights(tmp_path: Path, data_dir: Path, recorder: Any) -> None:
    """Momentum, averaged weights, the rate's step and the variations of an epoch all come back."""

    def stop() -> None:
        raise KeyboardInterrupt

    run(TINY, data_dir, tmp_path / "whole", recorder)
    recorder.after_epoch[2] = stop
    with pytest.raises(KeyboardInterrupt):
        run(TINY, data_dir, tmp_path / "halved", recorder)
    recorder.after_epoch.clear()
    run(TINY, data_dir, tmp_path / "halved", recorder, resume=True)
    whole, halved = (keras.saving.load_model(tmp_path / name / "model.keras") for name in ("whole", "halved"))
    for one, other in zip(whole.get_weights(), halved.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


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
    lesson = AugmentedLesson(0, still, smoothing=0.0, teachers=teachers, teacher_share=0.5)
    images, targets, _ = lesson.epoch(data, 0)
    plain_images, numbers, _ = AugmentedLesson(0, still, smoothing=0.0).epoch(data, 0)
    np.testing.assert_array_equal(images, plain_images)
    expected = 0.5 * numbers + 0.25 * np.eye(10)[3] + 0.25 * np.eye(10)[4]
    np.testing.assert_allclose(targets, expected, atol=1e-6)
    assert lesson.identity == "a" * 12 + "," + "b" * 12


def test_epochs_differ_and_repeat(data_dir: Path) -> None:
    data = load("test", data_dir)
    for lesson in (PlainLesson(5), AugmentedLesson(5, Augmentation(), 0.1)):
        first, again, second = (lesson.epoch(data, number)[0] for number in (0, 0, 1))
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
        watcher=recorder,
    )
    assert "--teacher teacher" in metrics["command"]


def test_what_is_no_teacher_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.keras").write_text("no model")
    for path in (tmp_path, tmp_path / "text.keras", tmp_path / "absent.keras"):
        with pytest.raises(TrainingFailed, match="is no teacher"):
            read_teachers([path], ["a"] * 10)
    three = edge_cnn.network(edge_cnn.SIZES["tiny"], 3, 0.0, "three")
    three.save(tmp_path / "three.keras")
    with pytest.raises(TrainingFailed, match="knows 3 classes, the data have 10"):
        read_teachers([tmp_path / "three.keras"], ["a"] * 10)


@pytest.mark.parametrize(
    "wrong", [{"size": "huge"}, {"erase": 1.5}, {"cutmix": -0.1}, {"weight_decay": -1.0}, {"shift": 20}, {"epochs": 0}]
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
