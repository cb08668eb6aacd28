"""Networks that see 56x56 pixels of a garment: the same function as coarser ones, until they learn."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras")

import keras

from convert.inputs.training_record import read_record
from edge.datasets.dataset import load
from edge.errors import BadOption
from edge.opencv import cv2
from edge.spec import FASHION_MNIST_LABELS, ImageSpec
from tests.conftest import ROOT
from tests.photographs import write_photos
from tests.train.conftest import Recorder
from train import networks
from train.data.adapt_epochs import AdaptEpochBuilder
from train.data.adapt_settings import PHOTOS, STEPS_PER_EPOCH
from train.data.photos import Photo, gathered, read_photos, seen_again
from train.evaluation.results import predict, probabilities_of
from train.recipes import adapt

FINE = ImageSpec(56, 56)
SETTINGS = dataclasses.replace(adapt.DEFAULTS, epochs=1, validation_images=20, keep=0.0, pixels=56)


@pytest.fixture(scope="module")
def trained() -> keras.Model:
    return keras.saving.load_model(ROOT / "tests" / "data" / "tiny.keras", compile=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photos(tmp_path_factory.mktemp("finer") / "photos", each=10)


def test_a_finer_network_begins_as_the_one_it_comes_from(trained: keras.Model, data_dir: Path) -> None:
    test = load("test", data_dir)
    finer = networks.like(trained, 10, 56)
    assert networks.image_of(finer) == FINE
    assert [one.shape for one in finer.weights][1:] == [one.shape for one in trained.weights][1:]
    np.testing.assert_allclose(predict(finer, test), predict(trained, test), atol=1e-4)
    images = np.random.default_rng(0).integers(0, 256, (20, 56, 56), np.uint8)
    means = (images.reshape(20, 28, 2, 28, 2).sum(axis=(2, 4)) / 4).astype(np.float32)
    coarse = np.asarray(keras.ops.softmax(networks.like(trained, 10).predict(means, verbose=0)))
    np.testing.assert_allclose(probabilities_of(finer, images), coarse, atol=1e-4)


def test_a_network_does_not_become_coarser(trained: keras.Model) -> None:
    with pytest.raises(BadOption, match="sees 56x56 pixels"):
        networks.like(networks.like(trained, 10, 56), 10, 28)


@pytest.mark.parametrize("pixels", [27, 84, 0])
def test_other_sizes_are_refused(pixels: int) -> None:
    with pytest.raises(BadOption, match=f"no --pixels {pixels}"):
        dataclasses.replace(SETTINGS, pixels=pixels)


def test_photos_are_shown_finer_and_garments_repeated(folder: Path, data_dir: Path) -> None:
    photos = read_photos(folder, FASHION_MNIST_LABELS, image=FINE)
    assert photos.image == FINE
    builder = AdaptEpochBuilder(0, photos, 0.3)
    training = load("train", data_dir)
    shown = builder.epoch(training, 0).inputs.reshape(STEPS_PER_EPOCH, -1, 56, 56)
    garments = shown[:, PHOTOS:].reshape(-1, 28, 2, 28, 2)
    assert (garments == garments[:, :, :1, :, :1]).all()
    of_photos = shown[:, :PHOTOS].reshape(-1, 28, 2, 28, 2)
    assert (of_photos != of_photos[:, :, :1, :, :1]).any(axis=(1, 2, 3, 4)).all()
    np.testing.assert_array_equal(builder.inputs(training)[:5, ::2, ::2], training.images[:5])


def test_a_third_of_the_photos_are_shown_without_colours(data_dir: Path) -> None:
    """Each kind is a photo of another grey, so that it is known again in what is shown."""

    def plain(level: int) -> np.ndarray:
        image = np.zeros((1, 28, 28), np.uint8)
        image[:, 4:24, 8:20] = level
        return image

    photo = Photo(plain(250), plain(250), "Dress", grey_variants=(plain(30), plain(120)))
    photos = gathered([photo], np.eye(10, dtype=bool)[3:4])
    shown = AdaptEpochBuilder(0, photos, 0.0).epoch(load("train", data_dir), 0).inputs
    middles = np.median(shown.reshape(STEPS_PER_EPOCH, -1, 28, 28)[:, :PHOTOS, 12:16, 12:16], axis=(2, 3)).ravel()
    kinds = [((middles > low) & (middles < high)).mean() for low, high in ((200, 256), (80, 200), (10, 80))]
    assert kinds == pytest.approx([0.65, 0.175, 0.175], abs=0.04)


def test_photos_are_read_without_colours_where_that_is_asked_for(folder: Path) -> None:
    photos = read_photos(folder, FASHION_MNIST_LABELS, grey=True)
    assert all(len(photo.grey_variants) == 2 for photo in photos.photos)
    shade, night = photos.photos[0].grey_variants
    assert shade.shape[1:] == night.shape[1:] == (28, 28)
    assert shade[0].tobytes() != night[0].tobytes()
    again = read_photos(folder, FASHION_MNIST_LABELS, grey=True)
    np.testing.assert_array_equal(again.photos[0].grey_variants[1], night)
    assert photos.sha256 == read_photos(folder, FASHION_MNIST_LABELS).sha256


def test_the_same_photos_are_seen_again_in_another_size(folder: Path) -> None:
    fine, coarse = (read_photos(folder, FASHION_MNIST_LABELS, image=image) for image in (FINE, ImageSpec()))
    _, kept = fine.split(0.3)
    again = seen_again(kept, folder, ImageSpec())
    wanted = {photo.path: photo.views for photo in coarse.photos}
    assert [photo.path for photo in again.photos] == [photo.path for photo in kept.photos]
    for photo in again.photos:
        np.testing.assert_array_equal(photo.views, wanted[photo.path])
    assert seen_again(kept, folder, FINE) is kept


def test_what_only_one_size_takes_for_a_picture_is_left_out_with_its_class(tmp_path: Path) -> None:
    """A blank PNG of 56x56 goes to a network of that size as it is; one of 28x28 looks for a garment in it."""
    folder = write_photos(tmp_path / "photos", each=2)
    assert cv2.imwrite(str(folder / "Dress" / "blank.png"), np.full((56, 56, 3), 90, np.uint8))
    fine = read_photos(folder, FASHION_MNIST_LABELS, image=FINE)
    again = seen_again(fine, folder, ImageSpec())
    assert len(fine) == 7
    assert len(again) == len(again.classes) == 6
    assert again.sha256 == read_photos(folder, FASHION_MNIST_LABELS).sha256


def test_fewer_pixels_than_before_are_refused_before_any_photo_is_read(
    trained: keras.Model, data_dir: Path, tmp_path: Path
) -> None:
    networks.like(trained, 10, 56).save(tmp_path / "fine.keras")
    coarser = dataclasses.replace(SETTINGS, pixels=28)
    files = {"photos": tmp_path / "nowhere", "start": tmp_path / "fine.keras", "meaning": None, "data_dir": data_dir}
    with pytest.raises(BadOption, match="sees 56x56 pixels"):
        adapt.train(coarser, **files, out=tmp_path / "run", resume=False, callback=Recorder())


@pytest.mark.slow
def test_a_coarse_model_is_fine_tuned_to_a_finer_one(
    folder: Path, trained: keras.Model, data_dir: Path, tmp_path: Path
) -> None:
    start, out = tmp_path / "start.keras", tmp_path / "run"
    networks.like(trained, 10).save(start)
    files = {"photos": folder, "start": start, "meaning": None, "data_dir": data_dir, "out": out}
    metrics = adapt.train(SETTINGS, **files, resume=False, callback=Recorder())
    assert metrics["photos"]["after"]["accuracy"] >= metrics["photos"]["before"]["accuracy"]
    assert "--pixels 56" in metrics["command"]
    model = keras.saving.load_model(out / "model.keras")
    assert networks.image_of(model) == FINE
    record = read_record(out / "model.keras")
    assert record is not None
    assert record.image == FINE
    with np.load(out / adapt.HELD_OUT_VIEWS) as views:
        assert views["views"].shape[2:] == (56, 56)
    again = adapt.train(SETTINGS, **files, resume=True, callback=Recorder())
    assert json.dumps(again) == json.dumps(metrics)
