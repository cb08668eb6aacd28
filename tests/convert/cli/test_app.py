"""The command line: options that cannot be used, and a quick --help."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from convert.settings import Settings
from edge.errors import BadOption, OutputFailed

if TYPE_CHECKING:
    from tests.convert.conftest import Quantize

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--max-drop", "-0.1"], "--max-drop is -0.1"),
        (["--max-drop", "nan"], "--max-drop is nan"),
        (["--max-drop", "inf"], "--max-drop is inf"),
        (["--calibration-images", "0"], "--calibration-images is 0"),
        (["--calibration-images", "-3"], "--calibration-images is -3"),
        (["--seed", "-1"], "--seed is -1"),
        (["--name", " "], "--name is empty"),
        (["-o", "model.bin"], "does not end in .tflite"),
        (["--report", "absent.keras"], "would overwrite a model"),
        (["--calibration-images", "2001"], "training held out 2000"),
    ],
)
def test_unusable_options(
    quantize: Quantize, tiny: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, options: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("absent.keras").symlink_to(tiny)
    result = quantize("absent.keras", *options)
    assert isinstance(result.exception, BadOption)
    assert result.exception.exit_code == 2
    assert said in result.exception.message
    assert [path.name for path in tmp_path.iterdir()] == ["absent.keras"]


def test_an_output_folder_that_is_not_there(quantize: Quantize, tiny: Path, tmp_path: Path) -> None:
    result = quantize(tiny, "-o", tmp_path / "absent" / "model.tflite")
    assert isinstance(result.exception, OutputFailed)


def test_files_go_beside_the_model_unless_told() -> None:
    settings = Settings(Path("runs/best.keras"))
    assert settings.model_path == Path("runs/best_int8.tflite")
    assert settings.report_path == Path("runs/best_int8.report.json")
    assert settings.model_name == "best"


def test_the_command_names_no_folder_and_quotes_what_it_must() -> None:
    settings = Settings(Path("/somewhere/my model.keras"), name="it's")
    assert settings.command == (
        "convert quantize 'my model.keras' --max-drop 0.5 --search first "
        """--name 'it'"'"'s' --pixels auto --seed 0"""
    )


@pytest.mark.subprocess
def test_help_loads_neither_numpy_nor_keras() -> None:
    program = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from convert.cli.app import app\n"
        "result = CliRunner().invoke(app, ['quantize', '--help'])\n"
        "assert '--max-drop' in result.stdout, result.stdout\n"
        "heavy = {'numpy', 'keras', 'tensorflow', 'cv2', 'flatbuffers'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run(
        [sys.executable, "-c", program], check=True, env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"}
    )


@pytest.mark.subprocess
def test_an_error_is_two_lines_and_its_own_exit_code(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "convert.cli", "quantize", tmp_path / "absent.keras"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 10
    assert done.stdout == ""
    error, hint = done.stderr.splitlines()
    assert error.startswith("error: ") and "no such file" in error
    assert hint.startswith("hint: ")
