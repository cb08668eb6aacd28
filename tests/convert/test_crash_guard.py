"""A conversion that crashes is an error with a code and a hint, and writes nothing but a log."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.subprocess

# The child says something where nobody sees it, names what it converts, and ends as it is told.
ENDING = """
import os, sys, time
from pathlib import Path
from convert import converter_log
from convert.crash_guard import guard
from convert.settings import Settings
from edge.cli import console
def command():
    guard(Settings(Path(sys.argv[1])))
    with converter_log.open_capture() as said:
        said.write(b"a whole program of MLIR")
    converter_log.note_layers(sys.argv[3:])
    Path(sys.argv[1]).with_suffix(".ready").touch()
    if sys.argv[2] == "wait":
        time.sleep(60)
    elif sys.argv[2].isdigit():
        sys.exit(int(sys.argv[2]))
    os.kill(os.getpid(), getattr(__import__("signal"), sys.argv[2]))
console.run(command)
"""


def start(folder: Path, *arguments: object) -> subprocess.Popen[str]:
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-c", ENDING, str(folder / "model.keras"), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)},
    )


def left_in(folder: Path) -> list[str]:
    """What lies there, but for the test's own mark; temporary files are not to be left."""
    assert list((folder / "temporary").iterdir()) == []
    return sorted(path.name for path in folder.iterdir() if path.name not in {"temporary", "model.ready"})


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL"])
def test_a_crash_is_an_error_that_names_the_layers_and_the_log(tmp_path: Path, name: str) -> None:
    process = start(tmp_path, name, "Conv2D", "Dense", "Dense")
    said, complaint = process.communicate(timeout=60)
    assert (process.returncode, said) == (10, "")
    error, hint = complaint.splitlines()
    assert f"model.keras: TensorFlow crashed ({name}) while it converted Conv2D, Dense" in error
    assert "Dense, Conv2D, pooling and ReLU" in hint
    assert hint.endswith(f"what TensorFlow said is in {tmp_path / 'model_int8.convert.log'}")
    assert (tmp_path / "model_int8.convert.log").read_text() == "a whole program of MLIR"
    assert left_in(tmp_path) == ["model_int8.convert.log"]


def test_a_kill_is_said_to_be_for_want_of_memory(tmp_path: Path) -> None:
    process = start(tmp_path, "SIGKILL", "LSTM")
    complaint = process.communicate(timeout=60)[1]
    assert process.returncode == 10
    assert "SIGKILL" in complaint and "memory ran out" in complaint
    assert "unroll=True" in complaint  # recurrent layers have a way out


@pytest.mark.parametrize("code", [0, 2, 11])
def test_an_exit_code_is_passed_on(tmp_path: Path, code: int) -> None:
    process = start(tmp_path, code)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == code
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGINT, 130)])
def test_a_signal_ends_both_and_leaves_nothing(tmp_path: Path, number: int, code: int) -> None:
    process = start(tmp_path, "wait")
    ready = tmp_path / "model.ready"
    for _ in range(600):
        if ready.exists():
            break
        time.sleep(0.05)
    process.send_signal(number)
    process.communicate(timeout=30)  # returns when the child, too, has closed the pipes
    assert process.returncode in {code, -number}
    assert left_in(tmp_path) == []


@pytest.mark.slow
def test_a_loop_that_crashes_the_converter(tmp_path: Path) -> None:
    """A recurrent layer that a SavedModel holds as a loop: it cannot be unrolled, and TensorFlow crashes on it."""
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(0)
    layers = keras.layers
    network = keras.Sequential([layers.Input((28, 28)), layers.GRU(4), layers.Dense(10, activation="softmax")])
    archive = keras.export.ExportArchive()
    archive.track(network)
    archive.add_endpoint("serve", network, [keras.InputSpec(shape=(1, 28, 28), dtype="float32")])
    archive.write_out(str(tmp_path / "recurrent"), verbose=False)
    done = subprocess.run(
        [sys.executable, "-m", "convert.cli", "quantize", "recurrent", "--pixels", "1"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 10
    error, hint = done.stderr.splitlines()[-2:]
    assert error.startswith("error: recurrent: TensorFlow crashed (SIG") and "While" in error
    assert hint.startswith("hint: build recurrent layers with unroll=True")
    assert len(done.stderr.splitlines()) < 10
    assert not list(tmp_path.glob("*.tflite"))
