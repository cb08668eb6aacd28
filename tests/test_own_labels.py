"""From folders of one's own pictures to answers with one's own labels: train, quantise, classify, evaluate."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("keras")

from typer.testing import CliRunner

from convert.cli.app import app as convert_app
from edge.errors import BadOption, DatasetDamaged, FloatModelUnreadable, FmnistEdgeError
from edge.inference.model_file import read_model
from tests.conftest import Run
from tests.own_pictures import LABELS, write_own_pictures
from train.cli.app import app as train_app


def invoke(app: Any, *arguments: object) -> str:
    """Run a command in this process, where TensorFlow is loaded already; errors of our tree are raised."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None:
        raise result.exception
    return result.output


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_own_pictures(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def run(own: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "garments"
    said = invoke(train_app, "mlp", "--data", own, "--out", out, "--epochs", 12, "--batch-size", 8)
    assert "of 30 test images right" in said
    return out


@pytest.fixture(scope="module")
def tflite(own: Path, run: Path) -> Path:
    said = invoke(convert_app, "quantize", run / "model.keras", "--data", own, "--name", "garments")
    assert "with 30 test images, one of them is 3.3 points" in said
    return run / "model_int8.tflite"


def test_the_run_folder_has_the_labels(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["labels"] == list(LABELS)
    assert set(metrics["per_class_test_accuracy"]) == set(LABELS)
    assert metrics["validation_images"] == 12  # a tenth of each class
    assert metrics["test_accuracy"] > 0.9
    record = json.loads((zipfile.Path(run / "model.keras") / "fmnist_edge.json").read_text())
    assert record["labels"] == list(LABELS)
    assert record["validation_images"] == 12


def test_the_model_file_has_the_labels_and_says_what_it_was_measured_on(tflite: Path, own: Path) -> None:
    model = read_model(str(tflite))
    assert model.labels == LABELS
    assert zipfile.Path(tflite, "labels.txt").read_text() == "glove\nhat\nscarf\n"
    assert model.manifest is not None
    accuracy, provenance = model.manifest["accuracy"], model.manifest["provenance"]
    assert accuracy["data"].startswith("pictures of the user's own: 3 classes, SHA-256")
    assert accuracy["images"] == 30
    assert accuracy["int8"] > 0.9
    assert provenance["calibration"] | {"seed": 0} == {
        "images": 12, "held_out_of": 12, "rule": "min-max", "seed": 0,
    }  # fmt: skip
    assert str(own) not in json.dumps(model.manifest)


@pytest.mark.subprocess
def test_photographs_are_classified_with_the_labels(tflite: Path, own: Path, fmnist_edge: Run) -> None:
    done = fmnist_edge("classify", own / "test", "--model", tflite, "-f", "json")
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == 30
    right = sum(Path(one["source"]).parent.name == one["label"] for one in answers)

    measured = fmnist_edge("evaluate", "--model", tflite, "--data", own, "-f", "json")
    assert measured.returncode == 0, measured.stderr
    report = json.loads(measured.stdout)
    assert report["labels"] == list(LABELS)
    assert report["accuracy"] == pytest.approx(right / 30)
    assert report["accuracy"] == pytest.approx(read_model(str(tflite)).manifest["accuracy"]["int8"])  # type: ignore[index]


@pytest.mark.subprocess
def test_fashion_mnist_does_not_measure_it(tflite: Path, fmnist_edge: Run) -> None:
    done = fmnist_edge("evaluate", "--model", tflite)
    assert done.returncode == 7
    assert "the model does not know T-shirt/top" in done.stderr
    assert "--data DIR" in done.stderr


def test_without_its_data_the_model_is_not_converted(run: Path, tmp_path: Path) -> None:
    with pytest.raises(FloatModelUnreadable, match="labels than the data: glove, hat, scarf; the data: T-s") as caught:
        invoke(convert_app, "quantize", run / "model.keras", "-o", tmp_path / "model.tflite")
    assert "--data DIR" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_does_not_say_its_labels_takes_the_datas(run: Path, own: Path, tmp_path: Path) -> None:
    """A Keras model of other origin: its pixel range is measured on the pictures there are."""
    import keras

    plain = tmp_path / "plain.keras"
    keras.saving.load_model(run / "model.keras").save(plain)
    said = invoke(convert_app, "quantize", plain, "--data", own, "--max-drop", 10)
    assert "0..255 fits best" in said
    assert read_model(str(tmp_path / "plain_int8.tflite")).labels == LABELS


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        (["--validation-images", 10], BadOption, "positive multiple of 3"),
        (["--validation-images", 120], BadOption, "leaves none of 'glove', 'hat', 'scarf'"),
        (["--validation-images", 123], BadOption, "'glove' has 40"),
    ],
)
def test_a_held_out_number_that_does_not_fit(
    own: Path, tmp_path: Path, options: list[object], kind: type[FmnistEdgeError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        invoke(train_app, "mlp", "--data", own, "--out", tmp_path / "run", *options)


def test_a_damaged_picture_stops_the_training_before_it_starts(own: Path, tmp_path: Path) -> None:
    spoilt = shutil.copytree(own, tmp_path / "spoilt")
    (spoilt / "train" / "hat" / "bad.png").write_text("no picture")
    with pytest.raises(DatasetDamaged, match=r"hat/bad\.png is not a readable image"):
        invoke(train_app, "mlp", "--data-dir", spoilt, "--out", tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoint.keras").exists()


def test_test_images_among_the_training_images_are_told(own: Path, tmp_path: Path) -> None:
    leaky = shutil.copytree(own, tmp_path / "leaky")
    shutil.copy(leaky / "train" / "hat" / "hat 000.png", leaky / "test" / "hat" / "leak.png")
    said = invoke(train_app, "mlp", "--data", leaky, "--out", tmp_path / "run", "--epochs", 1)
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["test_images"] == 31
    assert "1 of the test images are among the training data too" in said


@pytest.mark.slow
def test_the_compact_network_learns_them_too(own: Path, tmp_path: Path) -> None:
    """Its default of 500 held-out images of each class gives way to what there is."""
    out = tmp_path / "edge"
    invoke(train_app, "edge", "--size", "tiny", "--epochs", 1, "--batch-size", 16, "--data", own, "--out", out)
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["labels"] == list(LABELS)
    assert metrics["validation_images"] == 12
    assert metrics["macs"] > 0
