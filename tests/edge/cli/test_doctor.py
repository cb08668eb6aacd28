"""`fmnist-edge doctor` as its user meets it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edge.inference.model_file import Model
from tests.conftest import ROOT, Run
from tests.edge.cli.test_app import check_failure
from tests.edge.service.doctor.test_models import damaged

pytestmark = pytest.mark.subprocess


def test_a_line_for_each_check(fmnist_edge: Run) -> None:
    done = fmnist_edge("doctor", "--folder", ROOT)
    assert done.stderr == ""
    lines = [line for line in done.stdout.splitlines() if "  mend: " not in line]
    assert {line.split()[0] for line in lines} <= {"ok", "warn", "fail"}
    assert done.returncode == any(line.startswith("fail ") for line in lines)
    assert any(line.startswith("ok   python ") for line in lines)
    assert any(f"disk {ROOT}" in line for line in lines)


def test_json_holds_the_same(fmnist_edge: Run) -> None:
    done = fmnist_edge("doctor", "--format", "json")
    report = json.loads(done.stdout)
    assert report["v"] == 1
    assert {"python", "runtime", "models", "clock"} <= {one["name"] for one in report["checks"]}
    assert {tuple(one) for one in report["checks"]} == {("name", "status", "found", "mend")}
    assert all(bool(one["mend"]) == (one["status"] != "ok") for one in report["checks"])


def test_a_failure_is_exit_1_and_says_what_mends_it(fmnist_edge: Run, model: Model, tmp_path: Path) -> None:
    done = fmnist_edge("doctor", "--model", damaged(model, tmp_path / "mine.tflite"))
    assert done.returncode == 1
    (line,) = [number for number, line in enumerate(done.stdout.splitlines()) if line.startswith("fail model ")]
    assert "mend: download or convert the model again" in done.stdout.splitlines()[line + 1]
    assert done.stderr == ""


def test_a_hook_where_nobody_listens(fmnist_edge: Run) -> None:
    done = fmnist_edge("doctor", "--webhook", "http://127.0.0.1:9/SECRET", "--mqtt", "mqtt://127.0.0.1:9")
    assert done.returncode == 1
    assert done.stdout.count("127.0.0.1:9 cannot be reached: nobody listens there") == 2
    assert "SECRET" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "word"),
    [(("--mqtt", "broker"), "mqtt://HOST"), (("--webhook", "http://a:b@c"), "ps"), (("-f", "csv"), "predictions")],
)
def test_wrong_options_are_said_in_two_lines(fmnist_edge: Run, arguments: tuple[str, ...], word: str) -> None:
    check_failure(fmnist_edge("doctor", *arguments), 2, word)


def test_other_commands_do_not_load_it() -> None:
    program = (
        "import sys, edge.cli.app; print([name for name in sys.modules if name.startswith('edge.service.doctor')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
