"""The recipe transfer on a small set of coloured pictures: its phases, how they are resumed, what its file says."""

import dataclasses
import json
import zipfile

import numpy as np
import pytest

pytest.importorskip("keras")

from edge.datasets.dataset import load, split_held_out
from edge.errors import BadOption, DatasetDamaged, DatasetError, TrainingFailed
from edge.spec import ImageSpec
from tests.train.coloured import write_pictures
from tests.train.tiny_colour import tiny
from train import colour_networks
from train.backbones import build_backbone
from train.quiet import load_keras
from train.recipes import transfer, transfer_features
from train.recipes.transfer_settings import TransferSettings

load_keras()

import keras  # noqa: E402 - quietly loaded above

SETTINGS = TransferSettings(
    "transfer",
    6,
    8,
    0.03,
    seed=3,
    validation_images=6,
    backbone="small_cnn",
    weights="small.weights.h5",
    size="40x32",
    variants=2,
    fine_tune=2,
    fine_tune_share=0.5,
    fine_tune_learning_rate=0.001,
)
"""Six epochs of the head, two of the backbone's top."""


class Silent:
    def __getattr__(self, name):
        return lambda *_: None


@pytest.fixture(scope="module", autouse=True)
def tiny_network():
    """Tests of the phases need no network that is any good."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(colour_networks, "small_cnn", tiny)
        yield


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("pictures"), 0, splits={"train": 12, "test": 5})


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory):
    keras.utils.set_random_seed(0)
    file = tmp_path_factory.mktemp("weights") / "small.weights.h5"
    build_backbone("small_cnn", 64, 64).save_weights(file)  # weights do not depend on the size
    return file


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def run(settings, file, data, out, callback=None, *, resume=False):
    return transfer.train(
        settings, weights_file=file, data_dir=data, out=out, resume=resume, callback=callback or Silent()
    )


def arrays(model):
    return [np.asarray(weight) for weight in model.weights]


def same(left, right):
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


@pytest.fixture(scope="module")
def finished(tmp_path_factory, pictures, weights_file):
    """The folder of a whole run, and its metrics."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        metrics = run(SETTINGS, weights_file, pictures, folder / "run")
    return folder / "run", metrics


def test_the_file_says_all_that_convert_needs(finished):
    out, metrics = finished
    record = json.loads((zipfile.Path(out / "model.keras") / "fmnist_edge.json").read_text())
    assert record["labels"] == ["blue", "green", "red"]
    assert record["validation_images"] == 6
    assert record["input"] == {
        "height": 40,
        "width": 32,
        "low": 0.0,
        "high": 255.0,
        "colour": "rgb",
        "framing": "frame-stretch",
        "resampling": "area",
        "ground": [0, 0, 0],
    }
    assert ImageSpec.from_json(record["input"]) == SETTINGS.image
    assert record["command"] == metrics["command"]
    assert "--weights small.weights.h5" in record["command"]
    assert {path.name for path in out.iterdir()} > {"curves.png", "confusion.png", "mistakes.png", "history.csv"}


def test_bytes_go_in_and_the_figures_are_those_of_the_file(finished, pictures):
    out, metrics = finished
    model = keras.saving.load_model(out / "model.keras")
    assert model.input_shape == (None, 40, 32, 3)
    test = load("test", pictures, image=SETTINGS.image)
    assert metrics["test_accuracy"] == (model.predict(test.images, verbose=0).argmax(1) == test.labels).mean()
    _, held_out = split_held_out(load("train", pictures, image=SETTINGS.image), 6)
    right = model.predict(held_out.images, verbose=0).argmax(1) == held_out.labels
    assert metrics["validation_accuracy"] == pytest.approx(right.mean())
    assert metrics["test_accuracy"] > 0.8
    assert metrics["macs"] > 100_000


def test_fine_tuning_changes_the_top_only_and_no_statistics(finished, weights_file):
    frozen = build_backbone("small_cnn", 64, 64)
    frozen.load_weights(weights_file)
    tuned = keras.saving.load_model(finished[0] / "model.keras").get_layer("small_cnn")
    changed = [
        layer.name
        for layer in frozen.layers
        if layer.weights and not same(arrays(layer), arrays(tuned.get_layer(layer.name)))
    ]
    assert changed == ["c3", "c4"]


@pytest.mark.slow
def test_a_run_interrupted_in_either_phase_ends_in_the_same_weights(
    finished, pictures, weights_file, tmp_path, new_recorder
):
    def stop():
        raise KeyboardInterrupt

    for epoch in (5, 7):
        recorder = new_recorder()
        recorder.after_epoch[epoch] = stop
        with pytest.raises(KeyboardInterrupt):
            run(SETTINGS, weights_file, pictures, tmp_path / "run", recorder, resume=True)
        assert recorder.results[-1].epoch == epoch
    with pytest.raises(TrainingFailed, match="size 40x32 there, 48x32 here"):
        run(dataclasses.replace(SETTINGS, size="48x32"), weights_file, pictures, tmp_path / "run", resume=True)
    again = new_recorder()
    run(SETTINGS, weights_file, pictures, tmp_path / "run", again, resume=True)
    assert "resuming after epoch 7 of 8" in again.notes
    models = [keras.saving.load_model(folder / "model.keras") for folder in (finished[0], tmp_path / "run")]
    assert same(*map(arrays, models))


