"""A run in front of a camera: losses, returns and signals, as whoever starts it as a service meets them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Run
from tests.edge.sources.http_camera import http_camera
from tests.ports import free_port

pytestmark = pytest.mark.subprocess

FAST = ("-f", "json", "--model", "tiny")


class Running:
    """A command that runs, and the events that it has told."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.events: list[dict[str, Any]] = []

    def until(self, event: str) -> dict[str, Any]:
        """Read on until such an event."""
        assert self.process.stdout is not None
        for line in iter(self.process.stdout.readline, b""):
            self.events.append(json.loads(line))
            if self.events[-1]["event"] == event:
                return self.events[-1]
        raise AssertionError(f"no {event}: {self.events[-3:]} {self.process.stderr and self.process.stderr.read()!r}")

    def ended(self) -> tuple[int, str]:
        """Wait for its end: exit code, and what it said on stderr."""
        stdout, stderr = self.process.communicate(timeout=30)
        self.events += map(json.loads, stdout.splitlines())
        return self.process.returncode, stderr.decode()


@contextmanager
def running(*arguments: object, stdin: int | None = None) -> Iterator[Running]:
    process = subprocess.Popen(
        [sys.executable, "-m", "edge.cli", *map(str, arguments)],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=hear_hangups,  # noqa: PLW1509 - no threads yet
    )
    with process:
        try:
            yield Running(process)
        finally:
            process.kill()


