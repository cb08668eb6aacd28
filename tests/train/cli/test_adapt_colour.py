"""`fmnist-train adapt` for a model in colour: options that do not fit are refused; photos in, an int8 model out."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("keras")

from edge.spec import Colour, Framing, ImageSpec
from tests.train.coloured import write_pictures

ROOT = Path(__file__).parents[3]


def run(module, *arguments):
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.fixture
def model(tmp_path):
    """A file that says that it holds a network in colour."""
    file = tmp_path / "mine.keras"
    spec = ImageSpec(40, 32, colour=Colour.RGB, framing=Framing.STRETCH)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("fmnist_edge.json", json.dumps({"labels": ["a", "b"], "input": spec.as_json()}))
    return file


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--worn", "0.5"], "--worn is for models of garments in grey"),
        (["--pixels", "56"], "--pixels is for"),
        (["--map", "x.json"], "--map is for"),
        (["--learning-curve"], "--learning-curve is for"),
        (["--held-out", "0.3"], "--held-out is for"),
        (["--epochs", "0"], "--epochs 0 is for"),
    ],
)
def test_options_of_grey_models_are_refused(words, message, model, tmp_path):
    from typer.testing import CliRunner

    from edge.errors import BadOption
    from train.cli.app import app

    with pytest.raises(BadOption, match=message):
        CliRunner().invoke(
            app, ["adapt", "--photos", str(tmp_path), "--model", str(model), *words], catch_exceptions=False
        )


@pytest.mark.slow
@pytest.mark.subprocess
@pytest.mark.timeout(900)
def test_photos_become_an_int8_model_in_colour(tmp_path):
    photos = write_pictures(tmp_path / "photos", 24)
    arguments = ["--data", photos, "--backbone", "small_cnn", "--size", "40x32", "--epochs", 4, "--batch-size", 8]
    done = run("train.cli", "transfer", *arguments, "--out", tmp_path / "start")
    assert done.returncode == 0, done.stderr
    own = write_pictures(tmp_path / "own", 24, seed=5)
    output = tmp_path / "mine.tflite"
    options = ["--epochs", 4, "--learning-rate", 0.001, "--max-drop", 20, "--out", tmp_path / "run", "-o", output]
    done = run("train.cli", "adapt", "--photos", own, "--model", tmp_path / "start", *options, "--force")
    assert done.returncode == 0, done.stderr + done.stdout
    for words in ("photos taught it", "were held out", "in int8, as the device answers", "green"):
        assert words in done.stdout
    assert output.exists()
    rows = (tmp_path / "run" / "wrong.csv").read_text().splitlines()[1:]
    assert all((own / row.split(",")[0]).is_file() for row in rows)
