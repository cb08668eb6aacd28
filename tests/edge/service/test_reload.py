"""Before a process starts anew, its configuration is read as the new start would read it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from edge.cli.app import app
from edge.errors import ConfigInvalid
from edge.service import config_location
from edge.service.reload import check_again

GOOD, BAD = "[info]\nmodel = 'tiny'\n", "[info]\nmodell = 'tiny'\n"


@pytest.fixture(autouse=True)
def no_file_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(config_location.VARIABLE, raising=False)
    monkeypatch.setattr(config_location, "SYSTEM_FILE", tmp_path / "etc.toml")


def start(*arguments: str) -> None:
    result = CliRunner().invoke(app, [*arguments, "--format", "json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("before", [True, False])
def test_the_file_of_the_command_line_is_read_again(tmp_path: Path, before: bool) -> None:
    path = tmp_path / "shop.toml"
    path.write_text(GOOD)
    named = ["--config", str(path)]
    start(*named, "info") if before else start("info", *named)
    check_again()
    path.write_text(BAD)
    with pytest.raises(ConfigInvalid, match=r"line 2: info\.modell: there is no such key; model"):
        check_again()
    path.unlink()
    with pytest.raises(ConfigInvalid, match="no such configuration file"):
        check_again()


def test_a_file_that_was_not_there_at_the_start_counts_too(tmp_path: Path) -> None:
    start("info")
    check_again()
    (tmp_path / "etc.toml").write_text(BAD)
    with pytest.raises(ConfigInvalid, match=r"etc\.toml: line 2"):
        check_again()
    (tmp_path / "etc.toml").write_text(GOOD)
    check_again()


def test_another_file_can_be_asked_about(tmp_path: Path) -> None:
    start("info")
    (tmp_path / "other.toml").write_text(BAD)
    with pytest.raises(ConfigInvalid, match=r"other\.toml: line 2"):
        check_again(tmp_path / "other.toml")
