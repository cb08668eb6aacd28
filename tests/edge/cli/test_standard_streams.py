"""A standard stream that is closed or full ends a command with a message and its own exit code, never a traceback."""

from __future__ import annotations

import importlib.util
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from edge.sources.grammar import parse_sources
from tests.conftest import ROOT
from tests.edge.hostile import hostile_data

pytestmark = pytest.mark.subprocess
SAMPLE = parse_sources(["samples:"])[0].where

PRINTING = [
    "edge.cli models",
    "edge.cli info tiny",
    "edge.cli info tiny -f json",
    f"edge.cli classify {SAMPLE}",
    f"edge.cli classify {SAMPLE} -f csv",
    "edge.cli --version",
    "edge.cli classify --help",
    "convert.cli check tiny",
    "convert.cli inspect tiny -f json",
    "train.cli --help",
]


def shell(command: str, redirection: str, cwd: Path = ROOT) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command whose streams a shell has redirected."""
    done = subprocess.run(
        f"PYTHONPATH={shlex.quote(str(ROOT))} {shlex.quote(sys.executable)} -m {command} {redirection}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        timeout=120,
        check=False,
        text=True,
        cwd=cwd,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("command", PRINTING)
@pytest.mark.parametrize("redirection", [">&-", ">/dev/full"])
def test_stdout_closed_or_full(command: str, redirection: str) -> None:
    code, _, complaint = shell(command, redirection)
    assert code == 6, complaint
    assert [line.partition(":")[0] for line in complaint.splitlines()] == ["error", "hint"], complaint
    assert ("it is closed" if redirection == ">&-" else "No space left") in complaint


@pytest.mark.parametrize("command", PRINTING[:4])
def test_a_reader_that_goes_away_is_no_failure(command: str) -> None:
    code, _, complaint = shell(command, "| true; exit ${PIPESTATUS[0]}")
    assert (code, complaint) == (0, "")


def test_with_a_file_to_write_stdout_is_not_needed(tmp_path: Path) -> None:
    answer = tmp_path / "answer.csv"
    assert shell(f"edge.cli classify {SAMPLE} -f csv -o {answer}", ">&-") == (0, "", "")
    assert answer.read_text().startswith("source,")


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_an_error_that_cannot_be_told_keeps_its_exit_code(redirection: str) -> None:
    assert shell("edge.cli classify nowhere.png", redirection) == (3, "", "")
    assert shell("convert.cli check nowhere.tflite", redirection) == (4, "", "")
    assert shell("edge.cli classify --nonsense", redirection) == (2, "", "")
    without_extra = importlib.util.find_spec("keras") is None
    assert shell("train.cli compare nowhere", redirection) == (8 if without_extra else 9, "", "")


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_progress_that_cannot_be_told_does_not_matter(redirection: str, tmp_path: Path) -> None:
    code, printed, _ = shell(f"convert.cli evaluate tiny --data {hostile_data(tmp_path, '')}", redirection)
    assert code == 0
    assert "accuracy" in printed


def test_stdin_closed() -> None:
    code, printed, complaint = shell("edge.cli classify -", "<&-")
    assert (code, printed) == (3, "")
    assert "Traceback" not in complaint


def test_all_closed() -> None:
    assert shell(f"edge.cli classify {SAMPLE}", "<&- >&- 2>&-") == (6, "", "")
