"""`convert check` as its user meets it: a table or JSON on stdout, an exit code, a quick --help."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from convert.cli.app import app
from convert.targets.operators import GREY_TARGETS
from edge.errors import BadOption, ModelDamaged, ModelNotFound, TargetUnmet
from edge.inference.model_file import find_model
from tests.conftest import ROOT
from tests.convert.drawn_models import three_convolutions


def check(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["check", *map(str, arguments)])


@pytest.fixture
def spoilt(tmp_path: Path) -> Path:
    """A file whose middle operation has a version that only LiteRT knows."""
    drawing = three_convolutions()
    drawing.model.operatorCodes[1].version = 8
    path = tmp_path / "spoilt [red].tflite"
    path.write_bytes(drawing.flatbuffer())
    return path


def test_a_model_that_passes_is_a_table_and_a_line_for_each_target() -> None:
    result = check("mlp")
    assert result.exception is None, result.exception
    table, summaries = result.stdout.splitlines()[:-3], result.stdout.splitlines()[-3:]
    assert [line.split(":")[0] for line in summaries] == list(GREY_TARGETS)
    assert all("all 6 operations" in line for line in summaries)
    rows = [line for line in table if "│" in line]
    assert len(rows) == 6
    assert [cell.strip() for cell in rows[2].strip("│").split("│")] == [
        *("2", "FULLY_CONNECTED", "4", "1x1536"),
        *["yes"] * 3,
    ]
    assert "why not" not in result.stdout


def test_a_model_that_fails_says_where_why_and_exits_with_12(spoilt: Path) -> None:
    result = check(spoilt)
    assert isinstance(result.exception, TargetUnmet)
    assert result.exception.exit_code == 12
    assert result.exception.message.endswith("does not run in full on tflite-runtime, edgetpu")
    assert "spoilt [red]" in result.stdout
    assert "tflite-runtime: version 8, the runtime has 7 at most" in result.stdout
    assert "tflite-runtime: tflite-runtime 2.14.0 has 2 of 3 operations" in result.stdout
    assert "edgetpu: 0 of 3 operations would be mapped" in result.stdout


def test_only_the_targets_asked_for_count(spoilt: Path) -> None:
    assert check(spoilt, "--target", "litert").exception is None
    assert isinstance(check(spoilt, "--target", "litert,edgetpu").exception, TargetUnmet)
    assert check("mlp", "--target", " edgetpu , litert,edgetpu").exception is None
    result = check("mlp", "--target", "coral")
    assert isinstance(result.exception, BadOption)
    assert "expected any of litert, tflite-runtime, edgetpu, mediapipe" in result.exception.message


def test_all_targets_of_a_grey_model_are_the_default() -> None:
    document = json.loads(check("mlp", "-f", "json").stdout)
    assert list(document["targets"]) == list(GREY_TARGETS)


def test_json_holds_all_that_the_table_does(spoilt: Path) -> None:
    result = check(spoilt, "--format", "json")
    assert isinstance(result.exception, TargetUnmet)
    document = json.loads(result.stdout)
    assert (document["v"], document["model"], document["passes"]) == (1, "spoilt [red]", False)
    assert document["targets"]["litert"] == {
        "passes": True,
        "runs": 3,
        "operations": 3,
        "table": document["targets"]["litert"]["table"],
        "run": None,
    }
    assert document["targets"]["litert"]["table"].startswith("ai-edge-litert 2")
    assert document["parameter_bytes"] == 96
    second = document["operations"][1]
    assert (second["number"], second["operator"], second["version"]) == (1, "CONV_2D", 8)
    assert second["shape"] == [1, 8, 8, 4]
    assert second["complaints"]["litert"] is None
    assert second["complaints"]["tflite-runtime"] == "version 8, the runtime has 7 at most"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    assert isinstance(check(tmp_path / "absent.tflite").exception, ModelNotFound)
    path = tmp_path / "x.tflite"
    for content in (b"", b"garbage", find_model("mlp").read_bytes()[:-200], three_convolutions().flatbuffer()[:300]):
        path.write_bytes(content)
        assert isinstance(check(path).exception, ModelDamaged)


@pytest.mark.subprocess
@pytest.mark.parametrize("command", [[], ["quantize"], ["check"], ["edgetpu"]])
def test_help_loads_neither_numpy_nor_flatbuffers(command: list[str]) -> None:
    program = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from convert.cli.app import app\n"
        f"result = CliRunner().invoke(app, {[*command, '--help']})\n"
        "assert result.exit_code == 0 and 'Usage' in result.stdout, result.stdout\n"
        "heavy = {'numpy', 'keras', 'tensorflow', 'cv2', 'flatbuffers', 'ai_edge_litert'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})


@pytest.mark.subprocess
def test_it_works_without_tensorflow_and_a_closed_pipe_changes_no_exit_code(spoilt: Path) -> None:
    program = (
        "import sys\n"
        "sys.modules['tensorflow'] = sys.modules['keras'] = None\n"
        "sys.argv = ['convert', 'check', *sys.argv[1:]]\n"
        "from convert.cli.app import main\n"
        "main()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(spoilt), "-f", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout and process.stderr
    process.stdout.close()
    error, hint = process.stderr.read().splitlines()
    assert process.wait() == 12
    assert error.startswith("error: ") and hint.startswith("hint: ")
    process.stderr.close()
