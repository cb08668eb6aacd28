"""The recipe resnet50: its preprocessing, its weights, its two phases, its cache, and that kill -9 costs nothing.

Orchestration is tested on a backbone of four layers, which has ResNet50's name, input and number of features.
"""

import dataclasses
import json
import os
import shlex
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras")

from edge.dataset import load, split_held_out
from edge.errors import BadOption, DownloadFailed, TrainingFailed
from train import resnet50, resnet50_weights
from train.quiet import load_keras
from train.resnet50 import Resnet50Settings

load_keras()

import keras  # noqa: E402 - quietly loaded above

from train import resnet50_features  # noqa: E402

ROOT = Path(__file__).parents[2]
NORMALISATIONS = ("_bn", "head_normalisation")


class Silent:
    def __getattr__(self, name):
        return lambda *_: None


def tiny_backbone(weights=None):
    assert weights is None
    return keras.Sequential(
        [
            keras.layers.Input((32, 32, 3)),
            keras.layers.Conv2D(16, 32, activation="relu", name="conv4_conv"),
            keras.layers.BatchNormalization(name="conv4_bn"),
            keras.layers.Conv2D(2048, 1, activation="relu", name="conv5_block3_3_conv"),
            keras.layers.BatchNormalization(name="conv5_bn"),
        ],
        name="resnet50",
    )


@pytest.fixture(scope="session")
def weights_file(tmp_path_factory):
    """Random weights of the real ResNet50, seeded, with statistics that keep its features within bounds."""
    keras.utils.set_random_seed(0)
    file = tmp_path_factory.mktemp("weights") / "random.weights.h5"
    resnet50_weights.build_backbone().save_weights(file)
    return file


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Put the tiny backbone in ResNet50's place; the file of its weights."""
    monkeypatch.setattr(resnet50_weights, "build_backbone", tiny_backbone)
    keras.utils.set_random_seed(1)
    file = tmp_path / "tiny.weights.h5"
    tiny_backbone().save_weights(file)
    return file


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "fmnist-edge" / "resnet50-features"


@pytest.fixture
def settings():
    """Two epochs of the head, two of the last stage."""
    return Resnet50Settings(
        "resnet50",
        epochs=2,
        batch_size=16,
        learning_rate=0.01,
        seed=3,
        validation_images=20,
        limit=120,
        weights="tiny.weights.h5",
        fine_tune=1,
        fine_tune_epochs=2,
        fine_tune_learning_rate=0.001,
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory, data_dir, weights_file):
    """A finished run of the real network, 60 images, head only: its folder, and what train returned."""
    folder = tmp_path_factory.mktemp("runs")
    settings = Resnet50Settings("resnet50", 2, 16, 0.01, 3, 20, limit=60, weights=weights_file.name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        metrics = resnet50.train(
            settings,
            weights_file=weights_file,
            data_dir=data_dir,
            out=folder / "run",
            resume=False,
            watcher=Silent(),
        )
    return folder / "run", metrics


@pytest.fixture(scope="module")
def trained(run):
    return keras.saving.load_model(run[0] / "model.keras")


def arrays(model):
    return [np.asarray(weight) for weight in model.weights]


def same(left, right):
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


def train(settings, tiny, data_dir, out, watcher, *, resume=False):
    """Train on the tiny backbone; the whole model's weights."""
    file = None if settings.weights == "none" else tiny
    resnet50.train(settings, weights_file=file, data_dir=data_dir, out=out, resume=resume, watcher=watcher)
    return arrays(keras.saving.load_model(out / "model.keras"))


# Preprocessing and network


def test_the_backbone_sees_what_keras_preprocessing_makes_of_the_framed_picture(trained):
    """A border of 0 means black, so it has to be there before the means are taken off."""
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)
    framed = np.pad(images, ((0, 0), (2, 2), (2, 2))).astype(np.float32)
    expected = keras.applications.resnet50.preprocess_input(np.repeat(framed[..., np.newaxis], 3, axis=3))
    seen = keras.Model(trained.input, trained.get_layer("less_imagenet_means").output).predict(images, verbose=0)
    np.testing.assert_allclose(seen, expected, atol=2e-5)


def test_bytes_go_in_and_probabilities_come_out(trained, data_dir):
    assert trained.input_shape == (None, 28, 28)
    assert trained.output_shape == (None, 10)
    probabilities = trained.predict(load("test", data_dir).images[:8], verbose=0)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert {type(layer).__name__ for layer in trained.layers} <= {
        "InputLayer",
        "Reshape",
        "ZeroPadding2D",
        "Conv2D",
        "Functional",
        "GlobalAveragePooling2D",
        "Sequential",
    }


