"""The command as a process: full disks, closed pipes, Ctrl-C, and what it loads."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.inference.classifier import Classifier, open_classifier
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import Model
from edge.opencv import cv2
from tests.conftest import ROOT, Run
from tests.edge.cli.test_app import SAMPLE, check_failure

pytestmark = pytest.mark.subprocess


def test_a_full_disk_ends_with_a_message() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "edge.cli", "classify", "samples:"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            cwd=ROOT,
        )
    assert done.returncode == 6
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@contextmanager
def start(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The command while it runs; it is killed if a test leaves it running."""
    with subprocess.Popen(
        [sys.executable, "-m", "edge.cli", "classify", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_closed_pipe_ends_quietly() -> None:
    with start("fake:", "-f", "json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=30) == 0
        assert process.stderr.read() == ""


def test_ctrl_c_ends_with_130_and_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with start("fake:", "-f", "json", "-o", str(path)) as process:
        deadline = time.monotonic() + 30
        partial = tmp_path / "out.jsonl.partial"
        while not (partial.exists() and partial.stat().st_size):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
    assert all(json.loads(line)["v"] == 1 for line in path.read_text().splitlines())


def test_ctrl_c_without_options_too() -> None:
    with start("fake:") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait(timeout=30) == 130
        assert process.stderr.read() == ""


def test_show_without_windows_says_what_to_install(fmnist_edge: Run) -> None:
    if "headless" not in cv2.__file__ and "NONE" not in cv2.getBuildInformation().split("GUI:")[1][:40]:
        pytest.fail("this suite runs with opencv-python-headless")
    check_failure(fmnist_edge("classify", SAMPLE, "--show"), 5, "opencv-python")


LOADED = (
    "import sys, edge.cli.app as c\ntry: c.app({arguments})\nfinally: print([m for m in {modules} if m in sys.modules])"
)


@pytest.mark.parametrize(
    ("arguments", "modules"),
    [
        (["--help"], ["numpy", "cv2", "tensorflow"]),
        (["classify", "--help"], ["numpy", "cv2"]),
        (
            ["classify", SAMPLE],
            [
                "tensorflow",
                "keras",
                "rich",
                "matplotlib",
                "edge.testing",
                "edge.datasets.dataset",
                "edge.stream.review_folder",
                "edge.isolation.roi",
                "edge.sources.cameras.camera",
                "edge.sources.orientation",
                "picamera2",
                "paho",
                "edge.events.listeners.mqtt",
                "edge.inference.edgetpu",
                "edge.events",
                "prometheus_client",
                "starlette",
                "uvicorn",
                "edge.serve",
                "gpiozero",
                "http.server",
                "http.client",
            ],
        ),
    ],
)
def test_nothing_loads_that_is_not_needed(arguments: list[str], modules: list[str]) -> None:
    program = LOADED.format(arguments=arguments, modules=modules)
    environment = {**os.environ, "TERM": "dumb"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT, env=environment
    )
    assert done.returncode == 0, done.stderr
    needed_for_help = {"rich"} if "--help" in arguments else set()
    loaded = set(json.loads(done.stdout.splitlines()[-1].replace("'", '"'))) - needed_for_help
    assert loaded == set()


def test_the_classifier_is_a_library_too(model: Model, classifier: Classifier) -> None:
    """What docs/classify.md shows: three lines of Python."""
    again = open_classifier(model, open_interpreter(model))
    assert again.labels == classifier.labels
