"""`convert evaluate` and `convert compare`: float and int8 models side by side, on the same pictures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from convert.cli.app import app
from edge.errors import AccuracyBudgetExceeded, ModelNotFound
from edge.inference.model_file import read_model
from tests.conftest import ROOT

if TYPE_CHECKING:
    from tests.convert.conftest import Converted


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


@pytest.fixture(scope="module")
def compared(converted: Converted) -> Any:
    result = run("compare", converted.keras, converted.model, "--format", "json")
    assert result.exception is None, result.exception
    return json.loads(result.stdout)


def test_a_model_beside_its_parent_is_what_the_conversion_stated(converted: Converted, compared: Any) -> None:
    """The report of the conversion counted the same pictures by another way through the code."""
    report = json.loads(converted.report.read_text("utf-8"))
    counts = report["counts"]
    assert compared["counts"] == {
        "only_first": counts["only_float"],
        "only_second": counts["only_int8"],
        **{key: counts[key] for key in ("both", "neither", "same_answer")},
    }
    assert compared["drop"] == pytest.approx(report["manifest"]["accuracy"]["drop"])
    for model, name in zip(compared["models"], ("float_run", "int8_run"), strict=True):
        assert model["confusion"] == report[name]["confusion"]


def test_the_table_has_both_and_the_change(converted: Converted, compared: Any) -> None:
    result = run("compare", converted.keras, converted.model)
    assert result.exception is None, result.exception
    change = 0 - compared["drop"]  # no minus before a zero
    assert f"{change:+.2f} points" in result.stdout
    assert f"{compared['counts']['only_first']:,} pictures" in result.stdout


@pytest.mark.slow
def test_a_loss_over_the_budget_exits_with_11(converted: Converted) -> None:
    result = run("compare", "small", converted.model, "--max-drop", "0.1")
    assert isinstance(result.exception, AccuracyBudgetExceeded)
    assert result.exception.exit_code == 11
    assert run("compare", converted.model, "small", "--max-drop", "0.1").exception is None


@pytest.mark.slow
def test_several_models_are_evaluated(converted: Converted) -> None:
    result = run("evaluate", "small", converted.model, "mlp", "-f", "json")
    assert result.exception is None, result.exception
    found = json.loads(result.stdout)
    assert [one["model"] for one in found] == ["small", str(converted.model), "mlp"]
    for one in found:
        stated = read_model(one["model"]).manifest
        assert stated is not None
        assert one["accuracy"] == pytest.approx(stated["accuracy"]["int8"], abs=1e-9)
        assert one["bytes"] == read_model(one["model"]).path.stat().st_size
    assert "Ankle boot" in run("evaluate", "small").stdout


def test_what_is_not_there_is_named() -> None:
    result = run("evaluate", "smal")
    assert isinstance(result.exception, ModelNotFound)
    assert "smal" in result.exception.message


@pytest.mark.subprocess
def test_tflite_files_need_no_tensorflow_and_keras_files_say_so(converted: Converted) -> None:
    program = (
        "import sys\n"
        "for name in ('tensorflow', 'keras', 'matplotlib', 'h5py'): sys.modules[name] = None\n"
        "from convert.cli.app import main\n"
        "main()\n"
    )

    def without(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", program, *map(str, arguments)]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=env)

    done = without("compare", "tiny", converted.model, "-f", "json")
    assert done.returncode == 0, done.stderr
    assert [one["images"] for one in json.loads(done.stdout)["models"]] == [10_000, 10_000]
    done = without("evaluate", "tiny")
    assert done.returncode == 0 and "Ankle boot" in done.stdout, done.stderr
    done = without("compare", "tiny", converted.keras)
    assert done.returncode == 8
    assert "keras, tensorflow" in done.stderr and "fmnist-edge[convert]" in done.stderr
