"""The wheel on an emulated Raspberry Pi computes what it computes here. Run by scripts/arm-test.

The tolerance is one quantisation step, because kernels may round a sum's last bit their own way; what happens
before the network is integer arithmetic and must be equal to the bit. tflite-runtime's kernels for x86 and Arm round
the sums of a layer in different ways, and the layers after it carry that on: its outputs may be more steps apart.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edge.choices import DEFAULT_MODEL
from edge.datasets.dataset import Dataset
from tests.arm.combinations import OF_EACH_PROCESSOR, OWN_TESTS, PARTS, Combination, parameters
from tests.arm.conftest import FIGURES, HERE, IMAGES, ROOT, Guests, Observations, Observe, Pythons, image_counts
from tests.arm.observation import FRAMINGS

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The first set-up downloads some 200 MB.
pytestmark = [pytest.mark.arm, pytest.mark.timeout(1800)]

STEPS = {"litert": 1, "tflite-runtime": 4}
"""Of int8, that an output may differ by."""

DRAWN = 24


def steps_apart(one: NDArray[Any], other: NDArray[Any]) -> int:
    """The largest difference of two arrays of whole numbers."""
    return int(np.abs(one.astype(np.int64) - other.astype(np.int64)).max())


def compare_outputs(model: str, observations: Observations, steps: int) -> str:
    """Labels equal, outputs within so many steps; gives the figures."""
    raw = [side[f"raw/{model}"] for side in observations]
    scores = [side[f"scores/{model}"] for side in observations]
    assert raw[0].shape == raw[1].shape == scores[0].shape
    assert raw[0].dtype == raw[1].dtype == np.int8
    labels = [side.argmax(axis=1) for side in scores]
    equal = int(np.sum(labels[0] == labels[1]))
    gap = steps_apart(*raw)
    figures = (
        f"{model}: {equal} of {len(labels[0])} labels equal, {np.mean(raw[0] == raw[1]):.2%} of outputs, "
        f"largest difference {gap} steps, of a score {np.abs(scores[0] - scores[1]).max():.4f}"
    )
    assert gap <= steps, figures
    assert equal == len(labels[0]), figures
    return figures


def test_the_guest_is_that_raspberry_pi_with_the_wheel(
    pythons: Pythons, answers: Observations, combination: Combination
) -> None:
    """Otherwise everything below would compare this machine, or this checkout, with itself."""
    host, arm64 = answers
    assert str(arm64["machine"]) == "aarch64"
    assert str(arm64["python"]).startswith(f"{combination.python}.")
    assert re.findall(r"CPU part\t: (\w+)", str(arm64["processor"])) == [PARTS[combination.processor]] * 4
    assert str(host["package"]) == str(arm64["package"]) == str(pythons.wheel / "edge")
    assert combination.runtime in str(arm64["interpreter"])
    assert str(host["interpreter"]) == str(arm64["interpreter"])


@pytest.mark.parametrize("model", image_counts())
def test_outputs_differ_by_one_quantisation_step_at_most(
    answers: Observations, dataset: Dataset, model: str, combination: Combination
) -> None:
    arm64 = answers[1]
    count = image_counts()[model]
    figures = f"{combination} {compare_outputs(model, answers, STEPS[combination.runtime])}"
    # tflite-runtime has none by itself for int8: its own kernels are those of the Pi.
    assert bool(arm64[f"xnnpack/{model}"]) == (combination.runtime == "litert"), "not the kernels that a Pi would run"
    labels = arm64[f"scores/{model}"].argmax(axis=1)
    assert labels.shape == (count,)
    accuracy = float(np.mean(labels == dataset.labels[:: IMAGES // count]))
    FIGURES.append(f"{figures}, accuracy on Arm {accuracy:.1%}")
    assert accuracy > 0.85, "two machines that agree on nonsense would pass the comparison"


@pytest.mark.nightly
@pytest.mark.parametrize("combination", parameters(OF_EACH_PROCESSOR), indirect=True)
def test_the_default_model_agrees_on_all_images(observe: Observe, images: Path, combination: Combination) -> None:
    observations = observe("images", images, f"{DEFAULT_MODEL}:{IMAGES}")
    FIGURES.append(f"{combination} {compare_outputs(DEFAULT_MODEL, observations, STEPS[combination.runtime])}")


def test_pictures_are_decoded_and_prepared_to_the_same_bit(
    seen: Observations, combination: Combination, request: pytest.FixtureRequest
) -> None:
    host, arm64 = seen
    assert host.keys() == arm64.keys()
    names = [key for key in host if key.startswith(("pixels:", "input:", "mask/", "framed/"))]
    apart = {name for name in names if not np.array_equal(host[name], arm64[name])}
    masks = sum(name.startswith("mask/") for name in names)
    FIGURES.append(
        f"{combination} pictures: {len(names) - len(apart)} of {len(names)} arrays equal ({masks} are masks)"
    )
    framings = {name.split(":")[0] for name in names if name.startswith("framed/")}
    assert framings == {f"framed/{name}" for name in FRAMINGS}
    assert all(host[name].shape[1:] == (56, 56) for name in names if name.startswith("input:"))
    if request.node.callspec.params["seen"] == "drawn":
        assert sum(name.startswith("pixels:") for name in names) == DRAWN
        assert "mask/torso:person.png" in names, "the person step has not been tried"
    assert not apart


def test_pictures_get_the_same_labels(seen: Observations, combination: Combination) -> None:
    host, arm64 = seen
    answers = [{key: str(side[key]) for key in side if key.startswith(("label:", "decision:"))} for side in seen]
    scores = [key for key in host if key.startswith("scores:")]
    gap = max(float(np.abs(host[key] - arm64[key]).max()) for key in scores)
    others = {key: (answer, answers[1][key]) for key, answer in answers[0].items() if answers[1][key] != answer}
    FIGURES.append(
        f"{combination} pictures: {len(answers[0]) - len(others)} of {len(answers[0])} labels and decisions equal, "
        f"largest difference of a score {gap:.4f}"
    )
    assert len({answer for key, answer in answers[0].items() if key.startswith("label:")}) > 2
    assert not others


def test_the_command_gives_the_samples_the_same_labels(
    pythons: Pythons, combination: Combination, tmp_path: Path
) -> None:
    command = pythons.wheel / "bin" / "fmnist-edge"
    labels = []
    for python in (pythons.host, pythons.arm64):
        done = subprocess.run(
            [python, "-P", command, "classify", "samples:", "--format", "json", "--backend", combination.runtime],
            cwd=tmp_path,
            env=pythons.environment,
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
        [pythons.arm64, "-P", HERE / "imports.py"],
        cwd=tmp_path,
        env=pythons.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FORBIDDEN" not in done.stdout, done.stdout
    wanted = {f"edge.{path.stem}" for path in (ROOT / "edge").glob("*.py") if path.stem != "__init__"}
    assert set(done.stdout.split()) >= wanted


@pytest.mark.parametrize("own_tests_on", parameters(OWN_TESTS))
def test_the_runtimes_own_tests_pass(guests: Guests, own_tests_on: Combination) -> None:
    suite = guests.start(own_tests_on)
    assert suite is not None
    exit_code = suite.process.wait()
    report = suite.report.read_text("utf-8")
    FIGURES.append(f"{own_tests_on} tests/edge: {report.strip().splitlines()[-1].strip('= ')}")
    assert exit_code == 0, report[-20_000:]
    passed = re.search(r"(\d+) passed", report)
    assert passed
    assert int(passed[1]) >= 200, "fewer tests than the runtime has"
