"""A configuration file that would not let `classify` start."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

import edge.cli.app
from edge.service import config_location
from edge.service.doctor.configuration import configuration
from edge.service.doctor.finding import Status


@pytest.fixture(autouse=True)
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after the start of a command, on a machine without a file."""
    monkeypatch.delenv(config_location.VARIABLE, raising=False)
    monkeypatch.setattr(config_location, "SYSTEM_FILE", tmp_path / "etc.toml")
    CliRunner().invoke(edge.cli.app.app, ["models"])


def test_no_file_and_a_good_file_are_fine(tmp_path: Path) -> None:
    assert configuration().status is Status.OK
    (tmp_path / "etc.toml").write_text("[classify]\ncamera = 0\n")
    found = configuration()
    assert (found.status, found.found) == (Status.OK, f"{tmp_path / 'etc.toml'}: read")


def test_mistakes_are_listed(tmp_path: Path) -> None:
    (tmp_path / "etc.toml").write_text("[classify]\ncamra = 0\nlimit = 0\n")
    found = configuration()
    assert found.status is Status.FAIL
    assert "line 2: classify.camra: there is no such key; camera?; line 3" in found.found
    assert found.mend == f"fmnist-edge config check {tmp_path / 'etc.toml'}"


def test_a_file_with_a_password_is_mended_by_its_mend(tmp_path: Path) -> None:
    path = tmp_path / "own file.toml"
    path.write_text("[classify]\ncamera = 'rtsp://shop:geheim@10.0.0.5/'\n")
    path.chmod(0o644)
    found = configuration(path)
    assert found.status is Status.FAIL
    assert "geheim" not in found.found
    subprocess.run(shlex.split(found.mend), check=True)
    assert configuration(path).status is Status.OK


def test_the_doctor_looks_at_the_file_that_is_named_and_runs_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text("[[[")
    arguments = ["--config", str(tmp_path / "shop.toml"), "doctor", "--format", "json"]
    result = CliRunner().invoke(edge.cli.app.app, arguments)
    assert result.exit_code == 1
    assert "shop.toml: " in result.stdout
    assert '"name": "clock"' in result.stdout
