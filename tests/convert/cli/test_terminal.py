"""`convert` on a file whose names try to command the terminal: they are shown, not obeyed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from convert.cli.app import app
from convert.settings import Settings
from edge.errors import TargetUnmet
from tests.edge.hostile import NAME, hostile_data, hostile_model
from tests.edge.hostile import check_printable as check


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hostile_model(tmp_path_factory.mktemp("hostile"))


def stdout(*arguments: object) -> str:
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exception is None or result.exit_code == 0 or isinstance(result.exception, TargetUnmet), (
        result.exception
    )
    return result.stdout


def test_inspect(model: Path) -> None:
    check(stdout("inspect", model))
    text = stdout("inspect", model, "-f", "json")
    assert json.loads(text)["model"] == f"tiny{NAME}"
    assert "\x1b" not in text
    assert "\x9b" not in text


def test_check(model: Path) -> None:
    check(stdout("check", model))
    assert json.loads(stdout("check", model, "-f", "json"))["model"] == f"tiny{NAME}"


@pytest.mark.parametrize("command", ["evaluate", "compare"])
def test_evaluate_and_compare(model: Path, command: str, tmp_path: Path) -> None:
    check(stdout(command, *[model] * (1 + (command == "compare")), "--data", hostile_data(tmp_path)))


def test_a_model_gets_a_printable_name_whatever_its_file_is_called() -> None:
    assert Settings(Path("caf\udce9\x1b.keras")).model_name == r"caf\xe9\x1b"
    assert Settings(Path("größe.keras")).model_name == "größe"
