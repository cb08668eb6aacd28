"""A library in a child process that fails, crashes or hangs: at load, at Prepare, at an invocation."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.choices import BEST_ON_FASHION_MNIST, Backend
from edge.errors import BackendUnavailable, Cause, ModelUnsupported
from edge.inference import edgetpu
from edge.inference.edgetpu import CallLimit, EdgeTpuInterpreter, explain
from edge.inference.edgetpu_devices import EdgeTpu
from edge.inference.interpreters import CPU_RUNTIMES
from edge.inference.model_file import Model, read_model
from tests.conftest import ROOT
from tests.edge.inference.edgetpu_library import write_compiled
from tests.edge.inference.test_interpreters import check_contract
from tests.processes import is_running

pytestmark = pytest.mark.subprocess


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Model:
    path = tmp_path_factory.mktemp("model") / "small_edgetpu.tflite"
    return read_model(str(write_compiled(path, read_model(BEST_ON_FASHION_MNIST))))


class Opening:
    """Opens the compiled model with a fault planted in the library."""

    def __init__(self, backend: str, library: Path, model: Model, environment: pytest.MonkeyPatch) -> None:
        self.runtime = CPU_RUNTIMES[Backend(backend)]()
        self.library, self.model, self._environment = library, model, environment

    def __call__(self, fault: str = "") -> EdgeTpuInterpreter:
        self._environment.setenv("EDGETPU_FAULT", fault)
        return EdgeTpuInterpreter(self.model, self.runtime, str(self.library))


@pytest.fixture
def opening(backend: str, edgetpu_library: Path, compiled: Model, monkeypatch: pytest.MonkeyPatch) -> Opening:
    return Opening(backend, edgetpu_library, compiled, monkeypatch)


def pictures(count: int) -> np.ndarray[Any, Any]:
    return np.zeros((count, 28, 28), np.int8)


def child_of(interpreter: EdgeTpuInterpreter) -> int:
    return interpreter._child._process.pid


def test_a_compiled_model_obeys_the_contract(opening: Opening) -> None:
    interpreter = opening()
    assert str(opening.library) in interpreter.name
    assert interpreter.name.startswith(opening.runtime.name)
    check_contract(interpreter)
    assert interpreter.run(pictures(2)).argmax(axis=1).tolist() == [3, 3]


def test_a_model_for_the_cpu_obeys_the_contract(opening: Opening) -> None:
    """The library takes no operation over."""
    opening.model = read_model(BEST_ON_FASHION_MNIST)
    check_contract(opening())


def test_the_library_is_released_before_the_interpreter_is_gone(
    opening: Opening, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Coral that is not released stays stuck for the next command."""
    log = tmp_path / "log"
    monkeypatch.setenv("DELEGATE_LOG", str(log))
    interpreter = opening("slow release")
    pid = child_of(interpreter)
    interpreter.run(pictures(2))
    del interpreter
    gc.collect()
    assert log.read_text().split() == ["1", "2", "3", "released"]  # the first call is the trial at the start
    assert not is_running(pid)


