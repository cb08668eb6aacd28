"""adapt for networks in colour: what learns, what the file keeps, and photos that do not fit."""

import dataclasses
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras")

from edge.errors import BadOption, DatasetDamaged
from edge.spec import Framing, ImageSpec
from tests.train.coloured import write_pictures
from tests.train.tiny_colour import tiny
from train import colour_networks
from train.quiet import load_keras
from train.recipes import adapt_colour, transfer
from train.recipes.transfer_settings import TransferSettings

load_keras()

import keras  # noqa: E402 - quietly loaded above

SETTINGS = dataclasses.replace(
    adapt_colour.DEFAULTS, epochs=2, learning_rate=0.01, keep=0.5, photos="photos", model="run", batch_size=8
)


class Silent:
    def __getattr__(self, name):
        return lambda *_: None


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """A run of transfer whose training is too short to be good."""
    folder = tmp_path_factory.mktemp("start")
    settings = TransferSettings(
        "transfer", 1, 16, 0.001, 0, 3, backbone="small_cnn", weights="none", size="40x32", framing="frame-letterbox"
    )
    pictures = write_pictures(folder / "pictures", 8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(colour_networks, "small_cnn", tiny)
        transfer.train(
            settings, weights_file=None, data_dir=pictures, out=folder / "run", resume=False, callback=Silent()
        )
    return folder / "run" / "model.keras"


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return write_pictures(tmp_path_factory.mktemp("photos"), 0, splits={"train": 16, "test": 6}, seed=1)


def adapt(start, photos, out, callback=None, *, resume=False, settings=SETTINGS):
    known = adapt_colour.known_of(start)
    return adapt_colour.train(
        settings, start=start, known=known, data_dir=photos, out=out, resume=resume, callback=callback or Silent()
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory, start, photos):
    out = tmp_path_factory.mktemp("adapted") / "run"
    return out, adapt(start, photos, out)


def arrays(path):
    return {weight.path: np.asarray(weight) for weight in keras.saving.load_model(path).weights}


def test_labels_and_spec_stay(finished, start):
    out, metrics = finished
    before, after = (
        json.loads((zipfile.Path(file) / "fmnist_edge.json").read_text()) for file in (start, out / "model.keras")
    )
    assert after["input"] == before["input"]
    assert after["input"]["framing"] == "frame-letterbox"
    assert after["labels"] == before["labels"]
    assert after["recipe"] == "adapt"
    assert after["photos"] == metrics["photos"]
    assert after["command"].startswith("fmnist-train adapt --epochs 2 --learning-rate 0.01 ")
    assert "batch" not in after["command"]


def test_before_and_after_are_measured_on_the_test_photos(finished):
    told = finished[1]["photos"]
    assert (told["trained_on"], told["held_out"]) == (48, 18)
    assert told["folders"].keys() == {"blue", "green", "red"}
    assert all(one["photos"] == 6 for one in told["folders"].values())
    mean = np.mean([one["before"] for one in told["folders"].values()])
    assert told["before"]["accuracy"] == pytest.approx(mean, abs=1e-3)
    assert told["after"]["accuracy"] == pytest.approx(finished[1]["test_accuracy"], abs=1e-4)
    assert told["after"]["accuracy"] > told["before"]["accuracy"]


def test_all_but_normalisation_learns(finished, start):
    before, after = arrays(start), arrays(finished[0] / "model.keras")
    assert len(before) == len(after)
    kept = {
        one.split("/")[-2]
        for one, other in zip(before, after, strict=True)
        if np.array_equal(before[one], after[other])
    }
    assert kept == {"n1", "n2", "n3", "n4", "head_normalisation"}


@pytest.mark.slow
def test_an_interrupted_run_ends_in_the_same_weights(finished, start, photos, tmp_path, recorder, new_recorder):
    def stop():
        raise KeyboardInterrupt

    recorder.after_epoch[1] = stop
    with pytest.raises(KeyboardInterrupt):
        adapt(start, photos, tmp_path / "run", recorder)
    again = new_recorder()
    adapt(start, photos, tmp_path / "run", again, resume=True)
    assert "resuming after epoch 1 of 2" in again.notes
    one, other = arrays(finished[0] / "model.keras"), arrays(tmp_path / "run" / "model.keras")
    assert all(np.array_equal(a, b) for a, b in zip(one.values(), other.values(), strict=True))


@pytest.mark.parametrize("change", ["missing", "strange"])
def test_photos_of_other_labels_are_refused(change, start, tmp_path):
    photos = write_pictures(tmp_path / "photos", 3)
    if change == "missing":
        (photos / "red").rename(tmp_path / "red")
    else:
        (photos / "yellow").mkdir()
        (photos / "red" / "0.png").rename(photos / "yellow" / "0.png")
    with pytest.raises(DatasetDamaged, match="no folder of red" if change == "missing" else "no label yellow"):
        adapt(start, photos, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_folders_may_be_spelt_otherwise(start, tmp_path):
    """As T-shirt/top cannot be a folder's name; the order of the classes stays the model's."""
    photos = write_pictures(tmp_path / "photos", 0, splits={"train": 4, "test": 2})
    for split in ("train", "test"):
        (photos / split / "blue").rename(photos / split / "_Blue_")
    metrics = adapt(start, photos, tmp_path / "run", settings=dataclasses.replace(SETTINGS, epochs=1))
    assert metrics["labels"] == ["blue", "green", "red"]


def test_what_a_file_says_decides_which_recipe_it_gets(start, tmp_path):
    known = adapt_colour.known_of(start)
    assert known.labels == ("blue", "green", "red")
    assert known.image.framing is Framing.LETTERBOX
    grey = tmp_path / "grey.keras"
    for content in (None, {"labels": ["a", "b"], "input": ImageSpec().as_json()}, {"labels": 3}):
        with zipfile.ZipFile(grey, "w") as archive:
            if content is not None:
                archive.writestr("fmnist_edge.json", json.dumps(content))
        assert adapt_colour.known_of(grey) is None
    assert adapt_colour.known_of(Path(__file__).parents[3] / "train" / "models" / "camera.keras") is None


@pytest.mark.parametrize("keep", [-0.1, 1.0])
def test_a_share_that_makes_no_sense_is_refused(keep):
    with pytest.raises(BadOption, match="--keep"):
        dataclasses.replace(SETTINGS, keep=keep)
