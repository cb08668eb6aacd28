"""The gate: a bad quantisation leaves a report and exit code 11, never a model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.errors import AccuracyBudgetExceeded

if TYPE_CHECKING:
    from edge.datasets.dataset import Dataset
    from tests.convert.conftest import Converted, Quantize

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def dark_data(test_data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The true test pictures, but training pictures that are all but black: ranges measured on them are far too small.

    They differ in a few faint pixels, as pictures that are held out must.
    """
    folder = tmp_path_factory.mktemp("dark")
    dark = (np.random.default_rng(0).random((3000, 28, 28)) < 0.02).astype(np.uint8)
    np.save(folder / "train_features.npy", dark)
    np.save(folder / "train_target.npy", np.arange(3000) % 10)
    np.save(folder / "test_features.npy", test_data.images)
    np.save(folder / "test_target.npy", test_data.labels)
    return folder


def test_a_planted_bad_calibration_is_caught(
    converted: Converted, quantize: Quantize, dark_data: Path, tmp_path: Path
) -> None:
    output = tmp_path / "dark.tflite"
    result = quantize(converted.keras, "-o", output, "--data-dir", dark_data)
    assert isinstance(result.exception, AccuracyBudgetExceeded)
    assert result.exception.exit_code == 11
    assert "no model written" in result.exception.message
    assert "older" not in result.exception.message
    assert not output.exists()
    report = json.loads((tmp_path / "dark.report.json").read_text("utf-8"))
    assert report["verdict"] == "over budget" and not report["int8"]["written"]
    assert report["manifest"]["accuracy"]["drop"] > 10
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dark.report.html", "dark.report.json"]


@pytest.mark.slow
@pytest.mark.subprocess
def test_an_older_model_stays_and_the_process_exits_11(converted: Converted, dark_data: Path, tmp_path: Path) -> None:
    output = tmp_path / "dark.tflite"
    output.write_bytes(b"the older model")
    command = [sys.executable, "-m", "convert.cli", "quantize", converted.keras, "-o", output, "--data-dir", dark_data]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 11
    assert output.read_bytes() == b"the older model"
    assert done.stdout.splitlines()[-1].startswith("over budget: int8 loses ")
    error, hint = done.stderr.splitlines()[-2:]
    assert error.startswith("error: int8 loses ") and "stays as it was" in error
    assert hint.startswith("hint: ")


@pytest.mark.slow
@pytest.mark.subprocess
def test_a_closed_pipe_does_not_hide_the_verdict(converted: Converted, dark_data: Path, tmp_path: Path) -> None:
    output = tmp_path / "dark.tflite"
    command = [sys.executable, "-m", "convert.cli", "quantize", converted.keras, "-o", output, "--data-dir", dark_data]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == 11
    assert said.splitlines()[-2].startswith("error: int8 loses ")
    assert "Traceback" not in said


def test_the_same_bad_model_passes_a_wide_budget(
    converted: Converted, quantize: Quantize, dark_data: Path, tmp_path: Path
) -> None:
    """The gate compares with --max-drop, not with a number of its own; and other test data would be called so."""
    output = tmp_path / "dark.tflite"
    result = quantize(converted.keras, "-o", output, "--data-dir", dark_data, "--max-drop", 100)
    assert result.exception is None
    assert output.exists()


def test_pictures_that_are_not_fashion_mnist_are_not_called_so(
    converted: Converted, quantize: Quantize, test_data: Dataset, dark_data: Path, tmp_path: Path
) -> None:
    for name in ("train_features.npy", "train_target.npy"):
        (tmp_path / name).symlink_to(dark_data / name)
    changed = test_data.images[:2000].copy()
    changed[0, 0, 0] ^= 1
    np.save(tmp_path / "test_features.npy", changed)
    np.save(tmp_path / "test_target.npy", test_data.labels[:2000])
    output = tmp_path / "own.tflite"
    result = quantize(converted.keras, "-o", output, "--data-dir", tmp_path, "--max-drop", 100)
    assert result.exception is None
    accuracy = json.loads((tmp_path / "own.report.json").read_text("utf-8"))["manifest"]["accuracy"]
    assert accuracy["data"].startswith("pictures of the user's own: 10 classes, SHA-256 of the pixels ")
    assert accuracy["images"] == 2000


def test_a_model_that_only_guesses_is_refused(converted: Converted, quantize: Quantize, tmp_path: Path) -> None:
    """With a wrong pixel range float and int8 are equally bad, so the drop alone would let it pass."""
    output = tmp_path / "guess.tflite"
    result = quantize(converted.keras, "-o", output, "--pixels", "-1..1", "--max-drop", 100)
    assert result.exception is not None
    assert "the float model itself recognises only" in str(result.exception)
    assert list(tmp_path.iterdir()) == []
