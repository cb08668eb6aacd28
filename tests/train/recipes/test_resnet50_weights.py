"""What the backbone starts from: files, ImageNet's weights, and clear words when neither can be had."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras")

from edge.errors import BadOption, DownloadFailed, TrainingFailed
from train.quiet import load_keras
from train.recipes import resnet50, resnet50_weights

load_keras()

import keras  # noqa: E402 - quietly loaded above

from train.recipes.backbone_head import connect  # noqa: E402 - likewise


class Silent:
    def __getattr__(self, name):
        return lambda *_: None


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory):
    """Random weights of the real ResNet50, seeded, with statistics that keep its features within bounds."""
    keras.utils.set_random_seed(0)
    file = tmp_path_factory.mktemp("weights") / "random.weights.h5"
    resnet50_weights.build_backbone().save_weights(file)
    return file


def another_network():
    return keras.Sequential([keras.layers.Input((32, 32, 3)), keras.layers.Conv2D(4, 3)])


def arrays(model):
    return [np.asarray(weight) for weight in model.weights]


def same(left, right):
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


@pytest.mark.parametrize("form", ["model.keras", "old.h5"])
def test_weights_come_from_models_and_old_hdf5_too(form, tmp_path, weights_file, monkeypatch):
    """A finished run's model.keras can be built on, and so can the format of the ImageNet weights."""
    file = tmp_path / form
    if form == "old.h5":  # Keras reads it the same way into any network
        expected = another_network()
        expected.save(file)
        monkeypatch.setattr(resnet50_weights, "build_backbone", another_network)
    else:
        expected = resnet50_weights.load_backbone(weights_file, Silent())
        connect(resnet50.build_extractor(expected), resnet50.build_head(10)).save(file)
    found = resnet50_weights.load_backbone(file, Silent())
    assert same(arrays(found), arrays(expected))
    assert found.trainable_weights == []


@pytest.mark.parametrize("fault", ["truncated", "no HDF5", "another network", "no ResNet50 inside", "not finite"])
def test_a_wrong_weights_file_is_named(fault, tmp_path, weights_file, monkeypatch):
    """Another network's is read into the real ResNet50; the other faults show in any network."""
    file = tmp_path / "given.weights.h5"
    if fault != "another network":
        monkeypatch.setattr(resnet50_weights, "build_backbone", another_network)
    if fault == "truncated":
        content = weights_file.read_bytes()
        file.write_bytes(content[: len(content) // 2])
    elif fault == "no HDF5":
        file.write_bytes(b"<html>404</html>")
    elif fault == "another network":
        another_network().save_weights(file)
    elif fault == "no ResNet50 inside":
        file = tmp_path / "given.keras"
        keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)]).save(file)
    else:
        model = another_network()
        model.layers[0].bias.assign(np.full(4, np.nan))
        model.save_weights(file)
    with pytest.raises(TrainingFailed, match=r"given\.\S+") as caught:
        resnet50_weights.load_backbone(file, Silent())
    assert len(caught.value.message) < 450
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "message"), [("gone.weights.h5", "No such file"), ("weights.pt", r"a file named \*\.weights\.h5")]
)
def test_a_weights_file_that_cannot_be_read_is_refused_before_anything_is_made(name, message, tmp_path):
    if name == "weights.pt":
        (tmp_path / name).touch()
    with pytest.raises(BadOption, match=message):
        resnet50.train(
            dataclasses.replace(resnet50.DEFAULTS, weights=name),
            weights_file=tmp_path / name,
            data_dir=None,
            out=tmp_path / "run",
            resume=False,
            callback=Silent(),
        )
    assert not (tmp_path / "run").exists()


def test_another_file_than_the_one_that_was_meant_is_refused(weights_file):
    right = resnet50_weights.weights_identity(weights_file, None)
    assert resnet50_weights.weights_identity(weights_file, right) == right
    with pytest.raises(BadOption, match="SHA-256"):
        resnet50_weights.weights_identity(weights_file, "0" * 64)


@pytest.fixture
def no_imagenet(tmp_path, monkeypatch):
    """An empty Keras cache, and a network in which nobody answers."""
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path / "keras"))
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")


@pytest.mark.parametrize("fault", ["no network", "wrong content"])
def test_without_the_imagenet_weights_the_error_says_where_they_are(fault, no_imagenet, monkeypatch, capsys):
    from keras.src.applications import resnet

    if fault == "wrong content":
        monkeypatch.setattr(
            "keras.src.utils.file_utils.urlretrieve", lambda _url, path, _hook: Path(path).write_text("<html>")
        )
    with pytest.raises(DownloadFailed, match="corrupted" if fault == "wrong content" else "URL fetch") as caught:
        resnet50_weights.load_backbone(None, Silent())
    assert caught.value.exit_code == 7
    assert resnet.BASE_WEIGHTS_PATH in resnet50_weights.IMAGENET_URL
    assert f"fetch {resnet50_weights.IMAGENET_URL} " in caught.value.hint
    assert "--weights FILE" in caught.value.hint
    assert capsys.readouterr().out == ""


def test_the_address_in_the_hint_is_the_one_that_keras_asks(no_imagenet, monkeypatch):
    asked = []
    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", lambda url, *_: asked.append(url) or 1 / 0)
    with pytest.raises(DownloadFailed):
        resnet50_weights.load_backbone(None, Silent())
    assert asked == [resnet50_weights.IMAGENET_URL]
