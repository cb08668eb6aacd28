"""Pictures answered some at a time, by processes of their own: the same lines in the same order, and the same ends."""

from __future__ import annotations

import inspect
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from edge import errors
from edge.errors import SourceError
from tests.conftest import ROOT, Run
from tests.edge.tables import SAMPLES

pytestmark = pytest.mark.subprocess
PICTURES = 45


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Samples and, in between, files that are no pictures, one of them the first and one the last."""
    folder = tmp_path_factory.mktemp("pictures")
    samples = sorted(SAMPLES.values())
    for number in range(PICTURES):
        path = folder / f"{number:03}.png"
        if number in {0, 17, 18, PICTURES - 1}:
            path.write_bytes(b"no picture" if number % 2 else b"")  # of torn ones libpng speaks, too
        else:
            shutil.copy(samples[number % len(samples)], path)
    return folder


def without_times(text: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in text.splitlines()]
    return [{key: value for key, value in one.items() if key not in {"latency_ms", "time"}} for one in found]


@pytest.mark.parametrize("threads", [2, 3, 64, 0])
def test_answers_and_errors_are_those_of_one(fmnist_edge: Run, folder: Path, threads: int) -> None:
    one = fmnist_edge("classify", folder, "-f", "json")
    many = fmnist_edge("classify", folder, "-f", "json", "--threads", threads)
    assert (one.returncode, many.returncode) == (1, 1)
    assert without_times(many.stdout) == without_times(one.stdout)
    assert len(without_times(one.stdout)) == PICTURES - 4
    assert many.stderr == one.stderr
    assert "4 of 45 inputs" in one.stderr


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_is_said_in_its_place(folder: Path, threads: int) -> None:
    """Where both streams are one, as on a terminal."""
    command = [sys.executable, "-m", "edge.cli", "classify", str(folder), "-f", "csv", "--threads", str(threads)]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, cwd=ROOT, timeout=60
    )
    lines = done.stdout.splitlines()[1:-1]  # without the columns' names and the sum
    named = [line.partition(".png")[0][-3:] for line in lines if not line.startswith("hint: ")]
    assert named == [f"{number:03}" for number in range(PICTURES)]
    assert sum(line.startswith("error: ") for line in lines) == 4


@pytest.mark.parametrize("form", ["table", "csv"])
def test_every_form_has_its_headings_once(fmnist_edge: Run, folder: Path, form: str) -> None:
    one, many = (fmnist_edge("classify", folder, "-f", form, "--threads", threads) for threads in (1, 3))
    columns = [line.split()[:3] if form == "table" else line.split(",")[:5] for line in many.stdout.splitlines()]
    assert len(columns) == PICTURES - 4 + 1
    assert columns == [line.split()[:3] if form == "table" else line.split(",")[:5] for line in one.stdout.splitlines()]


@pytest.mark.parametrize("threads", [1, 3])
def test_a_limit_counts_answers(fmnist_edge: Run, folder: Path, threads: int) -> None:
    done = fmnist_edge("classify", folder, "-f", "json", "--limit", 16, "--threads", threads)
    assert len(done.stdout.splitlines()) == 16
    assert sum(line.startswith("error:") for line in done.stderr.splitlines()) == 2  # 017 comes behind the limit
    assert "1 of 45 inputs" in done.stderr


def test_what_needs_the_frames_is_done_by_one(fmnist_edge: Run, folder: Path, tmp_path: Path) -> None:
    done = fmnist_edge("classify", folder, "-f", "json", "--threads", 3, "--save-view", tmp_path / "views")
    assert len(done.stdout.splitlines()) == len(list((tmp_path / "views").iterdir())) == PICTURES - 4


@contextmanager
def running(tmp_path: Path, *options: str, pictures: int = 4000) -> Iterator[subprocess.Popen[str]]:
    """`classify --threads 2` over many pictures, once it has given its first answer."""
    many = tmp_path / "many"
    many.mkdir()
    first = shutil.copy(SAMPLES["coat"], many / "00000.png")  # links of its own: a file may have 65,000
    for number in range(1, pictures):
        (many / f"{number:05}.png").hardlink_to(first)
    command = [sys.executable, "-m", "edge.cli", "classify", str(many), "-f", "json", "--threads", "2", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield process
        finally:
            process.kill()


def group_is_gone(group: int) -> bool:
    """Whether no process of a group is left, which it may take a moment."""
    for _ in range(300):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def test_ctrl_c_ends_all_quietly(tmp_path: Path) -> None:
    with running(tmp_path) as process:
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        _, said = process.communicate(timeout=60)
        assert (process.returncode, said) == (130, "")
        assert group_is_gone(process.pid)


def test_a_worker_leaves_ctrl_c_to_the_command(tmp_path: Path) -> None:
    with running(tmp_path, pictures=1500) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert len(children) == 2
        for child in children:
            os.kill(int(child), signal.SIGINT)
        assert process.stdout is not None
        assert process.stderr is not None
        assert len(process.stdout.read().splitlines()) == 1499  # one was read before
        assert (process.wait(timeout=60), process.stderr.read()) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_to_the_command_alone_ends_its_children(tmp_path: Path, number: int) -> None:
    with running(tmp_path) as process:
        process.send_signal(number)
        process.communicate(timeout=60)
        assert process.returncode == -number
        assert group_is_gone(process.pid)


def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    with running(tmp_path) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(timeout=60) == 0
        assert process.stderr.read() == ""
        assert group_is_gone(process.pid)


FAULT = """
import os, signal, sys
from edge.cli import entry
from edge.errors import BackendUnavailable
from edge.inference import interpreters
parent, run = os.getpid(), interpreters.TFLiteInterpreter.run
what = sys.argv.pop()
def faulty(self, batch):
    if os.getpid() != parent:
        {what}
    return run(self, batch)
