"""The whole chain on real data, as the README has it: train, quantise, watch the check, classify with the result."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.subprocess]


def run(module: str, *arguments: object, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(Path.home())},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_from_training_to_an_answer(tmp_path: Path) -> None:
    run("train.cli", "mlp", "--epochs", 2, "--limit", 20_000, "--out", "run", cwd=tmp_path)
    verdict = run("convert.cli", "quantize", "run/model.keras", "-o", "mine.tflite", "--name", "mine", cwd=tmp_path)
    assert "passed" in verdict

    report = json.loads((tmp_path / "mine.report.json").read_text())
    accuracy = report["manifest"]["accuracy"]
    trained = json.loads((tmp_path / "run" / "metrics.json").read_text())["test_accuracy"]
    assert accuracy["float"] == pytest.approx(trained, abs=1e-3)
    assert accuracy["float"] - accuracy["int8"] <= 0.005
    assert accuracy["int8"] > 0.8

    measured = json.loads(run("edge.cli", "evaluate", "--model", "mine.tflite", "-f", "json", cwd=tmp_path))
    assert measured["accuracy"] == pytest.approx(accuracy["int8"], abs=1e-9)
    answers = run("edge.cli", "classify", "samples:", "--model", "mine.tflite", "-f", "json", cwd=tmp_path)
    right = [json.loads(line) for line in answers.splitlines()]
    assert sum(Path(one["source"]).stem == one["label"].lower().replace(" ", "-") for one in right) >= 5
