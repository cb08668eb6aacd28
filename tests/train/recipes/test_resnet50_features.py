"""Features of a frozen backbone: computed once, never mistaken for others, and a broken cache does no harm."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip("keras")

from edge.datasets.dataset import load
from train.quiet import load_keras
from train.recipes import resnet50

load_keras()

import keras  # noqa: E402 - quietly loaded above

from train.recipes import resnet50_features  # noqa: E402


class Silent:
    def __getattr__(self, name):
        return lambda *_: None


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "fmnist-edge" / "resnet50-features"


@pytest.fixture
def extractor():
    keras.utils.set_random_seed(2)
    backbone = keras.Sequential(
        [
            keras.layers.Input((32, 32, 3)),
            keras.layers.Conv2D(24, 8, strides=8, activation="relu"),
            keras.layers.BatchNormalization(name="normalisation"),
        ],
        name="resnet50",
    )
    return resnet50.build_extractor(backbone)


@pytest.fixture
def pictures(data_dir):
    return load("test", data_dir).first(30)


def test_features_are_computed_once(extractor, pictures, cache, recorder, new_recorder):
    first = resnet50_features.compute_features(extractor, pictures, recorder)
    assert first.images.shape == (30, 24)
    np.testing.assert_array_equal(first.labels, pictures.labels)
    np.testing.assert_allclose(first.images, extractor.predict(pictures.images, verbose=0), rtol=1e-4, atol=1e-4)
    assert recorder.read == {"features": (30, 30)}
    again = new_recorder()
    second = resnet50_features.compute_features(extractor, pictures, again)
    assert (again.read, again.notes) == ({}, [])
    np.testing.assert_array_equal(first.images, second.images)
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize("changed", ["weights", "pictures"])
def test_other_weights_or_pictures_have_features_of_their_own(changed, extractor, pictures, recorder):
    resnet50_features.compute_features(extractor, pictures, Silent())
    if changed == "weights":
        bias = extractor.get_layer("resnet50").get_layer("normalisation").moving_mean
        bias.assign(np.asarray(bias) + 1)
    else:
        pictures = dataclasses.replace(pictures, images=pictures.images[::-1].copy())
    found = resnet50_features.compute_features(extractor, pictures, recorder)
    assert recorder.notes
    expected = extractor.predict(pictures.images, verbose=0)
    np.testing.assert_allclose(found.images, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("fault", ["truncated", "another array", "empty"])
def test_a_damaged_file_of_the_cache_is_replaced(fault, extractor, pictures, cache, recorder, new_recorder):
    expected = resnet50_features.compute_features(extractor, pictures, Silent()).images
    (file,) = cache.iterdir()
    if fault == "another array":
        np.save(file, np.zeros((3, 3), np.float32))
    else:
        file.write_bytes(file.read_bytes()[:1000] if fault == "truncated" else b"")
    found = resnet50_features.compute_features(extractor, pictures, recorder)
    assert len(recorder.notes) == 1
    np.testing.assert_array_equal(found.images, expected)
    resnet50_features.compute_features(extractor, pictures, later := new_recorder())
    assert later.notes == []


def test_a_cache_that_cannot_be_written_does_no_harm(extractor, pictures, cache, recorder):
    cache.parent.parent.mkdir()
    cache.parent.write_text("a file in the way")
    assert len(resnet50_features.compute_features(extractor, pictures, recorder)) == 30
    assert "not kept for another run" in recorder.notes[-1]