@pytest.mark.parametrize(
    ("fault", "cause", "words"),
    [
        ("fail load", Cause.NO_DEVICE, "no Edge TPU on this bus"),
        ("fail prepare", Cause.MODEL_REFUSED, "compiled for a newer Edge TPU runtime"),
        ("fail 1", Cause.MODEL_REFUSED, "USB transfer error 5"),
        ("abort load", Cause.CRASH, "SIGABRT.*HandleQueuedBulkIn transfer in failed"),
        ("abort prepare", Cause.CRASH, "SIGABRT"),
        ("hang load", Cause.HANG, r"no answer within 1\.0 s"),
        ("hang prepare", Cause.HANG, r"no answer within 1\.0 s"),
    ],
)
def test_what_fails_at_the_start_has_its_cause(
    opening: Opening, fault: str, cause: Cause, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fault.startswith("hang"):
        monkeypatch.setattr(edgetpu, "LOADING_S", 1.0)
    monkeypatch.setattr(edgetpu, "find_edgetpus", list)
    with pytest.raises(BackendUnavailable, match=words) as caught:
        opening(fault)
    assert caught.value.cause is cause
    assert caught.value.hint


@pytest.mark.parametrize(
    ("fault", "cause", "words"),
    [
        ("fail 5", Cause.DEVICE, "USB transfer error 5"),
        ("abort 5", Cause.CRASH, "SIGABRT.*HandleQueuedBulkIn transfer in failed"),
        ("hang 5", Cause.HANG, r"no answer within \d"),
    ],
)
def test_what_fails_at_the_fifth_call_has_its_cause_and_leaves_no_process(
    opening: Opening, fault: str, cause: Cause, words: str
) -> None:
    interpreter = opening(fault)
    pid = child_of(interpreter)
    interpreter.run(pictures(3))
    with pytest.raises(BackendUnavailable, match=words) as caught:
        interpreter.run(pictures(3))
    assert caught.value.cause is cause
    assert not is_running(pid)
    with pytest.raises(BackendUnavailable, match="failed before"):
        interpreter.run(pictures(1))


def test_a_slow_call_within_the_limit_is_no_alarm(opening: Opening) -> None:
    interpreter = opening("slow 5")
    assert interpreter.run(pictures(6)).argmax(axis=1).tolist() == [3] * 6


def test_ctrl_c_during_a_hang_ends_the_wait_and_the_process(opening: Opening) -> None:
    interpreter = opening("hang 2")
    pid = child_of(interpreter)
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        interpreter.run(pictures(1))
    assert time.monotonic() - began < CallLimit.FIRST_S / 2
    assert not is_running(pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_to_the_whole_group_are_left_to_the_command(opening: Opening, number: int) -> None:
    interpreter = opening()
    os.kill(child_of(interpreter), number)
    assert interpreter.run(pictures(1)).argmax() == 3


KILLED = """
import os, sys, time
from pathlib import Path
from edge.choices import Backend
from edge.inference.edgetpu import EdgeTpuInterpreter
from edge.inference.interpreters import CPU_RUNTIMES
from edge.inference.model_file import read_model
interpreter = EdgeTpuInterpreter(read_model(sys.argv[2]), CPU_RUNTIMES[Backend(sys.argv[1])](), sys.argv[3])
print(interpreter._child._process.pid, flush=True)
os.kill(os.getpid(), 9)
"""


def test_a_killed_command_leaves_no_process(opening: Opening, backend: str) -> None:
    arguments = [sys.executable, "-c", KILLED, backend, opening.model.path, opening.library]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not is_running(int(done.stdout))


LONG_CALL = """
import time
from edge.inference import edgetpu_child
edgetpu_child._LONGEST_CALL_S = 1
edgetpu_child._limited(lambda: None)
edgetpu_child._limited(lambda: time.sleep(30))
"""


def test_a_call_that_nobody_waits_for_ends_by_itself() -> None:
    """The command was killed while the library hung."""
    done = subprocess.run([sys.executable, "-c", LONG_CALL], timeout=20, check=False, cwd=ROOT)
    assert done.returncode == -signal.SIGALRM


def test_a_library_that_talks_fills_neither_screen_nor_memory(
    opening: Opening, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EDGETPU_CHATTER", "1")
    interpreter = opening()
    interpreter.run(pictures(200))  # 1 KB each, on stderr
    assert os.fstat(interpreter._child._log).st_size < 80_000
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("library", "words"), [("libno-such.so.1", "not installed"), ("/no/lib.so", "no such file")])
def test_a_missing_library_says_how_to_get_it(opening: Opening, library: str, words: str) -> None:
    opening.library = Path(library)
    with pytest.raises(BackendUnavailable, match=words) as caught:
        opening()
    assert caught.value.cause is Cause.LIBRARY_MISSING
    assert "libedgetpu" in caught.value.hint


def test_a_file_that_is_no_library_is_not_called_missing(opening: Opening, tmp_path: Path) -> None:
    opening.library = tmp_path / "lib.so"
    opening.library.write_text("no ELF")
    with pytest.raises(BackendUnavailable, match=r"does not load.*(invalid ELF|file too short)"):
        opening()


def test_more_than_one_output_is_unsupported(opening: Opening, tmp_path: Path) -> None:
    opening.model = read_model(str(write_compiled(tmp_path / "two.tflite", None, outputs=2)))
    with pytest.raises(ModelUnsupported, match="1 and 2"):
        opening()


NODE = Path("/dev/bus/usb/001/004")


@pytest.mark.parametrize(
    ("devices", "cause", "words"),
    [
        ([], Cause.NO_DEVICE, "no Edge TPU is on USB or PCIe"),
        ([EdgeTpu(NODE, allowed=False)], Cause.PERMISSION, f"may not open {NODE}"),
        ([EdgeTpu(NODE, allowed=True)], Cause.DEVICE, f"at {NODE} did not start"),
    ],
)
def test_a_library_without_a_reason_is_explained_by_the_bus(devices: list[EdgeTpu], cause: Cause, words: str) -> None:
    error = explain("libedgetpu.so.1", "Failed to load delegate from libedgetpu.so.1\n", devices)
    assert error.cause is cause
    assert words in error.message
    assert "it gives no reason" in error.message


def test_the_limit_is_learnt_and_has_a_floor() -> None:
    fast, slow = CallLimit(), CallLimit()
    for number in range(CallLimit.LEARNT_FROM + 1):
        assert fast.seconds == (CallLimit.FIRST_S if number < CallLimit.LEARNT_FROM else CallLimit.FLOOR_S)
        fast.learn(0.003)
        slow.learn(0.5 if number < CallLimit.LEARNT_FROM else 100)
    assert slow.seconds == 0.5 * CallLimit.FACTOR
