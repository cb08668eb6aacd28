"""The command posts to a webhook: killed and started again, beside a live camera, with secrets and certificates."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from edge.events.listeners.webhook import signature
from tests.conftest import ROOT, Run
from tests.edge.events.hook_server import Hook, hangs, receiving, status
from tests.edge.sources.certificates import make_certificates
from tests.edge.sources.http_camera import FRAMES
from tests.edge.sources.scripted_camera import Send, answer, parts, scripted_camera
from tests.ports import free_port
from tests.processes import wait_for_line

pytestmark = pytest.mark.subprocess


@contextmanager
def classifying(*arguments: object, env: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """The command while it runs; it is killed if a test leaves it running."""
    with subprocess.Popen(
        [sys.executable, "-m", "edge.cli", "classify", "-f", "json", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, **(env or {})},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def drain(process: subprocess.Popen[str]) -> None:
    """Read stdout away."""
    assert process.stdout is not None
    threading.Thread(target=process.stdout.read, daemon=True).start()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def queued(folder: Path) -> list[dict[str, Any]]:
    return [one for path in sorted(folder.glob("*.json")) for one in json.loads(path.read_bytes())]


def stamp(one: dict[str, Any]) -> tuple[str, float]:
    return one["event"], one["monotonic_s"]


def test_what_a_killed_run_had_queued_is_delivered_by_the_next_once_and_in_order(tmp_path: Path) -> None:
    hook = Hook(free_port())
    options = ("fake:", "--webhook", hook.url, "--webhook-queue", tmp_path, "--heartbeat", "0.1")
    with classifying(*options) as process:
        drain(process)
        until(lambda: len(queued(tmp_path)) >= 12)
        process.send_signal(signal.SIGKILL)
        process.wait()
    left = queued(tmp_path)
    assert {one["event"] for one in left} == {"prediction", "heartbeat"}
    with receiving(hook), classifying(*options) as process:
        hook.script = [status(503)]
        drain(process)
        until(lambda: len(hook.events) >= len(left) + 3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
    arrived = hook.events
    assert arrived[: len(left)] == left
    assert len({delivery.headers["webhook-id"] for delivery in hook.accepted}) == len(hook.accepted)
    of_second = [stamp(one) for one in arrived[len(left) :]]
    assert len(set(of_second)) == len(of_second)
    assert [moment for _, moment in of_second] == sorted(moment for _, moment in of_second)
    assert (arrived[-1]["event"], arrived[-1]["reason"]) == ("stopped", "SIGTERM")
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_a_hook_that_hangs_costs_a_live_camera_no_frame(tmp_path: Path) -> None:
    """The camera sends each frame when the one before has been answered: none may wait for the hook."""
    answered = threading.Semaphore()
    frames = 60

    def send(sending: Send) -> None:
        sending(answer("multipart/x-mixed-replace; boundary=frame"))
        for number in count():
            if not answered.acquire(timeout=60) or number == frames:
                return
            sending(parts(FRAMES[number % len(FRAMES)]))

    hook = Hook(0)
    hook.script = [hangs] * 1000
    with receiving(hook), scripted_camera(send) as (address, _):
        options = ("--webhook", hook.url, "--webhook-queue", tmp_path, "--heartbeat", "0.2", "--limit", frames)
        with classifying(address, *options) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            lines = []
            for line in process.stdout:
                lines.append(json.loads(line))
                if lines[-1]["event"] == "prediction":
                    answered.release()
                    if len(lines) == 5:
                        until(lambda: bool(hook.all))
            assert process.wait(timeout=60) == 0
            said = process.stderr.read()
    assert [one["frame"] for one in lines if one["event"] == "prediction"] == list(range(frames))
    assert not [one for one in lines if one["event"] == "camera_lost"]
    assert hook.all
    assert not hook.accepted
    assert "wait in" in said
    assert "for the next start" in said


def test_a_hook_that_is_not_there_is_said_while_the_run_goes_on(tmp_path: Path) -> None:
    hook = Hook(free_port())
    with classifying("fake:", "--webhook", hook.url, "--webhook-queue", tmp_path, "--heartbeat", "0.2") as process:
        drain(process)
        said = wait_for_line(process, "does not answer")
        assert said.endswith(f"warning: webhook: http://127.0.0.1:{hook.port} does not answer: Connection refused\n")
        with receiving(hook):
            wait_for_line(process, "warning: webhook: it works again")


def test_what_a_small_queue_drops_is_in_the_heartbeats_and_said_at_the_end(tmp_path: Path) -> None:
    hook = Hook(free_port())
    options = ("--webhook", hook.url, "--webhook-queue", tmp_path, "--webhook-queue-max", "12KB", "--heartbeat", "0.1")
    camera = answer("multipart/x-mixed-replace; boundary=frame") + parts(*FRAMES)
    beats = []
    with scripted_camera(camera) as (address, _), classifying(address, *options) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            one = json.loads(line)
            if one["event"] == "heartbeat":
                beats.append(one["listeners"]["webhook"])
                if beats[-1]["dropped"] >= 5:
                    process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
        said = process.stderr.read()
    assert [one["dropped"] for one in beats] == sorted(one["dropped"] for one in beats)
    assert "does not answer" in beats[-1]["problem"]
    assert beats[-1]["delivered"] == 0
    assert 1 <= beats[-1]["waiting"] <= 10
    lost = int(said.split("warning: webhook: ")[-1].split()[0])
    assert lost >= beats[-1]["dropped"]
    assert said.endswith(" events were not delivered\n")


def test_two_runs_with_one_queue_are_refused(fmnist_edge: Run, tmp_path: Path) -> None:
    hook = Hook(free_port())
    options = ("--webhook", hook.url, "--webhook-queue", tmp_path)
    with classifying("fake:", *options) as process:
        assert process.stdout is not None
        process.stdout.readline()
        done = fmnist_edge("classify", "fake:", *options)
    assert (done.returncode, done.stdout) == (6, "")
    assert done.stderr == (
        f"error: another process has its queue in {tmp_path}\nhint: another folder: --webhook-queue DIR\n"
    )


def test_the_queue_lies_where_the_service_or_the_user_keeps_its_state(fmnist_edge: Run, tmp_path: Path) -> None:
    url = Hook(free_port()).url
    for env, folder in (
        ({"STATE_DIRECTORY": f"{tmp_path}/service:/other"}, "service/webhook"),
        ({"XDG_STATE_HOME": f"{tmp_path}/user"}, "user/fmnist-edge/webhook"),
        ({"XDG_STATE_HOME": "relative", "HOME": f"{tmp_path}/home"}, "home/.local/state/fmnist-edge/webhook"),
    ):
        done = fmnist_edge("classify", "fake:1", "-f", "csv", "--webhook", url, env=env)
        assert done.returncode == 0
        assert len(queued(tmp_path / folder)) == 2


def test_the_secret_is_in_a_file_that_nobody_else_reads_or_in_the_environment(fmnist_edge: Run, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("open sesame\n")
    secret.chmod(0o644)
    with receiving(Hook(0)) as hook:
        options = ("classify", "fake:1", "--webhook", hook.url, "--webhook-queue", tmp_path / "queue")
        done = fmnist_edge(*options, "--webhook-secret-file", secret)
        assert (done.returncode, done.stdout) == (2, "")
        assert "chmod 600" in done.stderr
        assert "sesame" not in done.stderr
        secret.chmod(0o600)
        assert fmnist_edge(*options, "--webhook-secret-file", secret).returncode == 0
        assert fmnist_edge(*options, env={"FMNIST_EDGE_WEBHOOK_SECRET": "open sesame"}).returncode == 0
        for delivery in hook.all:
            identity, moment = delivery.headers["webhook-id"], int(delivery.headers["webhook-timestamp"])
            expected = signature(b"open sesame", identity, moment, delivery.body)
            assert delivery.headers["webhook-signature"] == expected
        assert len(hook.all) >= 2


def test_options_without_an_address_are_an_error(fmnist_edge: Run, tmp_path: Path) -> None:
    done = fmnist_edge("classify", "fake:1", "--webhook-queue", tmp_path)
    assert done.returncode == 2
    assert done.stderr.endswith("hint: --webhook URL\n")


def test_certificates_are_checked_by_the_systems_store(fmnist_edge: Run, tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    with receiving(Hook(0), certificates.server("good")) as hook:
        url = hook.url.replace("http:", "https:")
        options = ("classify", "fake:1", "--webhook", url, "--webhook-queue", tmp_path / "queue")
        done = fmnist_edge(*options)
        assert done.returncode == 0
        assert not hook.all
        assert "2 events wait in" in done.stderr
        done = fmnist_edge(*options, env={"SSL_CERT_FILE": str(certificates.authority)})
        assert done.stderr == ""
        assert [one["event"] for one in hook.events] == ["prediction", "stopped"] * 2
