"""The command on a Coral that fails or hangs: every frame is answered, and one line says what happened."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.choices import BEST_ON_FASHION_MNIST
from edge.inference.edgetpu import CallLimit
from edge.inference.model_file import find_model, read_model
from tests.conftest import ROOT, Run
from tests.edge.inference.edgetpu_library import write_compiled
from tests.edge.sources.http_camera import http_camera

pytestmark = pytest.mark.subprocess


@pytest.fixture
def compiled(tmp_path: Path) -> Path:
    """A compiled model with its twin beside it."""
    shutil.copy(find_model(BEST_ON_FASHION_MNIST), tmp_path / "mine.tflite")
    return write_compiled(tmp_path / "mine_edgetpu.tflite", read_model(BEST_ON_FASHION_MNIST))


def classify(compiled: Path, library: Path, *more: object) -> list[object]:
    return ["classify", "samples:", "-f", "json", "-m", compiled, "--delegate", library, "--views", 1, *more]


def labels(output: str) -> list[str]:
    return [json.loads(line)["label"] for line in output.splitlines()]


@pytest.mark.parametrize("fault", ["fail 5", "abort 5", "hang 5"])
def test_a_coral_that_fails_in_mid_run(fmnist_edge: Run, compiled: Path, edgetpu_library: Path, fault: str) -> None:
    done = fmnist_edge(*classify(compiled, edgetpu_library), env={"EDGETPU_FAULT": fault})
    on_cpu = labels(fmnist_edge(*classify(compiled.with_name("mine.tflite"), edgetpu_library)).stdout)
    assert done.returncode == 0, done.stderr
    assert labels(done.stdout) == ["Dress"] * 3 + on_cpu[3:]  # the first call is the trial at the start
    (line,) = done.stderr.splitlines()
    assert line.startswith("warning: ")
    assert " goes on for " in line


def test_a_camera_run_tells_it_as_an_event(fmnist_edge: Run, compiled: Path, edgetpu_library: Path) -> None:
    options = ["--limit", 8, "-f", "json", "-m", compiled, "--delegate", edgetpu_library, "--views", 1]
    with http_camera() as address:
        done = fmnist_edge("classify", f"{address}/stream.mjpg", *options, env={"EDGETPU_FAULT": "hang 5"})
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds == ["prediction"] * 3 + ["backend_changed"] + ["prediction"] * 5 + ["stopped"]
    assert str(edgetpu_library) in events[3]["before"]
    assert "hangs" in events[3]["reason"]
    (line,) = done.stderr.splitlines()
    assert " goes on for " in line


@pytest.mark.parametrize("fault", ["fail 5", "abort 5", "hang 5"])
def test_a_required_coral_that_fails_in_mid_run(
    fmnist_edge: Run, compiled: Path, edgetpu_library: Path, fault: str
) -> None:
    done = fmnist_edge(*classify(compiled, edgetpu_library, "--require-coral"), env={"EDGETPU_FAULT": fault})
    assert done.returncode == 5
    assert labels(done.stdout) == ["Dress"] * 3
    error, hint = done.stderr.splitlines()
    assert error.startswith(f"error: {edgetpu_library}")
    assert hint.startswith("hint: plug the Coral in again")


@pytest.mark.parametrize("fault", ["fail load", "fail prepare", "abort prepare"])
def test_a_coral_that_fails_at_the_start(fmnist_edge: Run, compiled: Path, edgetpu_library: Path, fault: str) -> None:
    done = fmnist_edge(*classify(compiled, edgetpu_library), env={"EDGETPU_FAULT": fault})
    assert done.returncode == 0, done.stderr
    assert len(set(labels(done.stdout))) > 5
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"warning: {edgetpu_library}")
    assert "mine.tflite runs on the CPU instead" in line
    required = fmnist_edge(*classify(compiled, edgetpu_library, "--require-coral"), env={"EDGETPU_FAULT": fault})
    assert (required.returncode, required.stdout) == (5, "")
    assert [line.split(":")[0] for line in required.stderr.splitlines()] == ["error", "hint"]


def test_a_coral_that_works_says_nothing(fmnist_edge: Run, compiled: Path, edgetpu_library: Path) -> None:
    done = fmnist_edge(*classify(compiled, edgetpu_library), env={"EDGETPU_CHATTER": "1"})
    assert (done.returncode, done.stderr, labels(done.stdout)) == (0, "", ["Dress"] * 10)


def test_the_library_is_released_before_the_command_leaves(
    fmnist_edge: Run, compiled: Path, edgetpu_library: Path, tmp_path: Path
) -> None:
    """A Coral that is not released stays stuck; and it was opened only once."""
    log = tmp_path / "log"
    planted = {"DELEGATE_LOG": str(log), "EDGETPU_FAULT": "slow release"}
    done = fmnist_edge(*classify(compiled, edgetpu_library), env=planted)
    assert done.returncode == 0, done.stderr
    assert log.read_text().split()[-2:] == ["11", "released"]
    assert log.read_text().count("released") == 1


@contextmanager
def at_call(number: int, fault: str, log: Path, arguments: list[object]) -> Iterator[subprocess.Popen[str]]:
    """The command in a process group of its own, in the middle of a call into the library."""
    with subprocess.Popen(
        [sys.executable, "-m", "edge.cli", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
        env={**os.environ, "EDGETPU_FAULT": fault, "DELEGATE_LOG": str(log)},
    ) as process:
        deadline = time.monotonic() + 60
        while not log.is_file() or str(number) not in log.read_text().split():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        try:
            yield process
        finally:
            process.kill()


def test_ctrl_c_during_a_hang(compiled: Path, edgetpu_library: Path, tmp_path: Path) -> None:
    """As a terminal sends it: to the command and to the Coral's process."""
    with at_call(2, "hang 2", tmp_path / "log", classify(compiled, edgetpu_library)) as process:
        began = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=30)  # the pipes close when the Coral's process is gone, too
    assert process.returncode == 130, said
    assert time.monotonic() - began < 5
    assert "Traceback" not in said