def test_features_are_computed_once_for_each_variation(pictures, weights_file, tmp_path, recorder, new_recorder):
    head_only = dataclasses.replace(SETTINGS, fine_tune=0, epochs=1)
    run(head_only, weights_file, pictures, tmp_path / "one", recorder)
    told = [note for note in recorder.notes if note.startswith("computing features")]
    assert [note.split(",")[0] for note in told] == [
        "computing features of 60 pictures and variations",
        "computing features of 6 pictures and variations",
    ]
    assert recorder.read["features"] == (6, 6)
    assert len(list(transfer_features.features_folder().iterdir())) == 3
    second = new_recorder()
    run(dataclasses.replace(head_only, epochs=2), weights_file, pictures, tmp_path / "two", second)
    assert not [note for note in second.notes if note.startswith("computing features")]


def test_each_epoch_shows_other_variations():
    varied = [
        transfer_features.Features(np.full((50, 2), number, np.float32), np.arange(50, dtype=np.uint8), ("a",) * 50)
        for number in range(3)
    ]
    builder = transfer_features.VariedFeatures(0, varied)
    first, again, second = (builder.epoch(varied[0], epoch) for epoch in (0, 0, 1))
    np.testing.assert_array_equal(first.inputs, again.inputs)
    assert not np.array_equal(first.inputs, second.inputs)
    assert set(np.unique(first.inputs)) == {0, 1, 2}
    assert sorted(first.targets) == list(range(50))


@pytest.mark.slow
def test_from_nothing_everything_learns(pictures, tmp_path):
    settings = dataclasses.replace(SETTINGS, weights="none", fine_tune=0, epochs=1, learning_rate=0.02)
    run(settings, None, pictures, tmp_path / "run")
    keras.utils.set_random_seed(settings.seed)
    fresh = transfer.build(settings, 3, 4)
    after = keras.saving.load_model(tmp_path / "run" / "model.keras")
    assert len(after.weights) == len(fresh.weights)
    assert not [a.path for a, b in zip(after.weights, fresh.weights, strict=True) if np.array_equal(a, b)]


def test_a_run_can_be_started_from(finished, pictures, tmp_path):
    """Its model.keras holds the backbone, at whatever size it was trained."""
    settings = dataclasses.replace(SETTINGS, weights="model.keras", fine_tune=0, epochs=1, size="32x32")
    found = transfer.load_backbone(settings, finished[0] / "model.keras", Silent())
    inside = keras.saving.load_model(finished[0] / "model.keras").get_layer("small_cnn")
    assert same(arrays(found), arrays(inside))
    assert found.trainable_weights == []


def test_another_networks_weights_are_refused(pictures, tmp_path):
    file = tmp_path / "other.weights.h5"
    keras.Sequential([keras.layers.Input((32, 32, 3)), keras.layers.Conv2D(4, 3)]).save_weights(file)
    with pytest.raises(TrainingFailed, match="does not hold weights of small_cnn"):
        run(SETTINGS, file, pictures, tmp_path / "run")


def test_what_cannot_be_is_said_before_anything_is_made(pictures, tmp_path):
    with pytest.raises(BadOption, match="No such file"):
        run(SETTINGS, tmp_path / "gone.weights.h5", pictures, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_one_class_is_refused(weights_file, tmp_path):
    pictures = write_pictures(tmp_path / "pictures", 4)
    for name in ("green", "red"):
        (pictures / name).rename(tmp_path / name)
    with pytest.raises(DatasetDamaged, match="expected 2 to"):
        run(SETTINGS, weights_file, pictures, tmp_path / "run")


def test_fashion_mnist_is_not_for_this_recipe(data_dir, weights_file, tmp_path):
    with pytest.raises(TrainingFailed, match="pictures of your own"):
        run(dataclasses.replace(SETTINGS, validation_images=20), weights_file, data_dir, tmp_path / "run")


def test_a_backbone_that_int8_dislikes_is_warned_about(weights_file, pictures, tmp_path, recorder):
    settings = dataclasses.replace(SETTINGS, backbone="efficientnet_b0")
    with pytest.raises(DatasetError):
        run(settings, weights_file, tmp_path / "no pictures", tmp_path / "run", recorder)
    assert any("efficientnet_b0 is a poor choice for int8: its swish" in note for note in recorder.notes)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"backbone": "nonsense"}, "no --backbone nonsense"),
        ({"size": "20x20"}, "does not take pictures of 20x20"),
        ({"size": "large"}, "expected HEIGHTxWIDTH"),
        ({"framing": "garment-grey"}, "of another colour"),
        ({"framing": "round"}, "round"),
        ({"ground": "1,2,3"}, "expected #rrggbb"),
        ({"ground": "#12345g"}, "hexadecimal"),
        ({"weights": "none"}, "nothing to tune"),
        ({"weights": "imagenet"}, "no ImageNet weights for small_cnn"),
        ({"variants": 0}, "--variants"),
        ({"fine_tune": -1}, "--fine-tune"),
        ({"fine_tune_share": 0}, "--fine-tune-share"),
        ({"fine_tune_learning_rate": 0}, "--fine-tune-learning-rate"),
        ({"augment": 3}, "--augment"),
        ({"dropout": 1}, "--dropout"),
        ({"learning_rate": 0}, "--learning-rate"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong, message):
    with pytest.raises(BadOption, match=message):
        dataclasses.replace(SETTINGS, **wrong)
