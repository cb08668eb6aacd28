"""A network of larger pictures goes through the whole chain, with Fashion-MNIST's pictures enlarged as its data.

tests/convert/large_models.py makes it of a smaller one: both answer alike, so each number has something to be held to.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from typer.testing import CliRunner

from convert.cli.app import app
from edge.datasets.dataset import Dataset
from edge.errors import FloatModelUnreadable
from edge.inference.classifier import Classifier, open_classifier
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import read_model
from edge.isolation.network_input import fit_pictures
from edge.opencv import cv2
from edge.spec import ImageSpec
from tests.conftest import ROOT
from tests.convert.large_models import TINY, twice_as_large, write_large
from tests.edge.isolation.drawn_frames import drawn_frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.convert.conftest import Quantize

TRAINING, TESTED, HELD_OUT = 3000, 300, 500
LARGE = ImageSpec(56, 56)


@dataclass(frozen=True)
class Pair:
    """The same network for 28 x 28 and for 56 x 56 pixels, both converted with the same data, in one folder."""

    folder: Path
    data: Path
    test: Dataset

    def model(self, name: str) -> Classifier:
        model = read_model(str(self.folder / f"{name}.tflite"))
        return open_classifier(model, open_interpreter(model), views=6)

    def report(self, name: str) -> Any:
        return json.loads((self.folder / f"{name}.report.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def pair(training: Dataset, test_data: Dataset, quantize: Quantize, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("sizes")
    data = folder / "data"
    data.mkdir()
    for split, part in (("train", training.first(TRAINING)), ("test", test_data.first(TESTED))):
        np.save(data / f"{split}_features.npy", part.images)
        np.save(data / f"{split}_target.npy", part.labels)
    with zipfile.ZipFile(TINY) as tiny, zipfile.ZipFile(folder / "small.keras", "w") as copy:
        for name in tiny.namelist():
            if name.endswith("fmnist_edge.json"):
                record = json.loads(tiny.read(name)) | {"validation_images": HELD_OUT, "test_accuracy": None}
                copy.writestr(name, json.dumps(record))
            else:
                copy.writestr(name, tiny.read(name))
    write_large(folder / "large.keras", validation_images=HELD_OUT, test_accuracy=None)
    for name, targets in (("small", "litert"), ("large", "litert,mediapipe")):
        options = ("--data", data, "--calibration-images", 60, "--target", targets)
        result = quantize(folder / f"{name}.keras", "-o", folder / f"{name}.tflite", *options)
        assert result.exception is None, result.exception
    return Pair(folder, data, test_data.first(TESTED))


def command(*arguments: object) -> str:
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exception is None, result.exception
    return result.stdout


def edge(pair: Pair, *arguments: object) -> str:
    """The command of the device, as its user meets it."""
    done = subprocess.run(
        [sys.executable, "-m", "edge.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=pair.folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(Path.home())},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_larger_network_is_the_smaller_one(sample: Any) -> None:
    """In float: what the strong tests below rest on."""
    import keras

    small = keras.saving.load_model(TINY, compile=False)
    pictures = sample.images[:200]
    wanted = small.predict(pictures.astype(np.float32), verbose=0)
    given = twice_as_large(small).predict(fit_pictures(pictures, LARGE).astype(np.float32), verbose=0)
    np.testing.assert_allclose(given, wanted, atol=1e-4)


def test_the_file_says_its_size(pair: Pair) -> None:
    model = read_model(str(pair.folder / "large.tflite"))
    assert model.image == LARGE
    assert model.manifest is not None and model.manifest["image"] == {"height": 56, "width": 56, "low": 0, "high": 255}
    interpreter = open_interpreter(model)
    assert (interpreter.input.shape, interpreter.input.scale) == ((1, 56, 56), 1.0)


def test_float_answers_are_the_same_and_int8_ones_nearly(pair: Pair) -> None:
    small, large = pair.report("small"), pair.report("large")
    assert large["float_run"] == small["float_run"]
    assert large["manifest"]["accuracy"]["data"] == small["manifest"]["accuracy"]["data"]
    assert large["search"]["scored_images"] == small["search"]["scored_images"]
    assert [layer["shape"] for layer in large["layers"][2:]] == [layer["shape"] for layer in small["layers"][2:]]
    for one, other in zip(large["layers"], small["layers"], strict=True):
        assert one["snr_db"] == pytest.approx(other["snr_db"], abs=1.5), one["layer"]
    answers, wanted = (
        pair.model(name).probabilities(fit_pictures(pair.test.images, image))
        for name, image in (("large", LARGE), ("small", ImageSpec()))
    )
    assert np.mean(answers.argmax(axis=1) == wanted.argmax(axis=1)) >= 0.99
    assert large["manifest"]["accuracy"]["int8"] == np.mean(answers.argmax(axis=1) == pair.test.labels)
    assert large["verdict"] == "passed"


def test_the_variant_for_mediapipe_answers_as_the_model(pair: Pair) -> None:
    report = pair.report("large")
    assert report["mediapipe"]["other_answers"] == 0
    variant = open_interpreter(read_model(str(pair.folder / "large_mediapipe.tflite")))
    assert variant.input.shape == (1, 56, 56, 3)
    assert report["targets"]["litert"]["verdict"] == "passed"


def test_check_inspect_and_compare_take_it(pair: Pair) -> None:
    large = pair.folder / "large.tflite"
    checked = json.loads(
        command(
            "check", large, "--run", "--images", 60, "--data", pair.data, "--target", "litert,edgetpu", "-f", "json"
        )
    )
    run = checked["targets"]["litert"]["run"]
    assert (run["verdict"], run["images"], run["changed"]) == ("passed", 60, 0)
    variant = pair.folder / "large_mediapipe.tflite"
    command("check", variant, "--run", "--images", 20, "--data", pair.data, "--target", "litert")
    assert json.loads(command("inspect", large, "-f", "json"))["graphs"][0]["inputs"][0]["shape"] == [1, 56, 56]
    compared = json.loads(command("compare", pair.folder / "large.keras", large, "--data", pair.data, "-f", "json"))
    accuracy = pair.report("large")["manifest"]["accuracy"]
    assert [one["accuracy"] for one in compared["models"]] == [accuracy["float"], accuracy["int8"]]


def test_photos_are_seen_in_its_own_size(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """And classified nearly as by the smaller one: drawn in four times the pixels, but the same garments."""
    shown: list[tuple[int, ...]] = []
    whole = Classifier.probabilities

    def watched(self: Classifier, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        shown.append(pictures.shape)
        return whole(self, pictures)

    from edge.frame import Frame

    large, small = pair.model("large"), pair.model("small")
    monkeypatch.setattr(Classifier, "probabilities", watched)
    same = 0
    for name, pixels in drawn_frames():
        frame = Frame(pixels, name, 0, 0.0, 1.0)
        shown.clear()
        one, other = large(frame), small(frame)
        assert (one.decision == "no_garment") == (other.decision == "no_garment"), name
        assert bool(one.ranked) == bool(other.ranked), name
        if one.best and other.best:
            assert {shape[1:] for shape in shown} == {(56, 56), (28, 28)}
            same += one.best.label == other.best.label
    assert same > 60


@pytest.mark.slow
@pytest.mark.subprocess
def test_the_device_runs_it(pair: Pair, tmp_path: Path) -> None:
    model = ("--model", "large.tflite")
    measured = json.loads(edge(pair, "evaluate", *model, "--data", pair.data, "-f", "json"))
    assert measured["accuracy"] == pair.report("large")["manifest"]["accuracy"]["int8"]
    first, second = tmp_path / "a.png", tmp_path / "b.png"
    cv2.imwrite(str(first), pair.test.images[0])
    cv2.imwrite(str(second), fit_pictures(pair.test.images[:1], LARGE)[0])
    lines = edge(pair, "classify", first, second, *model, "-f", "json", "--save-view", tmp_path / "seen").splitlines()
    one, other = map(json.loads, lines)
    assert one["top"] == other["top"]
    assert len(list((tmp_path / "seen").iterdir())) == 2
    assert "Ankle boot" in edge(pair, "explain", first, *model, "-o", tmp_path / "why.png")
    benched = tmp_path / "bench.json"
    edge(pair, "bench", "--frames", 5, "--threads", 1, *model, "--output", benched)
    (result,) = json.loads(benched.read_text())["measured"]
    assert result["correctness"]["verdict"] == "as stated"
    assert result["correctness"]["images"] == 300


@pytest.mark.slow
def test_every_kind_of_float_file_is_taken(pair: Pair, quantize: Quantize, tmp_path: Path) -> None:
    """A SavedModel, a float .tflite, a Keras file without a record, and one whose pixels come in a row."""
    import keras

    network = keras.saving.load_model(pair.folder / "large.keras", compile=False)
    network.export(str(tmp_path / "saved"), verbose=False)
    network.save(tmp_path / "plain.keras")
    pixels = keras.Input((56 * 56,))
    keras.Model(pixels, network(keras.layers.Reshape((56, 56))(pixels))).save(tmp_path / "row.keras")
    first = quantize(
        pair.folder / "large.keras", "-o", tmp_path / "float.tflite", "--scheme", "float32", "--data", pair.data
    )
    assert first.exception is None, first.exception
    accuracy = pair.report("large")["manifest"]["accuracy"]
    for name in ("saved", "plain.keras", "row.keras", "float.tflite"):
        output = tmp_path / f"{name}.int8.tflite"
        result = quantize(tmp_path / name, "-o", output, "--data", pair.data)
        assert result.exception is None, (name, result.exception)
        model = read_model(str(output))
        assert model.image == LARGE, name
        assert model.manifest is not None
        assert model.manifest["accuracy"]["float"] == accuracy["float"], name


def test_own_calibration_pictures_are_seen_in_its_size(pair: Pair, quantize: Quantize, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number, picture in enumerate(pair.test.images[:12]):
        cv2.imwrite(
            str(photos / f"{number}.png"), picture if number % 2 else fit_pictures(picture[np.newaxis], LARGE)[0]
        )
    for number, (_, pixels) in enumerate(list(drawn_frames())[:4]):
        cv2.imwrite(str(photos / f"photo {number}.png"), pixels)
    output = tmp_path / "own.tflite"
    result = quantize(
        pair.folder / "large.keras", "-o", output, "--data", pair.data, "--representative", photos, "--max-drop", 5
    )
    assert result.exception is None, result.exception
    notes = json.loads(output.with_name("own.report.json").read_text())["notes"]
    assert any("your own pictures: 16 different ones" in note for note in notes)
    assert any(note.startswith("12 of them are test pictures, too") for note in notes)


def test_a_record_of_another_size_is_refused(pair: Pair, quantize: Quantize, tmp_path: Path) -> None:
    path = write_large(tmp_path / "m.keras", input={"height": 28, "width": 28, "low": 0, "high": 255})
    result = quantize(path, "--data", pair.data)
    assert isinstance(result.exception, FloatModelUnreadable)
    assert "takes pictures of 56x56, its record says that it was trained on 28x28" in result.exception.message
