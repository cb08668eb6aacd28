"""The recipe resnet50: its preprocessing, its two phases, how they are resumed, its int8 form.

Orchestration is tested on a backbone of four layers, which has ResNet50's name, input and number of features.
"""

import dataclasses
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras")

from edge.datasets.dataset import load, split_held_out
from edge.errors import TrainingFailed
from tests.train.recipes.tiny_resnet50 import SETTINGS, Silent, arrays, same, tiny_backbone, train
from train.quiet import load_keras
from train.recipes import resnet50, resnet50_weights
from train.recipes.resnet50 import Resnet50Settings

load_keras()

import keras  # noqa: E402 - quietly loaded above


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory):
    """Random weights of the real ResNet50, seeded, with statistics that keep its features within bounds."""
    keras.utils.set_random_seed(0)
    file = tmp_path_factory.mktemp("weights") / "random.weights.h5"
    resnet50_weights.build_backbone().save_weights(file)
    return file


@pytest.fixture(scope="module")
def tiny_file(tmp_path_factory):
    keras.utils.set_random_seed(1)
    file = tmp_path_factory.mktemp("tiny") / "tiny.weights.h5"
    tiny_backbone().save_weights(file)
    return file


@pytest.fixture
def tiny(tiny_file, monkeypatch):
    """Put the tiny backbone in ResNet50's place; the file of its weights."""
    monkeypatch.setattr(resnet50_weights, "build_backbone", tiny_backbone)
    return tiny_file


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def settings():
    return SETTINGS


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
            callback=Silent(),
        )
    return folder / "run", metrics


@pytest.fixture(scope="module")
def trained(run):
    return keras.saving.load_model(run[0] / "model.keras")


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
    assert getattr(trained, "optimizer", None) is None  # twice the file's size, and of no use
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
    assert {path.name for path in out.iterdir()} > {"history.csv", "metrics.json", "model.keras"}
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


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, data_dir, tiny_file):
    """The folder of a whole run on the tiny backbone."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patch.setattr(resnet50_weights, "build_backbone", tiny_backbone)
        train(SETTINGS, tiny_file, data_dir, folder / "run", Silent())
    return folder / "run"


def test_it_learns(uninterrupted):
    assert json.loads((uninterrupted / "metrics.json").read_text())["test_accuracy"] > 0.8


def changed_layers(model, tiny_file):
    """Names of the backbone's layers that are not as in the file."""
    original = tiny_backbone()
    original.load_weights(tiny_file)
    now = model.get_layer("resnet50")
    names = [layer.name for layer in original.layers]
    return {name for name in names if not same(arrays(now.get_layer(name)), arrays(original.get_layer(name)))}


def test_fine_tuning_changes_the_freed_stage_only_and_no_statistics(uninterrupted, tiny_file):
    model = keras.saving.load_model(uninterrupted / "model.keras")
    assert changed_layers(model, tiny_file) == {"conv5_block3_3_conv"}


@pytest.mark.slow
def test_statistics_change_when_asked_for(settings, tiny, data_dir, tmp_path):
    train(dataclasses.replace(settings, unfreeze_batch_norm=True), tiny, data_dir, tmp_path / "run", Silent())
    model = keras.saving.load_model(tmp_path / "run" / "model.keras")
    assert changed_layers(model, tiny) == {"conv5_block3_3_conv", "conv5_bn"}


@pytest.mark.slow
def test_from_random_weights_everything_learns(settings, tiny, data_dir, tmp_path):
    scratch = dataclasses.replace(settings, weights="none", epochs=1, fine_tune=0, limit=100)
    train(scratch, tiny, data_dir, tmp_path / "run", Silent())
    keras.utils.set_random_seed(scratch.seed)
    fresh = resnet50.build(scratch, 10)
    after = keras.saving.load_model(tmp_path / "run" / "model.keras")
    pairs = zip(after.weights, fresh.weights, strict=True)
    unchanged = [a.path for a, b in pairs if np.array_equal(np.asarray(a), np.asarray(b))]
    assert [path.split("/")[-2] for path in unchanged] == ["less_imagenet_means"] * 2
    assert "weights none" in json.loads((tmp_path / "run" / "metrics.json").read_text())["command"]


@pytest.mark.slow
def test_a_run_interrupted_in_either_phase_ends_in_the_same_weights(
    settings, tiny, data_dir, tmp_path, uninterrupted, new_recorder
):
    """Between the phases and within the fine-tuning; within a single phase it is as with every recipe."""

    def stop():
        raise KeyboardInterrupt

    out = tmp_path / "run"
    for epoch in (2, 3):
        recorder = new_recorder()
        recorder.after_epoch[epoch] = stop
        with pytest.raises(KeyboardInterrupt):
            train(settings, tiny, data_dir, out, recorder, resume=True)
        assert recorder.results[-1].epoch == epoch
    resumed = train(settings, tiny, data_dir, out, Silent(), resume=True)
    assert same(resumed, arrays(keras.saving.load_model(uninterrupted / "model.keras")))
    assert not list(out.glob("*checkpoint*"))
    rows = (out / "history.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == ["1", "2", "3", "4"]


@pytest.mark.slow
def test_the_seed_decides_the_weights(settings, tiny, data_dir, tmp_path, uninterrupted):
    expected = arrays(keras.saving.load_model(uninterrupted / "model.keras"))
    assert same(train(settings, tiny, data_dir, tmp_path / "same", Silent()), expected)
    other = dataclasses.replace(settings, seed=4)
    assert not same(train(other, tiny, data_dir, tmp_path / "other", Silent()), expected)


def test_a_run_is_not_resumed_with_other_weights(settings, tiny, data_dir, tmp_path, recorder):
    def stop():
        raise KeyboardInterrupt

    recorder.after_epoch[1] = stop
    with pytest.raises(KeyboardInterrupt):
        train(settings, tiny, data_dir, tmp_path / "run", recorder)
    other = tmp_path / tiny.name
    tiny_backbone().save_weights(other)
    with pytest.raises(TrainingFailed, match="weights sha256"):
        train(settings, other, data_dir, tmp_path / "run", recorder, resume=True)


# In int8


@pytest.mark.slow
def test_its_int8_form_has_edge_tpu_operations_only(trained, data_dir):
    """The guards pass, the input is exactly pixel - 128, and no operation is outside the compiler's list."""
    from ai_edge_litert import schema_py_generated as schema

    from convert.inputs.keras_export import exporter
    from convert.quantize.converter import convert_plainly
    from convert.targets.check import check
    from convert.targets.operators import Target
    from convert.verify import guards
    from edge.inference.model_file import Model
    from edge.spec import ImageSpec

    pictures = load("train", data_dir).images[:10].astype(np.float32)
    pictures[:, 0, :2] = 0, 255  # real pictures have both
    flatbuffer = convert_plainly(exporter(trained), pictures, ImageSpec(), lambda _: None).flatbuffer
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
    # All of it, by Coral's rules: shapes, constants and versions, too.
    named = Model("resnet50", Path("resnet50.tflite"), flatbuffer, (), None, gives_logits=False, manifest=None)
    assert check(named, [Target.EDGETPU]).passes(Target.EDGETPU)
    pixels = model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].quantization
    assert (list(pixels.scale), list(pixels.zeroPoint)) == ([1.0], [-128])
