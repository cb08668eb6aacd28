"""A command line without options starts without Typer, and does just what it does with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from edge.cli import classify
from edge.cli.app import app
from edge.cli.classify_options import RunOptions
from edge.cli.option_groups import OptionGroup
from tests.conftest import ROOT, Run
from tests.edge.cli.test_app import SAMPLE, check_failure

LOADED = """
import json, sys
from edge.cli import entry
sys.argv = ["bin/fmnist-edge", *sys.argv[1:]]
try: entry._run(sys.argv[1:])
finally: print(json.dumps(sorted(sys.modules)))
"""
WITHOUT_FILE = {"FMNIST_EDGE_CONFIG": os.devnull, "PYTHONPATH": str(ROOT)}


def loaded(*arguments: str, **more: str) -> set[str]:
    """Names of the modules that a command line loads; without those of a measured coverage."""
    command = [sys.executable, "-c", LOADED, *arguments]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COLUMNS", "COVERAGE"))}
    environment = kept | WITHOUT_FILE | more
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.subprocess
@pytest.mark.parametrize(
    ("arguments", "not_needed"),
    [
        (("classify", SAMPLE), {"typer", "rich", "hashlib", "subprocess", "edge.cli.app"}),
        (("models",), {"typer", "numpy", "cv2"}),
        (("--help",), {"typer", "rich", "numpy", "cv2", "pathlib"}),
        (("classify", "--help"), {"typer", "rich", "numpy", "cv2"}),
        (("--version",), {"typer", "rich", "numpy", "cv2"}),
    ],
)
def test_what_has_nothing_to_parse_loads_no_parser(arguments: tuple[str, ...], not_needed: set[str]) -> None:
    by_numpy = {"hashlib"} if np.__version__.startswith("1.") else set()
    assert not loaded(*arguments) & (not_needed - by_numpy)


@pytest.mark.subprocess
def test_an_option_is_parsed(fmnist_edge: Run, tmp_path: Path) -> None:
    assert "typer" in loaded("classify", SAMPLE, "--top-k", "2")
    file = tmp_path / "shop.toml"
    file.write_text('[classify]\nformat = "json"\n')
    assert "typer" in loaded("classify", SAMPLE, FMNIST_EDGE_CONFIG=str(file))
    done = fmnist_edge("classify", SAMPLE, env={"FMNIST_EDGE_CONFIG": str(file)})
    assert json.loads(done.stdout)["label"] == "Ankle boot"


GARBAGE = """
import contextlib, gc, sys
usual = gc.get_threshold()
from edge.cli import classify_sources, console, entry
console.run_and_leave = lambda command: command()
during = []
looked_up = classify_sources.read_checked
def watched(*arguments):
    during.append(gc.get_threshold())
    return looked_up(*arguments)
classify_sources.read_checked = watched
with contextlib.suppress(SystemExit): entry.main()
print(during[0] != usual, gc.get_threshold() == usual, gc.get_freeze_count() > 10_000)
"""


@pytest.mark.subprocess
@pytest.mark.parametrize("options", [(), ("--top-k", "2")])
def test_garbage_is_looked_for_once_frames_come(options: tuple[str, ...]) -> None:
    """An error's traceback may hold a camera's frame in a circle: in a run of months that may not lie."""
    command = [sys.executable, "-c", GARBAGE, "classify", SAMPLE, *options]
    done = subprocess.run(command, env=os.environ | WITHOUT_FILE, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1:] == ["True True True"], done.stderr


def values(group: OptionGroup) -> dict[str, Any]:
    """All options of a group and of those in it."""
    found: dict[str, Any] = {}
    for name, value in vars(group).items():
        found |= values(value) if isinstance(value, OptionGroup) else {name: value}
    return found | {
        name: getattr(group, name)
        for name in type(group).__annotations__
        if not isinstance(getattr(group, name), OptionGroup)
    }


def test_options_that_are_not_given_are_what_typer_makes_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(classify, "run_classify", lambda *arguments: seen.extend(arguments))
    monkeypatch.setenv("FMNIST_EDGE_CONFIG", os.devnull)
    result = CliRunner().invoke(app, ["classify", "a.png", "b.png"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    sources, camera, parsed = seen
    assert (sources, camera) == (["a.png", "b.png"], None)
    assert len(values(parsed)) > 40
    assert values(parsed) == values(RunOptions())
    assert {name: type(value) for name, value in values(parsed).items()} == {
        name: type(value) for name, value in values(RunOptions()).items()
    }


@pytest.mark.subprocess
def test_errors_are_said_as_ever(fmnist_edge: Run) -> None:
    check_failure(fmnist_edge("classify", "nowhere.png", env=WITHOUT_FILE), 3, "no such file")
    done = fmnist_edge("classify", SAMPLE, "nowhere.png", env=WITHOUT_FILE)
    assert (done.returncode, done.stdout) == (3, "")
