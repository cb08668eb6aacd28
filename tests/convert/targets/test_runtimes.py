"""Models run in other runtimes: what is near enough passes, what is not fails, what was not run never passes."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from convert.cli.app import app
from convert.targets import runtime_process
from convert.targets.operators import Target
from convert.targets.runtime_process import Answers, Place, run_there
from convert.targets.runtimes import TargetRun, judge, parse_pythons
from edge.errors import BackendUnavailable, BadOption, TargetUnmet
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import read_model
from edge.spec import FASHION_MNIST_LABELS

if TYPE_CHECKING:
    from tests.conftest import RuntimePython

pytestmark = pytest.mark.subprocess

STAND_IN = """
import importlib, os, sys
here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
mine = {name: sys.modules.pop(name) for name in list(sys.modules) if name.startswith("ai_edge_litert")}
sys.path.remove(here)
real = importlib.import_module("ai_edge_litert.interpreter").Interpreter
sys.modules.update(mine)
class Interpreter(real):
    def get_tensor(self, index):
        outputs = real.get_tensor(self, index)
        FAULT
        return outputs
"""
"""In front of the installed LiteRT: the same, but for a fault that is planted in its answers."""


def check(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["check", *map(str, arguments), "-f", "json"])


def run_of(result: Result, target: str) -> Any:
    return json.loads(result.stdout)["targets"][target]["run"]


@pytest.fixture
def faulty(tmp_path: Path) -> Any:
    """Make a Python whose LiteRT has a fault."""

    def make(fault: str) -> Path:
        package = tmp_path / "ai_edge_litert"
        package.mkdir()
        (package / "__init__.py").write_text("")
        (package / "interpreter.py").write_text(STAND_IN.replace("FAULT", fault))
        python = tmp_path / "python"
        python.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path} exec {sys.executable} "$@"\n')
        python.chmod(0o755)
        return python

    return make


def judged(target: Target, *, steps: int = 0, changed: int = 0, labels: tuple[str, ...] = ()) -> TargetRun:
    """A run of 1,000 pictures with one output `steps` off, and another label for `changed` of them."""
    model = read_model("tiny")
    expected = np.full((1000, 10), -128, np.int8)
    expected[:, 3], expected[:, 4] = 20, 19
    given = expected.copy()
    given[:changed, 4] += 2
    given[999, 9] += steps
    return judge(target, Answers("another 1.0", labels, given), expected, open_interpreter(model), model.labels)


@pytest.mark.parametrize("target", [Target.TFLITE_RUNTIME, Target.MEDIAPIPE])
def test_16_steps_and_a_fifth_of_a_percent_are_near_enough(target: Target) -> None:
    run = judged(target, steps=16, changed=2)
    assert (run.verdict, run.steps, run.changed, run.images) == ("passed", 16, 2, 1000)
    assert "2 other labels than ai-edge-litert" in str(run)
    assert judged(target, steps=17).verdict == "failed"
    run = judged(target, changed=3)
    assert run.verdict == "failed" and "3 of 1,000 pictures another label" in run.complaint


def test_litert_may_not_differ_at_all() -> None:
    assert judged(Target.LITERT).verdict == "passed"
    assert judged(Target.LITERT, steps=1).verdict == "failed"


def test_other_labels_fail() -> None:
    swapped = FASHION_MNIST_LABELS[::-1]
    assert judged(Target.MEDIAPIPE, labels=FASHION_MNIST_LABELS).verdict == "passed"
    assert "has the labels Ankle boot, Bag" in judged(Target.MEDIAPIPE, labels=swapped).complaint


def test_a_runtime_that_is_not_there_is_not_run_and_never_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = {target: (name, f"no_such_{number}") for number, (target, name) in enumerate(_names())}
    monkeypatch.setattr(runtime_process, "DISTRIBUTIONS", absent)
    result = check("tiny", "--run", "--images", 20)
    assert result.exception is None, result.exception
    for target in ("tflite-runtime", "edgetpu"):
        run = run_of(result, target)
        assert (run["verdict"], run["runtime"], run["images"], run["complaint"]) == ("not run", None, 0, None)
    assert "is not installed here" in run_of(result, "tflite-runtime")["absent"]
    assert "a Coral" in run_of(result, "edgetpu")["absent"]
    run = run_of(result, "litert")
    assert (run["verdict"], run["images"], run["beside"]) == ("passed", 20, None)


def _names() -> list[tuple[Target, str]]:
    return [(target, name) for target, (name, _) in runtime_process.DISTRIBUTIONS.items()]


def test_nothing_is_run_unless_asked_for_or_where_the_operations_are_not_there() -> None:
    assert run_of(check("tiny"), "litert") is None
    result = check("tiny", "--run", "--images", 5, "--target", "mediapipe")
    assert isinstance(result.exception, TargetUnmet)
    assert run_of(result, "mediapipe")["absent"] == "it cannot run all operations"
    document = json.loads(result.stdout)
    assert "MediaPipe takes RGB, 1xHxWx3, not 1x28x28" in document["operations"][0]["complaints"]["mediapipe"]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("outputs = outputs + (outputs < 100)", "up to 1 steps apart; 0 and 0 are allowed"),
        ("os.abort()", "crashes (SIGABRT)"),
        ("raise MemoryError('too small')", "does not run it: MemoryError: too small"),
        ("outputs = outputs", ""),
    ],
)
def test_a_runtime_that_answers_otherwise_or_dies_exits_with_12(faulty: Any, fault: str, said: str) -> None:
    python = faulty(fault)
    result = check("tiny", "--run", "--images", 20, "--target", "litert", "--python", f"litert={python}")
    run = run_of(result, "litert")
    if not said:
        assert result.exception is None and run["verdict"] == "passed" and run["steps"] == 0
        return
    assert isinstance(result.exception, TargetUnmet) and result.exception.exit_code == 12
    assert run["verdict"] == "failed" and said in run["complaint"]
    assert json.loads(result.stdout)["passes"] is False


def test_a_runtime_that_gives_no_answer(faulty: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_process, "TIMEOUT_S", 2.0)
    place = Place(faulty("import time; time.sleep(60)"), "ai-edge-litert")
    inputs = np.zeros((1, 28, 28), np.int8)
    assert run_there(place, read_model("tiny").flatbuffer, inputs).complaint.endswith("no answer within 2 s")


@pytest.mark.parametrize("pair", ["mediapipe", "mediapipe=", "edgetpu=/usr/bin/python3", "litert=/no/such", "litert=/"])
def test_pythons_that_cannot_be_used(pair: str) -> None:
    with pytest.raises(BadOption):
        parse_pythons([pair])
    assert isinstance(check("tiny", "--run", "--python", pair).exception, BadOption)


def test_a_python_without_the_runtime_that_it_was_named_for() -> None:
    result = check("tiny", "--run", "--target", "tflite-runtime", "--python", f"tflite-runtime={sys.executable}")
    assert isinstance(result.exception, BackendUnavailable)
    assert "numpy" in result.exception.message
    assert isinstance(check("tiny", "--python", f"litert={sys.executable}").exception, BadOption)


@pytest.mark.slow
def test_litert_agrees_with_tensorflows_to_the_bit() -> None:
    run = run_of(check("tiny", "--run", "--target", "litert"), "litert")
    assert run["runtime"].startswith("tensorflow 2.") and run["beside"].startswith("ai-edge-litert 2.")
    assert (run["verdict"], run["steps"], run["changed"]) == ("passed", 0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["small", "base", "mlp"])
def test_bundled_models_run_in_tflite_runtime(runtime_python: RuntimePython, name: str) -> None:
    python = runtime_python("tflite-runtime")
    result = check(name, "--run", "--target", "tflite-runtime", "--python", f"tflite-runtime={python}")
    assert result.exception is None, result.exception
    run = run_of(result, "tflite-runtime")
    assert run["runtime"].startswith("tflite-runtime 2.14") and run["images"] == 1000
    assert 0 < run["steps"] <= 16


@pytest.mark.slow
def test_what_tflite_runtime_answers_otherwise_is_counted(runtime_python: RuntimePython) -> None:
    """Of all test pictures it gives a few another label with `tiny`, and no more than a fifth of a percent."""
    python = f"tflite-runtime={runtime_python('tflite-runtime')}"
    result = check("tiny", "--run", "--images", 10_000, "--target", "tflite-runtime", "--python", python)
    assert result.exception is None
    run = run_of(result, "tflite-runtime")
    assert run["verdict"] == "passed" and 0 < run["changed"] <= 20 and 0 < run["steps"] <= 16


def test_a_python_may_be_named_relative_to_where_one_is() -> None:
    model = read_model("tiny")
    inputs = np.zeros((2, *open_interpreter(model).input.shape[1:]), np.int8)
    python = parse_pythons([f"litert={os.path.relpath(sys.executable)}"])[Target.LITERT]
    answers = run_there(Place(python, "ai-edge-litert"), model.flatbuffer, inputs)
    assert not answers.absent
    assert answers.outputs is not None
    assert answers.outputs.shape == (2, 10)


@pytest.mark.subprocess
@pytest.mark.parametrize(
    "said", ["", "hello", "{}", "[" * 50_000, '{"runtime": 1, "labels": 7}', '{"runtime": "x", "labels": []}']
)
def test_a_program_that_is_no_python_is_a_complaint(tmp_path: Path, said: str) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\nprintf '%s\\n' '{said}'\n")
    program.chmod(0o755)
    answers = run_there(Place(program, "tflite-runtime"), b"", np.zeros(1, np.int8))
    assert "is no Python that gives answers" in answers.complaint