def hear_hangups() -> None:
    """Whoever runs the tests may ignore SIGHUP, and a child would too."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def catches(status: str, number: signal.Signals) -> bool:
    """Whether a process has a handler for a signal, as /proc says."""
    return bool(int(status.split("SigCgt:")[1].split(maxsplit=1)[0], 16) >> (number - 1) & 1)


def test_a_camera_that_hangs_up_comes_back_and_sigterm_ends_the_run_with_stopped() -> None:
    with http_camera() as address, running("classify", f"{address}/drop", "--heartbeat", "0.2", *FAST) as run:
        first = run.until("prediction")
        lost = run.until("camera_lost")
        back = run.until("camera_back")
        later = run.until("prediction")
        run.until("heartbeat")
        run.process.terminate()
        code, said = run.ended()
    assert (code, run.events[-1]["event"], run.events[-1]["reason"]) == (0, "stopped", "SIGTERM")
    assert lost["reason"] == "ended"
    assert 0 < back["away_s"] < 5
    assert back["attempts"] == 1
    assert later["frame"] > first["frame"]
    assert first["age_ms"] > 0
    assert len({one["model"] for one in run.events}) == 1
    assert {one["source"] for one in run.events} == {f"{address}/drop", None}
    assert [one["monotonic_s"] for one in run.events] == sorted(one["monotonic_s"] for one in run.events)
    assert f"camera lost: {address}/drop stopped" in said
    assert "camera back: " in said
    assert "Traceback" not in said


def test_sigterm_while_the_camera_is_lost() -> None:
    with http_camera() as address:
        with running("classify", f"{address}/drop", *FAST) as run:
            run.until("camera_lost")
            run.process.terminate()
            assert run.ended()[0] == 0
        assert run.events[-1] | {"time": 0, "monotonic_s": 0} == {
            "v": 1,
            "event": "stopped",
            "time": 0,
            "monotonic_s": 0,
            "source": None,
            "model": run.events[0]["model"],
            "reason": "SIGTERM",
            "frames": sum(one["event"] == "prediction" for one in run.events),
        }


def test_a_camera_that_is_not_there_yet_is_waited_for_if_asked(fmnist_edge: Run) -> None:
    address = f"http://127.0.0.1:{free_port()}/x.mjpg"
    at_once = fmnist_edge("classify", address, *FAST)
    assert at_once.returncode == 3
    assert [json.loads(line)["event"] for line in at_once.stdout.splitlines()] in ([], ["stopped"])
    with running("classify", address, "--retry", "forever", *FAST) as run:
        assert run.until("camera_lost")["reason"] == "not_found"
        run.process.terminate()
        assert run.ended()[0] == 0
    assert run.events[-1]["reason"] == "SIGTERM"
    counted = fmnist_edge("classify", address, "--retry", "1", *FAST)
    assert (counted.returncode, "error: " in counted.stderr) == (3, True)


def test_without_retries_a_loss_ends_the_run_with_its_code(fmnist_edge: Run) -> None:
    with http_camera() as address:
        done = fmnist_edge("classify", f"{address}/drop", "--retry", "0", *FAST)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 3
    assert [one["event"] for one in events if one["event"] != "prediction"] == ["camera_lost", "stopped"]
    assert events[-1]["reason"] == done.stderr.splitlines()[-2].removeprefix("error: ")
    assert fmnist_edge("classify", "fake:", "--retry", "sometimes").returncode == 2


def test_ctrl_c_says_stopped_too() -> None:
    with http_camera() as address, running("classify", f"{address}/stream.mjpg", *FAST) as run:
        run.until("prediction")
        run.process.send_signal(signal.SIGINT)
        assert run.ended()[0] == 130
    assert (run.events[-1]["event"], run.events[-1]["reason"]) == ("stopped", "SIGINT")


def test_sigterm_wakes_a_run_that_waits_for_a_pipe() -> None:
    with running("classify", "-", "--model", "tiny", stdin=subprocess.PIPE) as run:
        status = Path(f"/proc/{run.process.pid}/status")
        while not catches(status.read_text(), signal.SIGTERM):
            time.sleep(0.05)
        time.sleep(0.2)
        run.process.terminate()
        code, said = run.ended()
    assert (code, said) == (0, "")


def test_a_closed_pipe_ends_a_camera_quietly() -> None:
    with http_camera() as address, running("classify", f"{address}/stream.mjpg", *FAST) as run:
        run.until("prediction")
        assert run.process.stdout is not None
        run.process.stdout.close()
        assert run.process.wait(timeout=30) == 0
        assert run.process.stderr is not None
        assert run.process.stderr.read() == b""


@pytest.mark.parametrize("form", ["table", "csv"])
def test_a_table_holds_answers_alone_and_the_rest_is_said_beside_it(form: str, fmnist_edge: Run) -> None:
    with http_camera() as address:
        done = fmnist_edge("classify", f"{address}/drop", "--limit", "8", "--heartbeat", "0.1", "-f", form)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 9
    assert done.stderr.startswith(f"camera lost: {address}/drop stopped")
    assert "hint: " in done.stderr
    assert f"camera back: {address}/drop, after " in done.stderr


class TestSighup:
    """SIGHUP reads the configuration again."""

    @pytest.fixture
    def config(self, tmp_path: Path) -> Callable[[str], Path]:
        def write(text: str) -> Path:
            path = tmp_path / "shop.toml"
            path.write_text(f"[classify]\n{text}\n")
            return path

        return write

    def test_a_run_begins_anew_with_what_the_file_says_now(self, config: Callable[[str], Path]) -> None:
        path = config("top-k = 1")
        with (
            http_camera() as address,
            running("--config", path, "classify", f"{address}/stream.mjpg", *FAST) as run,
        ):
            assert len(run.until("prediction")["top"]) == 1
            pid = run.process.pid
            config("top-k = 2")
            run.process.send_signal(signal.SIGHUP)
            assert run.until("stopped")["reason"] == "SIGHUP"
            assert len(run.until("prediction")["top"]) == 2
            assert run.process.pid == pid
            run.process.terminate()
            assert run.ended() == (0, "")

    def test_a_spoilt_file_changes_nothing_and_is_said(self, config: Callable[[str], Path]) -> None:
        path = config("top-k = 1")
        with (
            http_camera() as address,
            running("--config", path, "classify", f"{address}/stream.mjpg", *FAST) as run,
        ):
            run.until("prediction")
            config("top-k = 'many'")
            run.process.send_signal(signal.SIGHUP)
            for _ in range(10):
                assert len(run.until("prediction")["top"]) == 1
            run.process.terminate()
            code, said = run.ended()
        assert (code, run.events[-1]["reason"]) == (0, "SIGTERM")
        assert "top-k" in said
        assert "the run goes on as it was" in said

    def test_a_run_that_writes_a_file_keeps_it(self, config: Callable[[str], Path], tmp_path: Path) -> None:
        path, written = config("top-k = 1"), tmp_path / "out.jsonl"
        with http_camera() as address:
            options = ("--limit", "30", "-o", written, *FAST)
            with running("--config", path, "classify", f"{address}/stream.mjpg", *options) as run:
                partial = written.with_name("out.jsonl.partial")
                while not (partial.exists() and partial.stat().st_size):
                    time.sleep(0.05)
                run.process.send_signal(signal.SIGHUP)
                code, said = run.ended()
        assert code == 0
        assert "SIGHUP is not obeyed" in said
        assert len(written.read_text().splitlines()) == 31

    def test_without_a_configuration_it_is_the_end_of_the_terminal(self) -> None:
        with http_camera() as address, running("classify", f"{address}/stream.mjpg", *FAST) as run:
            run.until("prediction")
            run.process.send_signal(signal.SIGHUP)
            assert run.ended()[0] == -signal.SIGHUP
