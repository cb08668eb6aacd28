"""Fine-tuning on one's own photos: the epoch_builder, the loss, the run, and the command up to the int8 model."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("keras")

import keras

from convert.inputs.training_record import read_record
from edge.datasets.dataset import load
from edge.errors import BadOption, TrainingFailed
from edge.spec import FASHION_MNIST_LABELS, ScoreCalibration
from tests.photographs import write_photos
from tests.train.conftest import Recorder
from train import networks
from train.cli.adapt import find_parent, put
from train.data import adapt_settings
from train.data.adapt_epochs import AdaptEpochBuilder, partial_label_accuracy, partial_label_crossentropy, targets_of
from train.data.adapt_settings import AdaptSettings
from train.data.nested_subsets import nested_subset
from train.data.photos import Photos, read_photos
from train.evaluation.early_exit import THRESHOLDS
from train.evaluation.photo_metrics import answered, figures_of
from train.recipes import adapt
from train.recipes.learning_curve import learning_curve

SETTINGS = dataclasses.replace(adapt.DEFAULTS, epochs=1, validation_images=20)
QUICK = dataclasses.replace(SETTINGS, keep=0.0, learning_rate=0.02)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("adapt") / "photos", each=10)


@pytest.fixture(scope="module")
def photos(folder: Path) -> Photos:
    return read_photos(folder, FASHION_MNIST_LABELS)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    keras.utils.set_random_seed(0)
    path = tmp_path_factory.mktemp("start") / "tiny.keras"
    networks.network(networks.SIZES["tiny"], 10, name="tiny", logits=True).save(path)
    return path


def values(function: Any, targets: np.ndarray, logits: np.ndarray) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(function(targets, logits)))


def test_of_several_right_classes_the_likelier_is_taught_more() -> None:
    logits = np.log(np.array([[0.2, 0.3, 0.4, 0.1]], np.float32))
    right = targets_of(np.array([[True, True, False, False]]), smoothing=0.0)
    expected = -(0.04 * math.log(0.2) + 0.09 * math.log(0.3)) / 0.13
    assert values(partial_label_crossentropy, right, logits) == pytest.approx(expected, rel=1e-5)
    only = targets_of(np.array([[False, False, False, True]]), smoothing=0.0)
    assert values(partial_label_crossentropy, only, logits) == pytest.approx(-math.log(0.1), rel=1e-5)
    assert values(partial_label_accuracy, right, logits) == 0
    assert values(partial_label_accuracy, targets_of(np.array([[False, False, True, True]])), logits) == 1


def test_of_no_class_an_even_answer_costs_least() -> None:
    nothing = targets_of(np.zeros((2, 4), bool))
    even, sure = values(partial_label_crossentropy, nothing, np.array([[0, 0, 0, 0], [5, 0, 0, 0]], np.float32))
    assert even == pytest.approx(math.log(4), rel=1e-5)
    assert sure > even + 1
    assert values(partial_label_accuracy, nothing, np.zeros((2, 4), np.float32)).tolist() == [0, 0]


def test_every_step_shows_photos_garments_and_outliers(photos: Photos, data_dir: Path) -> None:
    training = load("train", data_dir)
    shown = AdaptEpochBuilder(0, photos, 0.33).epoch(training, 0)
    steps = shown.targets.reshape(adapt_settings.STEPS_PER_EPOCH, SETTINGS.batch_size, 11)
    assert (steps[:, -adapt_settings.OUTLIERS :, -1] == 1).all()
    assert (steps[:, adapt_settings.PHOTOS : -adapt_settings.OUTLIERS, :-1].sum(axis=2) == 1).all()
    unknown = (steps[:, : adapt_settings.PHOTOS, -1] == 1).mean()
    assert 0.25 < unknown < 0.42  # a third of the photos are hats
    assert shown.inputs.shape == (adapt_settings.STEPS_PER_EPOCH * SETTINGS.batch_size, 28, 28)
    assert (shown.inputs.reshape(len(shown.inputs), -1).max(axis=1) > 0).all()
    again = AdaptEpochBuilder(0, photos, 0.33).epoch(training, 0)
    np.testing.assert_array_equal(shown.inputs, again.inputs)
    assert not np.array_equal(shown.inputs, AdaptEpochBuilder(0, photos, 0.33).epoch(training, 1).inputs)


def test_small_folders_are_shown_more_often_than_their_size(folder: Path, tmp_path: Path, data_dir: Path) -> None:
    uneven = tmp_path / "uneven"
    shutil.copytree(folder, uneven)
    for path in sorted((uneven / "Dress").iterdir())[1:]:
        path.unlink()
    photos = read_photos(uneven, FASHION_MNIST_LABELS)
    shown = AdaptEpochBuilder(0, photos, 0.0).epoch(load("train", data_dir), 0)
    of_photos = shown.targets.reshape(adapt_settings.STEPS_PER_EPOCH, -1, 11)[:, : adapt_settings.PHOTOS]
    assert of_photos[..., 3].mean() == pytest.approx(1 / (1 + 2 * 10**0.25), abs=0.02)


def run(settings: AdaptSettings, folder: Path, start: Path, data_dir: Path, out: Path, callback: Any) -> Any:
    return adapt.train(
        settings,
        photos=folder,
        start=start,
        meaning=None,
        data_dir=data_dir,
        out=out,
        resume=False,
        callback=callback,
    )


@pytest.fixture(scope="module")
def trained(folder: Path, start: Path, data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A run's folder, and the recorder that was told of it."""
    out, recorder = tmp_path_factory.mktemp("trained") / "run", Recorder()
    run(QUICK, folder, start, data_dir, out, recorder)
    return out, recorder


