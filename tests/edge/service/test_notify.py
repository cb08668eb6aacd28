"""What systemd is told of a run: the other end of its socket, and a watchdog that waits there."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from edge.events.event import CameraLost, Heartbeat, Stopped
from edge.events.publisher import Publisher
from edge.service.notify import Notifier, Supervision
from edge.sources.live import Loss
from tests.conftest import ROOT
from tests.edge.cli.test_camera_run import hear_hangups
from tests.edge.sources.http_camera import http_camera

WATCHDOG_S = 3.0


class Systemd:
    """The receiving end of NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self.said: list[str] = []

    def next(self, within_s: float = 30.0) -> str:
        """The next message. Fails if none comes in time."""
        self._socket.settimeout(within_s)
        self.said.append(self._socket.recv(4096).decode())
        return self.said[-1]

    def until(self, line: str, within_s: float = 30.0) -> str:
        """Read on to a message with such a line."""
        until_s = time.monotonic() + within_s
        while line not in self.next(max(0.01, until_s - time.monotonic())).splitlines():
            pass
        return self.said[-1]

    def falls_silent(self, for_s: float, within_s: float = 30.0) -> bool:
        """Whether, after what is waiting, nothing comes for so long."""
        until_s = time.monotonic() + within_s
        while time.monotonic() < until_s:
            try:
                self.next(for_s)
            except TimeoutError:
                return True
        return False

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Systemd]:
    end = Systemd(str(tmp_path / "notify") if request.param == "path" else f"@fmnist-edge-{uuid4()}")
    yield end
    end.close()


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Systemd]:
    end = Systemd(str(tmp_path / "notify"))
    yield end
    end.close()


