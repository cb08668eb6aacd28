"""`fmnist-train transfer`: every option arrives, and one folder of photos becomes a model that convert takes."""

import dataclasses
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("keras")

from edge.inference.model_file import read_model
from edge.spec import Colour, Framing, ImageSpec, Resampling
from tests.train.coloured import write_pictures
from train.recipes.transfer_settings import TransferSettings, read_size

ROOT = Path(__file__).parents[3]


@pytest.fixture
def settings():
    return TransferSettings("transfer", 2, 16, 0.01, 3, 20, backbone="resnet50", weights="mine.h5", size="64x96")


CHANGES = [
    {},
    {"weights": "none", "epochs": 40},
    {"weights": "imagenet", "fine_tune": 3, "fine_tune_share": 0.5, "fine_tune_learning_rate": 1e-5},
    {"framing": "garment-colour", "ground": "#ffffff", "resampling": "bilinear"},
    {"variants": 1, "augment": 0.0, "dropout": 0.0, "limit": 7, "weights_sha256": "ab"},
    {"backbone": "small_cnn", "weights": "none"},
]


@pytest.mark.parametrize("changed", CHANGES)
def test_the_command_carries_every_option(changed, settings, monkeypatch):
    """Typed again, it gives the same settings."""
    from typer.testing import CliRunner

    from train.cli import app, transfer

    told = []
    monkeypatch.setattr(transfer, "run_recipe", lambda _recipe, settings, *_, **__: told.append(settings))
    expected = dataclasses.replace(settings, **changed)
    assert CliRunner().invoke(app.app, [*shlex.split(expected.command)[1:], "--data", "x"]).exit_code == 0
    assert told == [expected]


@pytest.mark.parametrize(
    ("words", "size", "weights", "epochs"),
    [
        (["--backbone", "xception"], "299x299", "imagenet", 30),
        (["--backbone", "small_cnn"], "128x128", "none", 40),
        (["--weights", "none", "--size", "96"], "96x96", "none", 40),
        (["--weights", "my folder/mine.h5", "--size", "180x120"], "180x120", "mine.h5", 30),
    ],
)
def test_what_is_not_told_depends_on_the_backbone(words, size, weights, epochs, monkeypatch):
    from typer.testing import CliRunner

    from train.cli import app, transfer

    told = []
    monkeypatch.setattr(transfer, "run_recipe", lambda _recipe, settings, *_, **__: told.append(settings))
    assert CliRunner().invoke(app.app, ["transfer", "--data", "x", *words]).exit_code == 0
    assert (told[0].size, told[0].weights, told[0].epochs) == (size, weights, epochs)


def test_the_command_to_resume_names_the_weights_file_with_its_folder(settings):
    words = shlex.split(settings.command_with(Path("/my weights/mine.h5")))
    assert words[words.index("--weights") + 1] == "/my weights/mine.h5"


def test_one_number_is_both_sides():
    assert read_size("96") == (96, 96)
    assert read_size("180x120") == (180, 120)


def run(module, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )


@pytest.mark.slow
@pytest.mark.subprocess
@pytest.mark.timeout(900)
@pytest.mark.parametrize("keras_backend", ["tensorflow", "jax"])
def test_a_flat_folder_of_photos_becomes_an_int8_model(keras_backend, tmp_path):
    """With no option to convert but the photos: the file says the rest. Training needs no TensorFlow."""
    photos = write_pictures(tmp_path / "photos", 40)
    arguments = ["--data", photos, "--backbone", "small_cnn", "--size", "40x32", "--epochs", 6, "--batch-size", 8]
    done = run("train.cli", "transfer", *arguments, "--out", tmp_path / "run", KERAS_BACKEND=keras_backend)
    assert done.returncode == 0, done.stderr
    assert "test images right" in done.stdout
    assert keras_backend in json.loads((tmp_path / "run" / "metrics.json").read_text())["versions"]
    compared = run("train.cli", "compare", tmp_path / "run")
    assert "transfer" in compared.stdout
    said = run("convert.cli", "quantize", tmp_path / "run" / "model.keras", "--data", photos, "--max-drop", 10)
    assert said.returncode == 0, said.stderr + said.stdout
    image = read_model(str(tmp_path / "run" / "model_int8.tflite")).image
    assert image == ImageSpec(40, 32, colour=Colour.RGB, framing=Framing.STRETCH, resampling=Resampling.AREA)


@pytest.mark.subprocess
def test_wrong_weights_are_named_in_two_lines(tmp_path):
    photos = write_pictures(tmp_path / "photos", 12)
    arguments = ["--data", photos, "--backbone", "small_cnn", "--size", 32]
    gone = run("train.cli", "transfer", *arguments, "--weights", tmp_path / "gone.h5", "--out", tmp_path / "run")
    assert gone.returncode == 2
    assert "gone.h5: No such file" in gone.stderr
    assert "small_cnn.weights.h5" in gone.stderr
