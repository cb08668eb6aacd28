"""A classifier of one's own in colour goes through the whole chain: any size, any labels, from any kind of file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from typer.testing import CliRunner

from convert.cli.app import app
from edge.datasets import dataset
from edge.errors import FloatModelUnreadable
from edge.inference.classifier import open_classifier
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import read_model
from edge.opencv import cv2
from edge.spec import Colour, Framing, ImageSpec, Resampling
from tests.coloured_pictures import LABELS, colour_network, write_coloured

if TYPE_CHECKING:
    from tests.convert.conftest import Quantize

RGB = ImageSpec(48, 40, 0, 255, Colour.RGB, Framing.STRETCH)
OPTIONS = ("--max-drop", 5, "--calibration", "min-max")


@dataclass(frozen=True)
class Done:
    """A conversion: its file, its report, and what it printed."""

    model: Path
    report: Any
    output: str

    @property
    def notes(self) -> str:
        return "\n".join(self.report["notes"])


Convert = Callable[..., Done]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_coloured(tmp_path_factory.mktemp("coloured"))


@pytest.fixture(scope="module")
def convert(quantize: Quantize, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Convert:
    def run(source: Path, *options: object, folder: Path = data) -> Done:
        model = tmp_path_factory.mktemp("int8") / "m.tflite"
        result = quantize(source, "-o", model, "--data", folder, *OPTIONS, *options)
        assert result.exception is None, result.exception
        return Done(model, json.loads(model.with_name("m.report.json").read_text("utf-8")), result.output)

    return run


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("network") / "colours.keras"
    colour_network().save(path)
    return path


@pytest.fixture(scope="module")
def rgb(convert: Convert, network: Path) -> Done:
    return convert(network, "--target", "litert,mediapipe")


def command(*arguments: object) -> str:
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exception is None, result.exception
    return result.stdout


def test_the_file_says_how_it_sees_pictures_and_the_report_what_was_guessed(rgb: Done) -> None:
    model = read_model(str(rgb.model))
    assert (model.image, model.labels) == (RGB, LABELS)
    assert model.manifest is not None and model.manifest["v"] == 2
    assert open_interpreter(model).input.shape == (1, 48, 40, 3)
    assert "whole picture, stretched, red, green, blue, resized bilinearly" in rgb.notes
    assert "--framing and --colour and --resampling say otherwise" in rgb.notes
    assert "0..255 fits best" in rgb.notes
    assert "WARNING" not in rgb.notes


def test_float_and_int8_are_measured_on_the_devices_path(rgb: Done, data: Path, network: Path) -> None:
    import keras

    test = dataset.load("test", data, image=RGB)
    scores = keras.saving.load_model(network).predict(test.images.astype(np.float32), verbose=0)
    accuracy = rgb.report["manifest"]["accuracy"]
    assert accuracy["float"] == np.mean(scores.argmax(axis=1) == test.labels)
    assert 0.8 < accuracy["float"] < 1
    model = read_model(str(rgb.model))
    ours = open_classifier(model, open_interpreter(model)).probabilities(test.images)
    assert accuracy["int8"] == np.mean(ours.argmax(axis=1) == test.labels)
    np.testing.assert_allclose(ours, scores, atol=0.05)


def test_the_variant_for_mediapipe_has_the_same_answers(rgb: Done) -> None:
    assert rgb.report["mediapipe"]["other_answers"] == 0
    variant = open_interpreter(read_model(str(rgb.model.with_name("m_mediapipe.tflite"))))
    assert variant.input.shape == (1, 48, 40, 3)
    assert variant.input.dtype == np.uint8


def test_check_inspect_and_compare_take_it(rgb: Done, data: Path, network: Path) -> None:
    checked = json.loads(
        command("check", rgb.model, "--run", "--data", data, "--target", "litert,edgetpu", "-f", "json")
    )
    assert checked["targets"]["litert"]["run"]["verdict"] == "passed"
    variant = rgb.model.with_name("m_mediapipe.tflite")
    command("check", variant, "--run", "--data", data, "--target", "litert")
    assert "frame-stretch" in command("inspect", rgb.model)
    compared = json.loads(command("compare", network, variant, "--data", data, "-f", "json"))
    accuracy = rgb.report["manifest"]["accuracy"]
    assert [one["accuracy"] for one in compared["models"]] == [accuracy["float"], rgb.report["mediapipe"]["accuracy"]]


def saved(folder: Path, kind: str) -> Path:
    """The network in another kind of file."""
    import tensorflow as tf

    model = colour_network()
    match kind:
        case "h5":
            model.save(folder / "m.h5")
            return folder / "m.h5"
        case "saved model":
            model.export(str(folder / "saved"), verbose=False)
            return folder / "saved"
        case "saved model of bytes":
            module = tf.Module()
            module.weights = list(model.weights)
            given = tf.TensorSpec((None, 48, 40, 3), tf.uint8, "pixels")
            serve = tf.function(lambda pixels: model(tf.cast(pixels, tf.float32)), input_signature=[given])
            tf.saved_model.save(module, str(folder / "bytes"), signatures=serve)
            return folder / "bytes"
        case _:
            model.export(str(folder / "saved"), verbose=False)
            content = tf.lite.TFLiteConverter.from_saved_model(str(folder / "saved")).convert()
            (folder / "m.tflite").write_bytes(content)
            return folder / "m.tflite"


@pytest.mark.parametrize("kind", ["h5", "saved model", "saved model of bytes", "tflite"])
def test_every_kind_of_file_is_taken(convert: Convert, rgb: Done, tmp_path: Path, kind: str) -> None:
    done = convert(saved(tmp_path, kind))
    assert read_model(str(done.model)).image == RGB
    assert done.report["float_run"] == rgb.report["float_run"]


def test_layers_that_prepare_pictures_are_taken_along(convert: Convert, tmp_path: Path) -> None:
    """As TensorFlow's tutorial on image classification has them, and more."""
    import keras

    layers = keras.layers
    augment = keras.Sequential(
        [layers.RandomFlip(), layers.RandomRotation(0.1), layers.RandomZoom(0.1)], name="augment"
    )
    front = [augment, layers.Resizing(44, 44), layers.CenterCrop(40, 40), layers.Normalization(mean=3.0, variance=0.9)]
    colour_network(front=front).save(tmp_path / "m.keras")
    done = convert(tmp_path / "m.keras")
    assert done.report["manifest"]["accuracy"]["float"] > 0.75
    operators = {
        one["operator"] for one in json.loads(command("inspect", done.model, "-f", "json"))["graphs"][0]["operations"]
    }
    assert "RESIZE_BILINEAR" in operators


