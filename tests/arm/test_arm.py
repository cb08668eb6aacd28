"""The wheel on an emulated Raspberry Pi 4 computes what it computes here. Run by scripts/arm-test.

The tolerance is one quantisation step, because kernels may round a sum's last bit their own way; what happens
before the network is integer arithmetic and must be equal to the bit.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.arm.conftest import FIGURES, HERE, ROOT, GuestSuite, Observation, Pythons
from tests.arm.observation import sample_step

# The first set-up downloads some 200 MB.
pytestmark = [pytest.mark.arm, pytest.mark.timeout(1800), pytest.mark.usefixtures("guest_suite")]

STEP = 1 / 256
SAMPLE_IMAGES = 1000
MODELS = sorted(path.stem for path in (ROOT / "edge" / "models").glob("*.tflite"))
PICTURES = 18


def test_the_guest_is_a_raspberry_pi_4_with_the_wheel(
    pythons: Pythons, observations: tuple[Observation, Observation]
) -> None:
    """Otherwise everything below would compare this machine, or this checkout, with itself."""
    host, arm64 = observations
    assert str(arm64["machine"]) == "aarch64"
    assert re.match(r"3\.11\.", str(arm64["python"]))
    assert "CPU part\t: 0xd08" in str(arm64["processor"]), "not a Cortex-A72"
    assert str(host["runtime"]) == str(arm64["runtime"]) == str(pythons.wheel / "edge")


def test_both_machines_observe_the_same_things(observations: tuple[Observation, Observation]) -> None:
    host, arm64 = observations
    assert host.keys() == arm64.keys()
    assert "raw/mlp" in arm64
    assert sum(key.startswith("pixels/") for key in arm64) == PICTURES


@pytest.mark.parametrize("model", MODELS)
def test_outputs_differ_by_one_quantisation_step_at_most(
    observations: tuple[Observation, Observation], model: str
) -> None:
    host, arm64 = observations
    if f"raw/{model}" not in host:
        pytest.skip("compiled for the Edge TPU: no CPU can run it")
    assert bool(arm64[f"xnnpack/{model}"]), "LiteRT fell back to its reference kernels"
    raw = [side[f"raw/{model}"] for side in observations]
    scores = [side[f"scores/{model}"] for side in observations]
    images = SAMPLE_IMAGES // sample_step(model)
    assert raw[0].shape == raw[1].shape == (images, scores[0].shape[1])
    assert raw[0].dtype == raw[1].dtype
    score_gap = float(np.abs(scores[0] - scores[1]).max())
    answers = [side.argmax(axis=1) for side in scores]
    equal = int(np.sum(answers[0] == answers[1]))
    figures = f"{model}: {equal} of {images} labels equal, max |dscore| {score_gap:.6f}"
    if np.issubdtype(raw[0].dtype, np.integer):
        raw_gap = int(np.abs(raw[0].astype(np.int64) - raw[1].astype(np.int64)).max())
        figures += f", max |dq| {raw_gap}"
        assert raw_gap <= 1, figures
    FIGURES.append(figures)
    assert score_gap <= STEP, figures
    assert equal == images, figures


@pytest.mark.parametrize("model", MODELS)
def test_answers_on_arm_are_right(observations: tuple[Observation, Observation], model: str) -> None:
    """Two machines that agree on nonsense would pass the comparison."""
    arm64 = observations[1]
    if f"scores/{model}" not in arm64:
        pytest.skip("compiled for the Edge TPU: no CPU can run it")
    with np.load(ROOT / "tests" / "data" / "fashion_mnist_1000.npz") as sample:
        truth = sample["labels"][:: sample_step(model)]
    accuracy = float(np.mean(arm64[f"scores/{model}"].argmax(axis=1) == truth))
    FIGURES.append(f"{model}: accuracy on Arm {accuracy:.1%} of {len(truth)} images")
    assert accuracy > 0.85


def test_pictures_are_decoded_and_prepared_to_the_same_bit(observations: tuple[Observation, Observation]) -> None:
    host, arm64 = observations
    names = [key for key in host if key.startswith(("pixels/", "input/", "mask/"))]
    apart = {
        name: int(np.abs(host[name].astype(int) - arm64[name].astype(int)).max())
        for name in names
        if not np.array_equal(host[name], arm64[name])
    }
    FIGURES.append(f"pictures: {len(names) - len(apart)} of {len(names)} arrays of pixels equal")
    assert all(host[name].shape[1:] == (28, 28) for name in names if name.startswith("input/"))
    assert "mask/person.png/1" in names, "the person step has not been tried"
    assert not apart


def test_the_command_gives_the_samples_the_same_labels(pythons: Pythons, tmp_path: Path) -> None:
    command = pythons.wheel / "bin" / "fmnist-edge"
    labels = []
    for python in (pythons.host, pythons.arm64):
        done = subprocess.run(
            [python, "-P", command, "classify", "samples:", "--format", "json"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        labels.append({Path(line["source"]).name: line["label"] for line in lines})
    assert len(labels[0]) == 10
    assert labels[0] == labels[1]


def test_every_module_imports_and_none_wants_tensorflow(pythons: Pythons, tmp_path: Path) -> None:
    done = subprocess.run(
        [pythons.arm64, "-P", HERE / "imports.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FORBIDDEN" not in done.stdout, done.stdout
    wanted = {f"edge.{path.stem}" for path in (ROOT / "edge").glob("*.py") if path.stem != "__init__"}
    assert set(done.stdout.split()) >= wanted


def test_the_runtimes_own_tests_pass(guest_suite: GuestSuite) -> None:
    exit_code = guest_suite.process.wait()
    report = guest_suite.report.read_text("utf-8")
    FIGURES.append(f"tests/edge on Arm: {report.strip().splitlines()[-1].strip('= ')}")
    assert exit_code == 0, report[-20_000:]
    passed = re.search(r"(\d+) passed", report)
    assert passed
    assert int(passed[1]) >= 200, "fewer tests than the runtime has"
