"""`fmnist-train adapt` as its user meets it: photos in, a report, an int8 model in the old one's place."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("keras")

import keras

from edge.inference.model_file import read_model
from tests.photographs import write_photos
from tests.processes import wait_for_line
from train import networks


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "train.cli", "adapt", *map(str, arguments)]


def adapt(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, check=False, timeout=280)


@pytest.mark.slow
@pytest.mark.subprocess
def test_photos_become_an_int8_model_even_after_a_kill(tmp_path: Path) -> None:
    """kill -9 after the first epoch; --resume, which is a new process, does the rest."""
    photos = write_photos(tmp_path / "photos", each=12)
    (photos / "_unknown").rename(photos / "hats")
    meaning = tmp_path / "map.json"
    meaning.write_text(json.dumps({"hats": "_unknown"}))
    start = tmp_path / "start.keras"
    keras.utils.set_random_seed(0)
    networks.network(networks.SIZES["tiny"], 10, name="tiny", logits=True).save(start)
    output = tmp_path / "mine.tflite"
    output.write_text("the older model")
    out = tmp_path / "run"
    options = ("--model", start, "--map", meaning, "--epochs", 2, "--keep", 0, "--learning-rate", 0.02, "--max-drop", 5)
    arguments = ("--photos", photos, *options, "--out", out, "-o", output)
    with subprocess.Popen(command(*arguments), stderr=subprocess.PIPE, text=True) as process:
        wait_for_line(process, "epoch  1/2")
        process.kill()
    assert (out / "checkpoint.keras").exists()
    done = adapt(*arguments, "--resume")
    assert done.returncode == 0, done.stderr
    assert "resuming after epoch" in done.stderr
    assert "30 photos taught it, 6 were held out" in done.stdout
    for line in ("Dress", "T-shirt", "in int8, as the device answers", "known told from unknown (AUROC)"):
        assert line in done.stdout
    model = read_model(str(output))
    assert model.name == "mine"
    assert model.gives_logits
    assert model.score_calibration.temperature > 0
    assert model.manifest is not None
    assert model.manifest["provenance"]["photos"]["trained_on"] == 30
    assert str(tmp_path) not in json.dumps(model.manifest)

    files = {path: path.read_bytes() for path in (out / "model.keras", out / "metrics.json", output)}
    measured = tmp_path / "measured"
    again = adapt(
        "--photos", photos, "--map", meaning, "--model", out, "--epochs", 0, "--held-out", 0.2, "--out", measured
    )
    assert again.returncode == 0, again.stderr
    assert "measured on 6 of 36 photos; nothing was trained" in again.stdout
    assert (measured / "wrong.csv").read_text() == (out / "wrong.csv").read_text()
    assert {path: path.read_bytes() for path in files} == files
    told = json.loads((measured / "measured.json").read_text())
    assert f"in int8, as the device answers: {told['int8']['accuracy']:.1%}" in done.stdout
    assert not list(measured.glob("*.keras"))
    assert not list(measured.glob("*.tflite"))


@pytest.mark.subprocess
def test_what_cannot_be_is_said_before_anything_is_trained(tmp_path: Path) -> None:
    nowhere = adapt("--photos", tmp_path / "nowhere", "--model", "nobody")
    assert nowhere.returncode == 9
    assert "no float model is called nobody" in nowhere.stderr
    nothing = adapt("--photos", tmp_path, "--epochs", 0, "-o", tmp_path / "mine.tflite")
    assert nothing.returncode == 2
    assert "--epochs 0 trains nothing" in nothing.stderr