@contextmanager
def started(
    systemd: Systemd, *arguments: str, environment: Mapping[str, str] | None = None, code: str = ""
) -> Iterator[subprocess.Popen[bytes]]:
    """The command as systemd starts it, with a watchdog; `code` runs in the process before it."""
    program = ["-m", "edge.cli"] if not code else ["-c", f"{code}\nimport edge.cli.entry\nedge.cli.entry.main()"]
    environment = {
        "NOTIFY_SOCKET": systemd.address,
        "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6)),
        "PYTHONPATH": str(ROOT),
        **(environment or {}),
    }
    with subprocess.Popen(
        [sys.executable, *program, "classify", *arguments, "--model", "tiny", "--format", "json", "--on-change"],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        preexec_fn=hear_hangups,  # noqa: PLW1509 - no threads yet
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.subprocess
def test_ready_with_the_first_answer_then_signs_of_life_then_stopping(systemd: Systemd) -> None:
    with http_camera() as address, started(systemd, f"{address}/stream.mjpg") as process:
        first = systemd.next().splitlines()
        assert first[0].startswith("STATUS=answering: http://127.0.0.1:")
        assert first[1:] == ["READY=1", "WATCHDOG=1"]
        began_s = time.monotonic()
        for _ in range(5):
            systemd.until("WATCHDOG=1", WATCHDOG_S)
        assert time.monotonic() - began_s > WATCHDOG_S, "more signs than systemd has use for"
        assert sum("READY=1" in said for said in systemd.said) == 1
        process.send_signal(signal.SIGTERM)
        assert "STATUS=stopped: SIGTERM" in systemd.until("STOPPING=1")
        assert process.wait(30) == 0


@pytest.mark.subprocess
@pytest.mark.parametrize("where", ["/nothing", "/drop", "/frozen"])
def test_a_camera_that_is_lost_is_reported_and_the_run_is_alive(listening: Systemd, where: str) -> None:
    """Also with a heartbeat that is longer than the watchdog's time, and where the camera never was."""
    patient = ("--retry", "forever", "--heartbeat", "600")
    with http_camera() as address, started(listening, f"{address}{where}", *patient):
        assert "READY=1" in listening.next()
        while "camera lost" not in listening.said[-1]:
            listening.next()
        for _ in range(3):
            listening.until("WATCHDOG=1", WATCHDOG_S)
    assert any(said.startswith("STATUS=camera lost: http") for said in listening.said)


@pytest.mark.subprocess
def test_without_motion_the_run_is_alive_though_nothing_is_answered(listening: Systemd) -> None:
    with http_camera() as address, started(listening, f"{address}/stream.mjpg", "--interval", "600"):
        listening.until("READY=1")
        for _ in range(3):
            listening.until("WATCHDOG=1", WATCHDOG_S)


@pytest.mark.subprocess
def test_a_process_that_is_stopped_falls_silent(listening: Systemd) -> None:
    with http_camera() as address, started(listening, f"{address}/stream.mjpg") as process:
        listening.until("READY=1")
        process.send_signal(signal.SIGSTOP)
        assert listening.falls_silent(WATCHDOG_S)
        process.send_signal(signal.SIGCONT)
        listening.until("WATCHDOG=1", WATCHDOG_S)


HANGS = """
import time, edge.inference.classifier as at
answer, asked = at.Classifier.__call__, []
def hangs(self, frame):
    asked.append(frame)
    return answer(self, frame) if len(asked) < 5 else time.sleep(600)
at.Classifier.__call__ = hangs
"""


@pytest.mark.subprocess
def test_a_classifier_that_hangs_falls_silent_though_the_camera_goes_on(listening: Systemd) -> None:
    with http_camera() as address, started(listening, f"{address}/stream.mjpg", "--heartbeat", "0.1", code=HANGS):
        listening.until("READY=1")
        assert listening.falls_silent(WATCHDOG_S)


@pytest.mark.subprocess
def test_sighup_is_a_reload_that_the_same_process_ends_with_ready(listening: Systemd, tmp_path: Path) -> None:
    config = tmp_path / "shop.toml"
    config.write_text("[classify]\ntop-k = 1\n")
    named = {"FMNIST_EDGE_CONFIG": str(config)}
    with http_camera() as address, started(listening, f"{address}/stream.mjpg", environment=named) as process:
        listening.until("READY=1")
        process.send_signal(signal.SIGHUP)
        lines = dict(line.split("=", 1) for line in listening.until("RELOADING=1").splitlines())
        assert 0 <= time.monotonic() - int(lines["MONOTONIC_USEC"]) / 1e6 < 30
        listening.until("READY=1")
        assert process.poll() is None
        assert not any("STOPPING=1" in said for said in listening.said)


@pytest.mark.subprocess
def test_pictures_are_ready_too(listening: Systemd) -> None:
    """A service that only classifies a folder once ends well, and is not called a failure that never was ready."""
    with started(listening, "samples:") as process:
        listening.until("READY=1")
        listening.until("STOPPING=1")
        assert process.wait(30) == 0


def test_only_a_socket_is_spoken_to_and_only_our_own_watchdog_fed() -> None:
    of = Supervision.of_environment
    assert [of({"NOTIFY_SOCKET": one}) for one in ("", "@", "vsock:2:9")] == [None] * 3
    assert of({}) is None
    assert of({"NOTIFY_SOCKET": "/run/x"}) == Supervision("/run/x", None)
    watched = {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "120000000"}
    assert of(watched) == of({**watched, "WATCHDOG_PID": str(os.getpid())}) == Supervision("@x", 120.0)
    assert of({**watched, "WATCHDOG_PID": "1"}) == of({**watched, "WATCHDOG_USEC": "soon"}) == Supervision("@x", None)
    assert Supervision("@x", 120.0).heartbeat_s(600.0) == 60.0
    assert Supervision("@x", 120.0).heartbeat_s(5.0) == 5.0
    assert Supervision("@x", None).heartbeat_s(600.0) == 600.0


def test_a_camera_that_works_and_is_not_answered_is_no_sign_of_life(listening: Systemd) -> None:
    """A heartbeat alone would be a timer."""
    publisher = Publisher("model")
    publisher.subscribe(Notifier(Supervision(listening.address, 60.0)))
    beat = Heartbeat(60.0, 0, 0, 0.0, None, None, None, None, {})
    publisher.publish(beat)
    assert listening.next(1) == "STATUS=0.0 answers a second, 0 answered so far"
    publisher.publish(CameraLost(Loss.STALLED, "no frame\nREADY=0", ""), "/dev/video0")
    assert listening.next(1) == "STATUS=camera lost: /dev/video0: no frame\\nREADY=0\nREADY=1\nWATCHDOG=1"


def test_ready_is_told_again_if_nobody_took_it(tmp_path: Path) -> None:
    publisher = Publisher("model")
    publisher.subscribe(Notifier(Supervision(str(tmp_path / "notify"), 60.0)))
    lost = CameraLost(Loss.STALLED, "no frame", "")
    publisher.publish(lost, "/dev/video0")
    systemd = Systemd(str(tmp_path / "notify"))
    publisher.publish(lost, "/dev/video0")
    publisher.publish(Stopped("SIGTERM", 0))
    assert "READY=1" in systemd.next(1)
    assert "STOPPING=1" in systemd.next(1)
    systemd.close()
