"""Two nodes of Ray, one process of which is killed in the middle: nothing is lost, nothing is double."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT, Run
from tests.edge.batch.batches import lasting, rows, sources, write_pictures
from tests.edge.batch.test_process import begun, journal
from tests.edge.tables import SAMPLES

pytestmark = [pytest.mark.slow, pytest.mark.subprocess]
PICTURES = 2500


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of the cluster."""
    program = [sys.executable, "-m", "tests.edge.batch.ray_cluster"]
    with subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield next(line.strip() for line in process.stdout if line.startswith("127."))
        finally:
            process.stdin.close()
            assert process.wait(60) == 0
            assert of_group(process.pid, "") == []


def of_group(session: int, word: str) -> list[int]:
    """Processes of a session whose command line has a word in it."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            stat = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(stat[3]) == session and stat[0] != "Z" and word in (entry / "cmdline").read_text():
                found.append(int(entry.name))
        except (OSError, ValueError):
            continue
    return found


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    samples = sorted(SAMPLES.values())
    for number in range(PICTURES):
        (folder / f"{number:05}.png").write_bytes(samples[number % 10].read_bytes() if number % 500 else b"torn")
    return folder


def actors() -> list[int]:
    """The processes of Ray that answer parts."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and b"PartActor" in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_an_actor_that_is_killed_loses_nothing(fmnist_edge: Run, cluster: str, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with begun(pictures, out, "--engine", "ray", "--address", cluster) as process:
        killed = actors()
        for one in killed:  # both, so that one at least is started again
            os.kill(one, signal.SIGKILL)
        assert len(killed) in {1, 2}
        before = len(journal(out))
        printed, said = process.communicate(timeout=100)
    assert (process.returncode, printed) == (1, f"{out}: {PICTURES - 5} answers\n"), said
    assert "in the object store" not in said
    assert before < len(journal(out))
    assert sources(out) == [f"{pictures}/{one:05}.png" for one in range(PICTURES) if one % 500]
    assert sources(out, "failures") == [f"{pictures}/{one:05}.png" for one in range(0, PICTURES, 500)]
    fmnist_edge("batch", pictures, "-o", tmp_path / "local", "-m", "tiny")
    assert lasting(rows(out)) == lasting(rows(tmp_path / "local"))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_is_stopped_goes_on_with_either_engine(
    fmnist_edge: Run, cluster: str, pictures: Path, tmp_path: Path, number: int
) -> None:
    out = tmp_path / "out"
    with begun(pictures, out, "--engine", "ray", "--address", cluster) as process:
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
        assert process.returncode == (-number if number == signal.SIGKILL else 128 + number)
        assert said == ""
    done = journal(out)
    time.sleep(0.5)
    again = fmnist_edge("batch", pictures, "-o", out, "-m", "tiny")
    assert again.stdout == f"{out}: {PICTURES - 5} answers\n"
    assert journal(out)[: len(done)] == done
    assert sources(out) == [f"{pictures}/{one:05}.png" for one in range(PICTURES) if one % 500]


def test_a_cluster_of_its_own_leaves_no_token_in_the_home_folder(fmnist_edge: Run, tmp_path: Path) -> None:
    """After Ray's own every cluster that is started on this machine would ask for it."""
    write_pictures(tmp_path / "few", 20)
    home = tmp_path / "home"
    home.mkdir()
    arguments = ("batch", tmp_path / "few", "-o", tmp_path / "out", "-m", "tiny", "--workers", 1, "--engine", "ray")
    done = fmnist_edge(*arguments, env={"HOME": str(home)})
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{tmp_path / 'out'}: 20 answers\n", "")
    assert not (home / ".ray").exists()


def test_a_cluster_that_is_not_there_is_said(fmnist_edge: Run, pictures: Path, tmp_path: Path) -> None:
    done = fmnist_edge("batch", pictures, "-o", tmp_path / "out", "--engine", "ray", "--address", "127.0.0.1:9")
    assert (done.returncode, done.stdout) == (5, "")
    assert "error: no Ray cluster at 127.0.0.1:9" in done.stderr
    assert "hint: ray start --head" in done.stderr
