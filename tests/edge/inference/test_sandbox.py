"""A model without manifest: its command survives the runtime's crash, and is otherwise as any other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.errors import ModelDamaged
from edge.inference import sandbox
from edge.inference.interpreters import first_runtime
from edge.inference.model_file import Model, read_model
from tests.conftest import ROOT, Run, plain

pytestmark = pytest.mark.subprocess
SAMPLE = ROOT / "edge" / "samples" / "bag.png"

BREAKING = """
import os, signal, sys
from edge.cli import entry
from edge.inference import interpreters
def run(self, batch):
    os.kill(os.getpid(), int(sys.argv.pop()))
interpreters.TFLiteInterpreter.run = run
entry.main()
"""


@pytest.fixture
def unknown(model: Model, tmp_path: Path) -> Path:
    path = tmp_path / "unknown.tflite"
    path.write_bytes(plain(model))
    return path


def broken(model: Path | str, number: int) -> subprocess.CompletedProcess[str]:
    """`classify` in a process whose runtime is hit by a signal at the first picture."""
    return subprocess.run(
        [sys.executable, "-c", BREAKING, "classify", str(SAMPLE), "--model", str(model), str(number)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT])
def test_a_crash_after_the_trial_is_an_error(unknown: Path, number: int) -> None:
    done = broken(unknown, number)
    assert done.returncode == 4, done.stderr
    assert f"error: {unknown} crashed the runtime ({signal.Signals(number).name})" in done.stderr
    assert "hint: " in done.stderr


def test_a_trial_takes_no_more_memory_than_it_may(unknown: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged size may ask for gigabytes, and the kernel would end the run that answers instead."""
    model, runtime = read_model(str(unknown)), first_runtime()
    sandbox.try_unknown(model, runtime)
    monkeypatch.setattr(sandbox, "MOST_MEMORY", 16 << 20)
    with pytest.raises(ModelDamaged, match="does not open"):
        sandbox.try_unknown(model, runtime)


def test_a_known_model_runs_in_the_command_itself() -> None:
    assert broken("tiny", signal.SIGSEGV).returncode == -signal.SIGSEGV


def test_other_signals_are_no_fault_of_the_file(unknown: Path) -> None:
    """The kernel's SIGKILL, when memory runs out."""
    done = broken(unknown, signal.SIGKILL)
    assert done.returncode == 128 + signal.SIGKILL
    assert "crashed" not in done.stderr


def test_the_exit_code_and_the_answer_are_the_commands_own(fmnist_edge: Run, unknown: Path, tmp_path: Path) -> None:
    done = fmnist_edge("classify", "-", "--model", unknown, "-f", "json", stdin=SAMPLE.read_bytes())
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    missing = fmnist_edge("classify", tmp_path / "none.png", "--model", unknown)
    known = fmnist_edge("classify", tmp_path / "none.png")
    assert missing.returncode == known.returncode != 0
    assert fmnist_edge("info", unknown).returncode == 0


@pytest.fixture
def endless(unknown: Path) -> Iterator[subprocess.Popen[str]]:
    """`classify` in an endless run, which has given its first answer."""
    command = [sys.executable, "-m", "edge.cli", "classify", "fake:", "--model", str(unknown), "-f", "json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        yield process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_signal_to_the_command_alone_ends_both(endless: subprocess.Popen[str], number: int, code: int) -> None:
    """As a service manager sends it; the pipes close when the child is gone, too."""
    endless.send_signal(number)
    _, said = endless.communicate(timeout=30)
    assert endless.returncode == code, said


def test_a_killed_command_takes_its_child_along(endless: subprocess.Popen[str]) -> None:
    endless.kill()
    endless.communicate(timeout=30)
    assert endless.returncode == -signal.SIGKILL