def test_a_command_that_was_stopped_in_the_middle_of_a_call_raises_no_alarm(
    compiled: Path, edgetpu_library: Path, tmp_path: Path
) -> None:
    """Ctrl-Z, and `fg` after longer than a call may take."""
    with at_call(5, "slow 5", tmp_path / "log", classify(compiled, edgetpu_library)) as process:
        os.killpg(process.pid, signal.SIGSTOP)
        time.sleep(CallLimit.FLOOR_S + 1)
        process.send_signal(signal.SIGCONT)  # first to the command, whose wait is over ...
        time.sleep(0.2)
        os.killpg(process.pid, signal.SIGCONT)  # ... and then to the Coral's process, as chance may have it
        output, said = process.communicate(timeout=30)
    assert (process.returncode, said, labels(output)) == (0, "", ["Dress"] * 10)


def test_a_new_start_on_sighup_finds_the_coral_released(compiled: Path, edgetpu_library: Path, tmp_path: Path) -> None:
    config = tmp_path / "edge.toml"
    config.touch()
    options = ["--config", config, "classify", "-f", "json", "-m", compiled, "--delegate", edgetpu_library]
    device = {"EDGETPU_DEVICE": str(tmp_path / "device"), "EDGETPU_FAULT": "slow release"}
    with (
        http_camera() as address,
        subprocess.Popen(
            [sys.executable, "-m", "edge.cli", *map(str, options), f"{address}/stream.mjpg"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **device},
        ) as process,
    ):
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        rest = iter(process.stdout.readline, "")
        assert any(json.loads(line)["event"] == "stopped" for line in rest)
        assert json.loads(next(rest))["label"] == "Dress"
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, "")


def test_no_accuracy_is_measured_on_two_backends(
    fmnist_edge: Run, compiled: Path, edgetpu_library: Path, tmp_path: Path
) -> None:
    for garment in ("bag", "coat", "dress"):
        folder = tmp_path / "pictures" / "test" / garment.capitalize()
        folder.mkdir(parents=True)
        shutil.copy(ROOT / "edge" / "samples" / f"{garment}.png", folder)
    options = ("--data", tmp_path / "pictures", "-m", compiled, "--delegate", edgetpu_library)
    whole = fmnist_edge("evaluate", *options)
    assert whole.returncode == 0, whole.stderr
    assert "accuracy 33.33%" in whole.stdout
    done = fmnist_edge("evaluate", *options, env={"EDGETPU_FAULT": "fail 3"})
    assert (done.returncode, done.stdout) == (5, "")
    assert "USB transfer error 5" in done.stderr


def test_info_says_what_was_not_taken_and_why(fmnist_edge: Run, compiled: Path, edgetpu_library: Path) -> None:
    plain = json.loads(fmnist_edge("info", BEST_ON_FASHION_MNIST, "-f", "json").stdout)
    assert plain["not_taken"]["coral"]["cause"] == "model not compiled for it"
    options = ("-f", "json", "--delegate", edgetpu_library)
    on_coral = json.loads(fmnist_edge("info", compiled, *options).stdout)
    assert on_coral["not_taken"] == {}
    assert str(edgetpu_library) in on_coral["runtime"]
    broken = fmnist_edge("info", compiled, *options, env={"EDGETPU_FAULT": "abort load"})
    facts = json.loads(broken.stdout)
    assert facts["runs"] == str(compiled.with_name("mine.tflite"))
    assert facts["not_taken"]["coral"]["cause"] == "crash"
    assert facts["not_taken"]["coral"]["reason"] in broken.stderr


def test_contradicting_options_are_refused(fmnist_edge: Run) -> None:
    done = fmnist_edge("classify", "samples:", "--require-coral", "--backend", "litert")
    assert done.returncode == 2
    assert "--require-coral with --backend litert" in done.stderr