@pytest.mark.slow
def test_photos_are_learnt_and_the_gain_is_told(trained: tuple[Path, Any], photos: Photos) -> None:
    out, recorder = trained
    metrics = json.loads((out / "metrics.json").read_text())
    told = metrics["photos"]
    assert (told["trained_on"], told["held_out"]) == (24, 6)
    assert told["after"]["accuracy"] >= told["before"]["accuracy"]
    assert recorder.read["photos"] == (30, 30)
    assert recorder.results[-1].accuracy > 0.3
    model = keras.saving.load_model(out / "model.keras")
    of_all = figures_of(answered(model, photos))
    assert of_all["accuracy"] > 0.7
    assert set(metrics["doubt"]) == {"temperature", "unknown_below"}
    assert metrics["early_exit"] in THRESHOLDS
    record = read_record(out / "model.keras")
    assert record is not None
    assert record.score_calibration == ScoreCalibration.from_json(metrics)


@pytest.mark.slow
def test_an_interrupted_learning_curve_goes_on_where_it_was(
    trained: tuple[Path, Any], folder: Path, start: Path, data_dir: Path, tmp_path: Path
) -> None:
    """Two points: of 2 photos a class, and of all, which are 5."""
    out, _ = trained
    few = tmp_path / "few"
    for path in folder.glob("*/[0-5].jpg"):
        (few / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, few / path.parent.name)
    teach = partial(learning_curve, QUICK, photos=few, start=start, meaning=None, data_dir=data_dir, out=out)
    before = (out / "metrics.json").read_text()
    first, second = (out / "learning_curve" / name for name in ("002", "005"))

    def interrupt() -> None:
        if second.exists():  # its only epoch is on disk
            raise KeyboardInterrupt

    recorder = Recorder()
    recorder.after_epoch[1] = interrupt
    with pytest.raises(KeyboardInterrupt):
        teach(callback=recorder)
    assert len(recorder.results) == 2
    assert (second / "checkpoint.keras").exists()
    assert (out / "metrics.json").read_text() == before
    written = (first / "metrics.json").stat().st_mtime_ns

    resumed = Recorder()
    curve = teach(callback=resumed)
    assert "resuming after epoch 1 of 1" in resumed.notes
    assert resumed.results == []
    assert (first / "metrics.json").stat().st_mtime_ns == written
    assert not list(out.glob("learning_curve/*/*.keras"))
    assert [(point["name"], point["photos"]) for point in curve["points"]] == [("0", 0), ("2", 4), ("all", 10)]
    assert curve["held_out"] == 2
    after = json.dumps(json.loads(before) | {"learning_curve": curve}, indent=2) + "\n"
    assert (out / "metrics.json").read_text() == after
    learnt, kept = read_photos(few, FASHION_MNIST_LABELS).split(QUICK.held_out)
    for path, size in ((first, 2), (second, 5)):
        point = json.loads((path / "metrics.json").read_text())
        assert point["made_of"][:2] == [nested_subset(learnt, size, QUICK.seed).sha256, kept.sha256]
    assert (out / "learning_curve.png").exists()

    (few / "_unknown" / "0.jpg").unlink()
    (few / "_unknown" / "1.jpg").unlink()
    with pytest.raises(TrainingFailed, match="other photos or settings"):
        teach(callback=Recorder())
    (first / "metrics.json").write_text("{")
    with pytest.raises(TrainingFailed, match=r"002/metrics.json is damaged"):
        teach(callback=Recorder())


def test_it_learns_in_bfloat16_too(start: Path, photos: Photos, data_dir: Path) -> None:
    model = adapt.build(dataclasses.replace(SETTINGS, precision="bfloat16"), 10, start=start)
    assert {layer.compute_dtype for layer in model.layers if layer.weights} == {"bfloat16", "float32"}
    shown = AdaptEpochBuilder(0, photos, 0.0).epoch(load("train", data_dir), 0)
    before = model.get_weights()
    loss, _ = model.train_on_batch(shown.inputs[:64], shown.targets[:64])
    assert math.isfinite(loss)
    assert not np.array_equal(before[0], model.get_weights()[0])


def test_a_model_of_another_kind_is_refused(folder: Path, data_dir: Path, tmp_path: Path, recorder: Any) -> None:
    other = tmp_path / "other.keras"
    keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(10)]).save(other)
    with pytest.raises(TrainingFailed, match="none of `fmnist-train edge`"):
        run(SETTINGS, folder, other, data_dir, tmp_path / "run", recorder)


def test_a_model_is_found_by_name_folder_and_file(start: Path, tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes(start.read_bytes())
    assert find_parent(str(tmp_path)) == tmp_path / "model.keras"
    assert find_parent(str(start)) == start
    assert find_parent("camera").name == "camera.keras"
    with pytest.raises(TrainingFailed, match="no float model is called nobody") as refused:
        find_parent("nobody")
    assert "camera" in refused.value.hint


def test_a_worse_model_replaces_nothing_unless_forced(tmp_path: Path) -> None:
    old, new = tmp_path / "old.tflite", tmp_path / "new.tflite"
    old.write_text("old")
    new.write_text("new")
    with pytest.raises(TrainingFailed, match=r"70\.0% of the held-out photos are right, 80\.0% were before"):
        put(new, old, 0.8, 0.7, force=False)
    assert old.read_text() == "old"
    put(new, old, 0.8, 0.7, force=True)
    assert old.read_text() == "new"
    old.write_text("old")
    put(new, old, 0.8, 0.8, force=False)
    assert old.read_text() == "new"


@pytest.mark.parametrize("wrong", [{"keep": 1.0}, {"held_out": -0.1}, {"worn": 1.5}, {"precision": "int4"}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadOption):
        dataclasses.replace(SETTINGS, **wrong)
