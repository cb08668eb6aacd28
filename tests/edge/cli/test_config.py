"""The configuration file as its user meets it: what it sets, what wins over it, what `config` says of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import edge.cli.app
from edge.cli.configured import configured_commands
from edge.service import config_location
from edge.service.config_keys import keys_of
from tests.conftest import ROOT, Run
from tests.edge.cli.test_app import SAMPLE, check_failure, predictions

pytestmark = pytest.mark.subprocess


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.toml"
    path.write_text("[classify]\nsources = ['fake:2']\nformat = 'json'\nmodel = 'tiny'\ntop-k = 1\n")
    return path


def sources(done: subprocess.CompletedProcess[str]) -> list[object]:
    return [one["source"] for one in predictions(done)]


@pytest.mark.parametrize("where", ["before", "behind", "environment"])
def test_a_file_says_what_the_command_line_does_not(fmnist_edge: Run, shop: Path, where: str) -> None:
    arguments: dict[str, list[object]] = {
        "before": ["--config", shop, "classify"],
        "behind": ["classify", "--config", shop],
        "environment": ["classify"],
    }
    env = {"FMNIST_EDGE_CONFIG": str(shop)} if where == "environment" else None
    found = predictions(fmnist_edge(*arguments[where], env=env))
    assert [one["source"] for one in found] == ["fake:", "fake:"]
    assert [len(one["top"]) for one in found] == [1, 1]  # type: ignore[arg-type]


def test_the_nearest_file_counts_alone(fmnist_edge: Run, shop: Path, tmp_path: Path) -> None:
    """Behind the command, before it, the environment; the values of the others are not mixed in."""
    for name, frames in (("environment", 5), ("before", 4), ("behind", 3)):
        (tmp_path / name).write_text(f"[classify]\nsources = ['fake:{frames}']\nformat = 'json'\n")
    env = {"FMNIST_EDGE_CONFIG": str(tmp_path / "environment")}
    before, behind = ["--config", tmp_path / "before"], ["--config", tmp_path / "behind"]
    assert len(predictions(fmnist_edge(*before, "classify", *behind, env=env))) == 3
    assert len(predictions(fmnist_edge(*before, "classify", env=env))) == 4
    assert len(predictions(fmnist_edge("classify", env=env))) == 5
    check_failure(fmnist_edge("--config", "/dev/null", "classify", env=env), 2, "nothing to classify")


def test_the_file_of_the_machine_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """/etc/fmnist-edge.toml itself belongs to the machine: here another name stands in its place."""
    assert Path("/etc/fmnist-edge.toml") == config_location.SYSTEM_FILE
    monkeypatch.delenv(config_location.VARIABLE, raising=False)
    monkeypatch.setattr(config_location, "SYSTEM_FILE", tmp_path / "etc.toml")
    assert info() == "camera"
    (tmp_path / "etc.toml").write_text("[info]\nmodel = 'tiny'\n")
    assert info() == "tiny"
    assert info("--config", "/dev/null") == "camera"
    (tmp_path / "etc.toml").unlink()
    (tmp_path / "etc.toml").symlink_to("nowhere")
    with pytest.raises(ValueError, match="no such configuration file"):
        info()


def info(*arguments: str) -> str:
    result = CliRunner().invoke(edge.cli.app.app, ["info", "-f", "json", *arguments], catch_exceptions=False)
    return Path(json.loads(result.stdout)["file"]).stem


@pytest.mark.parametrize("in_file", ["sources = ['nothing.png']", "camera = '/dev/nothing'"])
@pytest.mark.parametrize("given", [[SAMPLE], ["--camera", "/dev/video77"]])
def test_inputs_of_the_command_line_replace_those_of_the_file(
    fmnist_edge: Run, tmp_path: Path, in_file: str, given: list[str]
) -> None:
    path = tmp_path / "shop.toml"
    path.write_text(f"[classify]\n{in_file}\nformat = 'json'\n")
    assert "nothing" in fmnist_edge("--config", path, "classify").stderr
    done = fmnist_edge("--config", path, "classify", *given, "--limit", "1", env={"OPENCV_LOG_LEVEL": "OFF"})
    assert "nothing" not in done.stderr
    if given == [SAMPLE]:
        assert sources(done) == [SAMPLE]
    else:
        assert "/dev/video77" in done.stderr


def test_a_camera_and_sources_of_the_file_add_up(fmnist_edge: Run, tmp_path: Path) -> None:
    path = tmp_path / "shop.toml"
    path.write_text("[classify]\nsources = ['fake:1']\ncamera = '/dev/nothing'\nformat = 'json'\n")
    done = fmnist_edge("--config", path, "classify")
    assert '"source": "fake:"' in done.stdout
    assert "/dev/nothing" in done.stderr


def test_the_command_line_wins_key_by_key(fmnist_edge: Run, shop: Path) -> None:
    (first, _) = predictions(fmnist_edge("--config", shop, "classify", "--top-k", "2"))
    assert len(first["top"]) == 2  # type: ignore[arg-type]
    assert fmnist_edge("--config", shop, "classify", "-f", "csv").stdout.startswith("source,")


def test_a_flag_of_the_file_can_be_unset(fmnist_edge: Run, shop: Path) -> None:
    shop.write_text(shop.read_text() + "on-change = true\n")
    twice = "classify", SAMPLE, SAMPLE, "--config", shop
    assert sources(fmnist_edge(*twice)) == [SAMPLE]
    assert sources(fmnist_edge(*twice, "--no-on-change")) == [SAMPLE, SAMPLE]
    assert "--no-on-change" not in fmnist_edge("classify", "--help").stdout
    assert fmnist_edge("classify", "--no-config", "x").returncode == 2


def test_a_required_argument_may_stand_in_the_file(fmnist_edge: Run, tmp_path: Path) -> None:
    path = tmp_path / "shop.toml"
    path.write_text(f"[explain]\nimage = '{SAMPLE}'\noutput = '{tmp_path / 'sheet.png'}'\nmodel = 'tiny'\n")
    done = fmnist_edge("--config", path, "explain")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "sheet.png").stat().st_size > 1000


def test_every_mistake_is_said_at_once_and_help_works_all_the_same(fmnist_edge: Run, tmp_path: Path) -> None:
    path = tmp_path / "shop.toml"
    path.write_text("[classify]\nmin-scor = 0.5\ntop-k = 'many'\n[evaluat]\n")
    expected = (
        f"error: {path}: 3 mistakes\n"
        "  line 2: classify.min-scor: there is no such key; min-score?\n"
        "  line 3: classify.top-k: expected a whole number, got the text 'many'\n"
        "  line 4: evaluat: there is no table [evaluat]; evaluate?\n"
        "hint: fmnist-edge config show --example lists every key\n"
    )
    for arguments in (["config", "check", path], ["config", "check", "--config", path], ["classify", "--config", path]):
        done = fmnist_edge(*arguments)
        assert (done.returncode, done.stdout, done.stderr) == (2, "", expected)
    for arguments in (["--config", path, "config", "show"], ["--config", path, "models"]):
        assert fmnist_edge(*arguments).returncode == 2
    assert fmnist_edge("--config", path, "classify", "--help").returncode == 0
    assert fmnist_edge("--config", path, "--version").returncode == 0


def test_names_and_values_reach_the_terminal_as_text(fmnist_edge: Run, tmp_path: Path) -> None:
    path = tmp_path / "shop\x1b[31m.toml"
    path.write_text('[classify]\n"\\u001b[31m" = 1\nformat = "\\u202e"\nmodel = "\\u009b"\n')
    done = fmnist_edge("config", "check", path)
    path.write_text('[classify]\nmodel = "\\u009b\\u202e\\u007f"\n')
    done.stderr += fmnist_edge("--config", path, "config", "show", "classify").stdout
    for character in "\x1b\u202e\x9b\x7f":
        assert character not in done.stderr
    assert r"shop\x1b[31m.toml" in done.stderr


def test_check_says_what_it_found(fmnist_edge: Run, shop: Path) -> None:
    assert fmnist_edge("config", "check", shop).stdout == f"{shop}: ok, 4 keys\n"
    assert fmnist_edge("--config", shop, "config", "check").stdout == f"{shop}: ok, 4 keys\n"
    check_failure(fmnist_edge("config", "check", "nothing.toml"), 2, "nothing.toml: no such configuration file")


def test_show_says_each_value_and_where_it_comes_from(fmnist_edge: Run, tmp_path: Path) -> None:
    path = tmp_path / "shop.toml"
    path.write_text(
        "[classify]\nsources = [\n 'rtsp://shop:geheim@10.0.0.5/live']\ncamera = 0\n[evaluate]\ndata-dir = '.'\n"
    )
    path.chmod(0o600)
    shown = fmnist_edge("--config", path, "config", "show").stdout
    assert f'sources = ["rtsp://shop:***@10.0.0.5/live"]  # {path}, line 2\n' in shown
    assert f'camera = "0"  # {path}, line 4\n' in shown
    assert f'data = "."  # {path}, line 6\n' in shown
    assert 'model = "camera"  # default\n' in shown
    assert "motion = false  # default\n" in shown
    assert "# min-score is not set\n" in shown
    assert "geheim" not in shown
    assert set(tomllib.loads(shown)) == {name for name, command in commands().items() if keys_of(command)}
    assert fmnist_edge("config", "show", "info", "--config", path).stdout.startswith("[info]\n")
    assert fmnist_edge("config", "check", write(tmp_path / "again.toml", shown)).returncode == 0
    check_failure(fmnist_edge("config", "show", "inf"), 2, "no table inf")


def commands() -> dict[str, Any]:
    return configured_commands(typer.main.get_command(edge.cli.app.app))


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_the_example_has_every_key_and_changes_nothing(fmnist_edge: Run, tmp_path: Path) -> None:
    """Commented out, it is a file without keys; with a key's # gone, that key is taken as it stands."""
    example = fmnist_edge("config", "show", "--example").stdout
    assert fmnist_edge("config", "check", write(tmp_path / "a.toml", example)).stdout.endswith(": ok, 0 keys\n")
    keys = {
        (table, key.name)
        for table, command in commands().items()
        for key in keys_of(command).values()
        if not getattr(key.parameter, "hidden", False)
    }
    assert len(keys) > 30
    everything = "\n".join(
        line[1:] if line.startswith("#") and line[1] != " " else line for line in example.split("\n")
    )
    tables = tomllib.loads(everything)
    assert {(table, key) for table, values in tables.items() for key in values} == keys
    assert fmnist_edge("config", "check", write(tmp_path / "b.toml", everything)).stdout.endswith(
        f": ok, {len(keys)} keys\n"
    )


def test_the_example_in_the_documents_is_right(fmnist_edge: Run, tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "config.md").read_text(), re.DOTALL)
    done = fmnist_edge("config", "check", write(tmp_path / "shop.toml", example))
    assert done.stdout.endswith(": ok, 6 keys\n"), done.stderr


LOADED = """
import sys
from edge.cli.app import app
watched = {"tomllib", "edge.service.config_file", "edge.cli.config"} - sys.modules.keys()  # coverage reads TOML, too
try: app(sys.argv[1:])
finally: print(sorted(watched & sys.modules.keys()))
"""


@pytest.mark.parametrize(
    ("with_file", "loaded"), [(False, "[]"), (True, "['edge.cli.config', 'edge.service.config_file'")]
)
def test_without_a_file_nothing_of_it_loads(shop: Path, with_file: bool, loaded: str) -> None:
    named = ["--config", str(shop)] if with_file else []
    env = {**os.environ, "FMNIST_EDGE_CONFIG": ""}
    done = subprocess.run(
        [sys.executable, "-c", LOADED, "classify", SAMPLE, *named],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=env,
    )
    assert done.stdout.splitlines()[-1].startswith(loaded)