def test_a_frozen_backbone_is_saved_as_it_was_loaded(trained, weights_file):
    original = resnet50_weights.build_backbone()
    original.load_weights(weights_file)
    assert same(arrays(trained.get_layer("resnet50")), arrays(original))


def test_the_run_folder_says_how_to_make_it_again(run, weights_file):
    out, metrics = run
    assert sorted(path.name for path in out.iterdir()) == [
        "confusion.png",
        "curves.png",
        "history.csv",
        "metrics.json",
        "model.keras",
    ]
    sha256 = resnet50_weights.weights_identity(weights_file, None)
    assert metrics["command"] == (
        "fmnist-train resnet50 --epochs 2 --batch-size 16 --learning-rate 0.01 --seed 3 --validation-images 20 "
        f"--limit 60 --weights random.weights.h5 --weights-sha256 {sha256} --fine-tune 0 --fine-tune-epochs 3 "
        "--fine-tune-learning-rate 1e-05"
    )
    assert metrics["settings"]["weights_sha256"] == sha256
    text = (zipfile.Path(out / "model.keras") / "fmnist_edge.json").read_text()
    assert json.loads(text)["command"] == metrics["command"]
    assert str(weights_file.parent) not in text


def test_the_metrics_are_those_of_the_whole_model_on_disk(run, trained, data_dir):
    """The validation figure was measured on cached features, the test figure on pictures."""
    _, metrics = run
    test = load("test", data_dir)
    assert metrics["test_accuracy"] == (trained.predict(test.images, verbose=0).argmax(1) == test.labels).mean()
    _, held_out = split_held_out(load("train", data_dir), 20)
    right = trained.predict(held_out.images, verbose=0).argmax(1) == held_out.labels
    assert metrics["validation_accuracy"] == pytest.approx(right.mean())


# Weights


@pytest.mark.parametrize("form", ["model.keras", "old.h5"])
def test_weights_come_from_models_and_old_hdf5_too(form, run, tmp_path, weights_file):
    """A finished run's model.keras can be built on, and so can the format of the ImageNet weights."""
    expected = resnet50_weights.load_backbone(weights_file, Silent())
    file = run[0] / "model.keras"
    if form == "old.h5":
        file = tmp_path / form
        expected.save(file)
    found = resnet50_weights.load_backbone(file, Silent())
    assert same(arrays(found), arrays(expected))
    assert found.trainable_weights == []


@pytest.mark.parametrize("fault", ["truncated", "no HDF5", "another network", "no ResNet50 inside", "not finite"])
def test_a_wrong_weights_file_is_named(fault, tmp_path, weights_file, tiny, monkeypatch):
    """Read into the real ResNet50, except for NaN, which any network can hold."""
    file = tmp_path / "given.weights.h5"
    if fault == "truncated":
        file.write_bytes(weights_file.read_bytes()[:50_000_000])
    elif fault == "no HDF5":
        file.write_bytes(b"<html>404</html>")
    elif fault == "another network":
        file.write_bytes(tiny.read_bytes())
    elif fault == "no ResNet50 inside":
        file = tmp_path / "given.keras"
        keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)]).save(file)
    else:
        model = tiny_backbone()
        model.layers[0].bias.assign(np.full(16, np.nan))
        model.save_weights(file)
    if fault != "not finite":
        monkeypatch.undo()
    with pytest.raises(TrainingFailed, match=r"given\.\S+") as caught:
        resnet50_weights.load_backbone(file, Silent())
    assert len(caught.value.message) < 450
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "message"), [("gone.weights.h5", "No such file"), ("weights.pt", r"a file named \*\.weights\.h5")]
)
def test_a_weights_file_that_cannot_be_read_is_refused_before_anything_is_made(name, message, tmp_path, settings):
    if name == "weights.pt":
        (tmp_path / name).touch()
    with pytest.raises(BadOption, match=message):
        resnet50.train(
            settings,
            weights_file=tmp_path / name,
            data_dir=None,
            out=tmp_path / "run",
            resume=False,
            watcher=Silent(),
        )
    assert not (tmp_path / "run").exists()


def test_another_file_than_the_one_that_was_meant_is_refused(tiny):
    right = resnet50_weights.weights_identity(tiny, None)
    assert resnet50_weights.weights_identity(tiny, right) == right
    with pytest.raises(BadOption, match="SHA-256"):
        resnet50_weights.weights_identity(tiny, "0" * 64)


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


# Phases