def test_a_wrong_order_of_channels_is_told_and_the_right_one_taken(convert: Convert, tmp_path: Path) -> None:
    path = tmp_path / "bgr.keras"
    colour_network(bgr=True).save(path)
    wrong = convert(path, "--pixels", 255, "--colour", "bgr", "--target", "litert,mediapipe")
    assert "WARNING" not in wrong.notes
    image = read_model(str(wrong.model)).image
    assert image is not None and image.colour is Colour.BGR
    assert wrong.report["mediapipe"]["other_answers"] == 0
    variant = read_model(str(wrong.model.with_name("m_mediapipe.tflite"))).image
    assert variant is not None and variant.colour is Colour.RGB
    assert "--colour bgr" in wrong.report["command"]


def test_the_other_order_is_told_of(convert: Convert, tmp_path: Path, data: Path) -> None:
    """The model knows green, and takes red for blue: it still knows something."""
    from convert.inputs.channel_order import check_order
    from convert.inputs.keras_interpreter import KerasInterpreter

    training = dataset.load("train", data, image=RGB)
    (note,) = check_order(KerasInterpreter(colour_network(bgr=True)), RGB, training)
    assert "try --colour bgr" in note
    assert not check_order(KerasInterpreter(colour_network()), RGB, training)


@pytest.mark.parametrize("last", ["sigmoid", "linear"])
def test_one_score_is_enough_for_two_labels(
    convert: Convert, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, last: str
) -> None:
    folder = write_coloured(tmp_path / "two", 20, 20, ("blue", "red"))
    colour_network(labels=1, last=last).save(tmp_path / "m.keras")
    done = convert(tmp_path / "m.keras", folder=folder)
    accuracy = done.report["manifest"]["accuracy"]
    assert accuracy["float"] > 0.9 and accuracy["drop"] <= 5
    assert done.report["manifest"]["scores"] == ("probabilities" if last == "sigmoid" else "logits")
    assert set(accuracy["per_class"]) == {"blue", "red"}