interpreters.TFLiteInterpreter.run = faulty
entry.main()
"""


def with_fault(what: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The command, in which this happens to each worker when it runs the network."""
    program = FAULT.replace("{what}", what).replace("what = sys.argv.pop()\n", "")
    return subprocess.run(
        [sys.executable, "-c", program, "classify", str(folder), "--threads", "2"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.fixture
def two(tmp_path: Path) -> Path:
    for name in ("coat", "bag"):
        shutil.copy(SAMPLES[name], tmp_path)
    return tmp_path


def test_a_crash_is_the_commands_own(two: Path) -> None:
    assert with_fault("os.kill(os.getpid(), signal.SIGSEGV)", two).returncode == -signal.SIGSEGV


def test_a_worker_that_is_killed_is_an_error(two: Path) -> None:
    done = with_fault("os.kill(os.getpid(), signal.SIGKILL)", two)
    assert done.returncode == 5
    assert "is gone (SIGKILL)\nhint: " in done.stderr


def test_an_error_of_the_backend_ends_the_run(two: Path) -> None:
    done = with_fault("raise BackendUnavailable('it is broken', 'mend it')", two)
    assert (done.returncode, done.stdout, done.stderr) == (5, "", "error: it is broken\nhint: mend it\n")


def test_a_bug_shows_its_traceback(two: Path) -> None:
    done = with_fault("raise LookupError('a bug of ours')", two)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "LookupError: a bug of ours" in done.stderr


SOURCE_ERRORS = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, SourceError)]


@pytest.mark.parametrize("kind", SOURCE_ERRORS)
def test_an_error_arrives_as_it_was(kind: type[SourceError]) -> None:
    error = pickle.loads(pickle.dumps(kind("a picture is torn", "mend it")))
    assert (type(error), error.message, error.hint, error.exit_code) == (
        kind,
        "a picture is torn",
        "mend it",
        kind.exit_code,
    )