@pytest.mark.parametrize(("stages", "first"), [(1, "conv5_"), (2, "conv4_"), (4, "conv2_"), (5, "conv1_")])
def test_fine_tuning_frees_the_last_stages_but_no_batch_norm(stages, first, trained, settings):
    network = resnet50._unfreeze(trained, dataclasses.replace(settings, fine_tune=stages))
    learning = {weight.path.split("/")[-2] for weight in network.trainable_weights}
    backbone = {layer.name for layer in network.get_layer("resnet50").layers if layer.weights}
    expected = {name for name in backbone if first <= name and not name.endswith("_bn")}
    assert learning == expected | {"head_hidden", "probabilities"}
    with_norms = resnet50._unfreeze(trained, dataclasses.replace(settings, fine_tune=stages, unfreeze_batch_norm=True))
    learning = {weight.path.split("/")[-2] for weight in with_norms.trainable_weights}
    assert learning == {name for name in backbone if first <= name} | {
        "head_normalisation",
        "head_hidden",
        "probabilities",
    }


@pytest.mark.parametrize("unfreeze", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_what_changes_in_fine_tuning_and_what_does_not(unfreeze, settings, tiny, data_dir, tmp_path, recorder):
    """The head's phase leaves the backbone alone; the second changes the freed stage, statistics only if asked."""
    head_only = dataclasses.replace(settings, fine_tune=0)
    train(head_only, tiny, data_dir, tmp_path / "head", Silent())
    tuned = dataclasses.replace(settings, unfreeze_batch_norm=unfreeze)
    train(tuned, tiny, data_dir, tmp_path / "tuned", recorder)
    before, after = (keras.saving.load_model(tmp_path / name / "model.keras") for name in ("head", "tuned"))
    changed = {
        layer.name
        for part in ("resnet50", "head")
        for layer in after.get_layer(part).layers
        if layer.weights and not same(arrays(layer), arrays(before.get_layer(part).get_layer(layer.name)))
    }
    always = {"conv5_block3_3_conv", "head_hidden", "probabilities"}
    assert changed == always | ({"conv5_bn", "head_normalisation"} if unfreeze else set())
    assert same(arrays(before.get_layer("less_imagenet_means")), arrays(after.get_layer("less_imagenet_means")))
    assert [result.epoch for result in recorder.results] == [1, 2, 3, 4]


def test_the_head_learns(settings, tiny, data_dir, tmp_path, recorder):
    longer = dataclasses.replace(settings, fine_tune=0, epochs=12, limit=None)
    train(longer, tiny, data_dir, tmp_path / "run", recorder)
    assert recorder.results[-1].val_accuracy >= 0.9


def test_from_random_weights_everything_learns(settings, tiny, data_dir, tmp_path):
    scratch = dataclasses.replace(settings, weights="none", fine_tune=0)
    train(scratch, tiny, data_dir, tmp_path / "run", Silent())
    keras.utils.set_random_seed(scratch.seed)
    fresh = resnet50.build(scratch, 10)
    after = keras.saving.load_model(tmp_path / "run" / "model.keras")
    unchanged = [
        a.path
        for a, b in zip(after.weights, fresh.weights, strict=True)
        if np.array_equal(np.asarray(a), np.asarray(b))
    ]
    assert [path.split("/")[-2] for path in unchanged] == ["less_imagenet_means"] * 2
    assert "weights none" in json.loads((tmp_path / "run" / "metrics.json").read_text())["command"]


@pytest.fixture
def uninterrupted(settings, tiny, data_dir, tmp_path):
    return train(settings, tiny, data_dir, tmp_path / "whole", Silent())


def test_a_run_interrupted_in_either_phase_ends_in_the_same_weights(
    settings, tiny, data_dir, tmp_path, uninterrupted, new_recorder
):
    """Within the head's phase, between the phases and within the fine-tuning; and the comparison sees another seed."""

    def stop():
        raise KeyboardInterrupt

    out = tmp_path / "run"
    for epoch in (1, 2, 3):
        recorder = new_recorder()
        recorder.after_epoch[epoch] = stop
        with pytest.raises(KeyboardInterrupt):
            train(settings, tiny, data_dir, out, recorder, resume=True)
        assert [result.epoch for result in recorder.results] == [epoch]
    assert same(train(settings, tiny, data_dir, out, Silent(), resume=True), uninterrupted)
    assert not list(out.glob("*checkpoint*"))
    rows = (out / "history.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == ["1", "2", "3", "4"]
    other = train(dataclasses.replace(settings, seed=4), tiny, data_dir, tmp_path / "other", Silent())
    assert not same(other, uninterrupted)


def test_a_run_is_not_resumed_with_other_weights(settings, tiny, data_dir, tmp_path, recorder):
    def stop():
        raise KeyboardInterrupt

    recorder.after_epoch[1] = stop
    with pytest.raises(KeyboardInterrupt):
        train(settings, tiny, data_dir, tmp_path / "run", recorder)
    tiny_backbone().save_weights(tiny)  # the same name, other content
    with pytest.raises(TrainingFailed, match="weights sha256"):
        train(settings, tiny, data_dir, tmp_path / "run", recorder, resume=True)


# Cache


@pytest.fixture
def extractor():
    keras.utils.set_random_seed(2)
    return resnet50.build_extractor(tiny_backbone())


@pytest.fixture
def pictures(data_dir):
    return load("test", data_dir).first(30)


def test_features_are_computed_once(extractor, pictures, cache, recorder, new_recorder):
    first = resnet50_features.compute_features(extractor, pictures, recorder)
    assert first.images.shape == (30, 2048)
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
        bias = extractor.get_layer("resnet50").get_layer("conv5_bn").moving_mean
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


# Options


@pytest.mark.parametrize(
    "wrong",
    [
        {"fine_tune": 6},
        {"fine_tune": -1},
        {"fine_tune_epochs": 0},
        {"fine_tune_learning_rate": 0.0},
        {"fine_tune_learning_rate": float("inf")},
        {"learning_rate": 0.0},
        {"weights": "none", "fine_tune": 1},
        {"fine_tune": 0, "unfreeze_batch_norm": True},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong, settings):
    with pytest.raises(BadOption):
        dataclasses.replace(settings, **wrong)


@pytest.mark.parametrize("changed", [{}, {"unfreeze_batch_norm": True}, {"weights": "none", "fine_tune": 0}])
def test_the_command_carries_every_option(changed, settings, monkeypatch):
    """Typed again, it gives the same settings."""
    from typer.testing import CliRunner

    from train import cli

    told = []
    monkeypatch.setattr(cli, "run_recipe", lambda _recipe, settings, *_, **__: told.append(settings))
    expected = dataclasses.replace(settings, **changed)
    assert CliRunner().invoke(cli.app, shlex.split(expected.command)[1:]).exit_code == 0
    assert told == [expected]


def test_the_command_to_resume_names_the_weights_file_with_its_folder(settings):
    words = shlex.split(settings.command_with(Path("/my weights/tiny.weights.h5")))
    assert words[words.index("--weights") + 1] == "/my weights/tiny.weights.h5"


# As a process of its own, with the real network


def command(arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "train.cli", "resnet50", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.subprocess
def test_killed_in_each_phase_and_resumed(tmp_path, data_dir, weights_file):
    """kill -9 while the features are computed, in the head's epochs and in the fine-tuning."""
    arguments = ["--weights", str(weights_file), "--data", str(data_dir), "--limit", "100", "--epochs", "40"]
    arguments += ["--validation-images", "20", "--fine-tune", "1", "--fine-tune-epochs", "3"]
    whole = command([*arguments, "--out", str(tmp_path / "whole")])
    assert whole.wait(timeout=240) == 0, whole.stderr.read()
    arguments += ["--out", str(tmp_path / "run"), "--resume"]
    for sign in ("computing the features", "epoch  5/40", "epoch 41/43"):
        process = command(arguments, XDG_CACHE_HOME=str(tmp_path / "other cache"))
        while sign not in (line := process.stderr.readline()):
            assert line, f"{sign} never came"
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    process = command(arguments, XDG_CACHE_HOME=str(tmp_path / "other cache"))
    _, said = process.communicate(timeout=240)
    assert process.returncode == 0, said
    assert "computing the features" not in said
    models = [keras.saving.load_model(tmp_path / name / "model.keras") for name in ("run", "whole")]
    assert same(arrays(models[0]), arrays(models[1]))


@pytest.mark.slow
def test_its_int8_form_has_edge_tpu_operations_only(trained, data_dir):
    """The guards pass, the input is exactly pixel - 128, and no operation is outside the compiler's list."""
    from ai_edge_litert import schema_py_generated as schema

    from convert import guards
    from convert.quantise import MinMaxQuantiser

    pictures = load("train", data_dir).images[:10].astype(np.float32)
    flatbuffer = MinMaxQuantiser().quantise(trained, pictures, lambda _: None)
    guards.check(flatbuffer, sum(int(np.prod(w.shape)) for w in trained.weights if len(w.shape) > 1))
    model = schema.ModelT.InitFromPackedBuf(bytearray(flatbuffer), 0)
    names = {number: name for name, number in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    used = {names[max(code.builtinCode, code.deprecatedBuiltinCode)] for code in model.operatorCodes}
    # RESHAPE turns 28 x 28 into 28 x 28 x 1, and the converter puts it around additions of 1 x 1 pictures.
    assert used <= {
        "ADD",
        "CONV_2D",
        "FULLY_CONNECTED",
        "MAX_POOL_2D",
        "MEAN",
        "MUL",
        "PAD",
        "RESHAPE",
        "SOFTMAX",
    }
    pixels = model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].quantization
    assert (list(pixels.scale), list(pixels.zeroPoint)) == ([1.0], [-128])