def test_a_flat_folder_and_small_pictures(convert: Convert, tmp_path: Path) -> None:
    write_coloured(tmp_path / "split", 20, 5)
    (tmp_path / "split" / "train").rename(tmp_path / "flat")
    colour_network((64, 64)).save(tmp_path / "m.keras")
    done = convert(tmp_path / "m.keras", folder=tmp_path / "flat")
    assert "60 of 60 pictures are smaller than 64x64: they are enlarged" in done.notes


def test_a_thousand_classes(convert: Convert, tmp_path: Path) -> None:
    """A pattern each, of 8 x 8 pixels: two pictures to train on and one to test on."""
    import keras

    rng = np.random.default_rng(0)
    prototypes = rng.integers(20, 236, (1000, 8, 8, 3)).astype(np.int16)
    for number, pixels in enumerate(prototypes):
        for split, count in (("train", 2), ("test", 1)):
            place = tmp_path / "data" / split / f"{number:04}"
            place.mkdir(parents=True)
            for index in range(count):
                noisy = (pixels + rng.integers(-20, 21, pixels.shape)).astype(np.uint8)
                assert cv2.imwrite(str(place / f"{index}.bmp"), np.ascontiguousarray(noisy[..., ::-1]))
    flat = (prototypes.reshape(1000, -1) / 128 - 1).astype(np.float32)
    layers = [keras.layers.Rescaling(1 / 128, -1), keras.layers.Flatten(), keras.layers.Dense(1000)]
    model = keras.Sequential([keras.Input((8, 8, 3)), *layers])
    model.set_weights([flat.T, -(flat**2).sum(axis=1) / 2])
    model.save(tmp_path / "m.keras")
    done = convert(tmp_path / "m.keras", folder=tmp_path / "data")
    accuracy = done.report["manifest"]["accuracy"]
    assert (accuracy["images"], len(accuracy["per_class"])) == (1000, 1000)
    assert accuracy["float"] > 0.99 and accuracy["drop"] < 1
    assert done.report["float_run"]["confusion"] is None
    assert "of 1,000 classes the 40 that changed most" in " ".join(done.output.split())
    assert done.model.with_name("m.report.html").stat().st_size < 3 << 20


def test_labels_that_differ_are_both_listed(network: Path, quantize: Quantize, tmp_path: Path, rgb: Done) -> None:
    folder = write_coloured(tmp_path / "d", 4, 2, ("green", "red"))
    (folder / "train" / "red").rename(folder / "train" / "violet")
    (folder / "test" / "red").rename(folder / "test" / "violet")
    result = quantize(network, "--data", folder)
    assert isinstance(result.exception, FloatModelUnreadable)
    assert "expected one output for each of the 2 labels" in result.exception.message
    assert "green, violet" in result.exception.hint


def test_grey_models_of_any_size_see_whole_frames_if_told(convert: Convert, tmp_path: Path) -> None:
    import keras

    rng = np.random.default_rng(1)
    for split, count in (("train", 12), ("test", 8)):
        for label, level in (("dark", 40), ("light", 150)):
            place = tmp_path / "shades" / split / label
            place.mkdir(parents=True)
            for number in range(count):
                cv2.imwrite(str(place / f"{number}.png"), rng.integers(level, level + 60, (30, 30, 3), np.uint8))
    model = keras.Sequential([keras.Input((20, 24)), keras.layers.Flatten(), keras.layers.Dense(1, "sigmoid")])
    model.set_weights([np.full((480, 1), 1 / 480, np.float32), np.array([-128.0], np.float32)])
    model.save(tmp_path / "m.keras")
    told = ("--framing", "frame-letterbox", "--ground", "#808080", "--resampling", "area", "--pixels", "255")
    done = convert(tmp_path / "m.keras", *told, folder=tmp_path / "shades")
    grey = ImageSpec(20, 24, 0, 255, Colour.GREY, Framing.LETTERBOX, Resampling.AREA, (128, 128, 128))
    assert read_model(str(done.model)).image == grey
    assert all(word in done.report["command"] for word in told)
    assert done.report["manifest"]["accuracy"]["float"] == 1
