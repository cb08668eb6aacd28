"""The command as its user meets it: stopped, killed, started again. Every picture is answered, and none twice."""

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

from tests.conftest import ROOT, Run
from tests.edge.batch.batches import lasting, rows, sources, write_pictures
from tests.edge.events.full_disk import files_up_to
from tests.edge.tables import SAMPLES

pytestmark = pytest.mark.subprocess
MANY = 2500


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("few")
    write_pictures(folder, 45)
    (folder / "torn.jpg").write_bytes(b"\xff\xd8\xff and no more")
    return folder


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some thousand names of one picture."""
    folder = tmp_path_factory.mktemp("many")
    (folder / "00000.png").write_bytes(SAMPLES["coat"].read_bytes())
    for number in range(1, MANY):
        (folder / f"{number:05}.png").hardlink_to(folder / "00000.png")
    return folder


def journal(out: Path) -> list[str]:
    path = out / "journal.jsonl"
    return path.read_text().splitlines() if path.exists() else []


@contextmanager
def begun(source: Path, out: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`batch` over many pictures, once some parts are done."""
    command = [sys.executable, "-m", "edge.cli", "batch", str(source), "-o", str(out), "-m", "tiny", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True
    ) as process:
        try:
            while len(journal(out)) < 3:
                assert process.poll() is None, process.communicate()
                time.sleep(0.01)
            yield process
        finally:
            process.kill()


def children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_answers_are_those_of_classify(fmnist_edge: Run, few: Path, tmp_path: Path) -> None:
    """In both formats, by any number of processes; failures are a table, an exit code and a sum."""
    classified = fmnist_edge("classify", few, "-f", "json")
    expected = lasting([json.loads(line) for line in classified.stdout.splitlines()])
    for form, workers in (("parquet", 1), ("jsonl", 3)):
        done = fmnist_edge("batch", few, "-o", tmp_path / form, "-f", form, "--workers", workers)
        assert done.returncode == 1
        assert done.stdout == f"{tmp_path / form}: 45 answers\n"
        assert "1 of 46 pictures could not be answered\nhint: " in done.stderr
        assert lasting(rows(tmp_path / form)) == sorted(expected, key=lambda row: str(row["source"]))
        (failure,) = rows(tmp_path / form, "failures")
        assert failure["message"] in classified.stderr
    (line,) = (one for one in (tmp_path / "jsonl/answers/part-000000.jsonl").read_text().splitlines() if "0000" in one)
    assert set(json.loads(line)) == set(json.loads(classified.stdout.splitlines()[0]))


def test_a_finished_one_says_so_and_changes_nothing(fmnist_edge: Run, few: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = fmnist_edge("batch", few, "-o", out, "--workers", 1)
    before = {path: path.stat().st_mtime_ns for path in (out / "answers").iterdir()}
    again = fmnist_edge("batch", few, "-o", out, "--workers", 1)
    assert again.stdout == f"{out}: 45 answers (finished before)\n"
    assert (again.returncode, again.stderr) == (first.returncode, first.stderr)
    assert {path: path.stat().st_mtime_ns for path in (out / "answers").iterdir()} == before


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_stopped_goes_on(fmnist_edge: Run, many: Path, tmp_path: Path, number: int) -> None:
    """With what was listed, whatever the folder holds by then; what was done is not done again."""
    out = tmp_path / "out"
    with begun(many, out, "--workers", "2") as process:
        workers = children(process.pid)
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # as a terminal does
        else:
            process.send_signal(number)
        _, said = process.communicate(timeout=60)
        assert process.returncode == (130 if number == signal.SIGINT else -number)
        assert said == ""
    for _ in range(100):
        if not any(Path(f"/proc/{one}/cmdline").exists() for one in workers):
            break
        time.sleep(0.1)
    assert not any(Path(f"/proc/{one}/cmdline").exists() for one in workers)
    done = journal(out)
    assert 3 <= len(done) < 30
    kept = {path: path.stat().st_mtime_ns for path in (out / "answers").glob("part-*")}
    with (out / "journal.jsonl").open("a") as file:
        file.write('{"part": 1, "answ')  # as a power cut tears it
    late = many / "late.png"
    late.hardlink_to(many / "00000.png")
    try:
        again = fmnist_edge("batch", many, "-o", out, "-m", "tiny")
    finally:
        late.unlink()
    assert (again.returncode, again.stdout) == (0, f"{out}: {MANY} answers\n")
    assert journal(out)[: len(done)] == done
    parts = {f"part-{json.loads(line)['part']:06}.parquet" for line in done}
    assert all(path.stat().st_mtime_ns == when for path, when in kept.items() if path.name in parts)
    assert sources(out) == [f"{many}/{one:05}.png" for one in range(MANY)]
    assert not list((out / "answers").glob(".*"))


def test_a_worker_that_is_killed_loses_nothing(many: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with begun(many, out, "--workers", "2") as process:
        os.kill(children(process.pid)[0], signal.SIGKILL)
        printed, said = process.communicate(timeout=100)
        assert (process.returncode, printed) == (0, f"{out}: {MANY} answers\n")
        assert said == (
            "warning: a process that answers pictures was lost (SIGKILL); its pictures are answered again\n"
        )
    assert sources(out) == [f"{many}/{one:05}.png" for one in range(MANY)]


FAULT = """
import os, signal
try:
    from edge.sources import grammar
except ImportError:
    pass
else:
    read_picture = grammar.read_picture
    def deadly(source):
        if "0013" in source.where:
            os.kill(os.getpid(), signal.SIGSEGV)
        return read_picture(source)
    grammar.read_picture = deadly
"""


def test_a_picture_that_kills_whoever_reads_it_is_a_failure(fmnist_edge: Run, few: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(FAULT)
    out = tmp_path / "out"
    done = fmnist_edge("batch", few, "-o", out, env={"PYTHONPATH": f"{tmp_path}:{ROOT}"})
    assert done.returncode == 1
    assert len(sources(out)) == 44
    assert [Path(one).name for one in sources(out, "failures")] == ["0013.png", "torn.jpg"]
    assert done.stderr.count("was lost (SIGSEGV)") == 3  # the first was not watched


def test_two_runs_at_once_are_refused(fmnist_edge: Run, many: Path, tmp_path: Path) -> None:
    with begun(many, tmp_path / "out", "--workers", "1") as process:
        process.send_signal(signal.SIGSTOP)  # or it may be finished before the other one has begun
        other = fmnist_edge("batch", many, "-o", tmp_path / "out", "-m", "tiny")
    assert (other.returncode, other.stdout) == (2, "")
    assert "another run writes to" in other.stderr


def test_a_full_disk_ends_the_run_and_room_lets_it_go_on(fmnist_edge: Run, few: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with files_up_to(4000):  # the plan fits
        full = fmnist_edge("batch", few, "-o", out, "-f", "jsonl", "--workers", 1)
    assert full.returncode == 6
    assert "cannot write to" in full.stderr
    assert "run the same command again" in full.stderr
    assert fmnist_edge("batch", few, "-o", out, "-f", "jsonl", "--workers", 1).returncode == 1
    assert len(sources(out)) == 45


def test_what_cannot_be_done_is_said(fmnist_edge: Run, few: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    fmnist_edge("batch", few, "-o", out, "-m", "tiny", "--workers", 1)
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("")
    spoilt = tmp_path / "spoilt"
    spoilt.mkdir()
    (spoilt / "batch.json").write_text('{"v": 1}')
    for options, code, words in (
        (("-o", out, "-m", "mlp"), 2, "begun with another model"),
        (("-o", out, "-m", "tiny", "--top-k", 5), 2, "begun with another top k: 3, and now it is 5"),
        (("-o", out, "-m", "tiny", "-f", "jsonl"), 2, "begun with another format"),
        (("-o", few / "deep" / "out"), 2, "lies in"),
        (("-o", tmp_path / "file" / "out"), 6, "cannot write"),
        (("-o", tmp_path / "full"), 2, "holds other files"),
        (("-o", spoilt), 6, "cannot be read"),
        (("-o", tmp_path / "new", "--address", "127.0.0.1:1"), 2, "--address without --engine ray"),
        (("-o", tmp_path / "new", "-m", tmp_path / "none.tflite"), 4, "none.tflite"),
        (("-o", tmp_path / "new", "--s3-endpoint", "x", "--column", "url"), 3, "no Parquet files"),
    ):
        done = fmnist_edge("batch", few, *options)
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert words in done.stderr
        assert "hint: " in done.stderr
    assert not (tmp_path / "new").exists()
    other = tmp_path / "other.txt"
    other.write_text("a.png")
    assert "another source" in fmnist_edge("batch", other, "-o", out, "-m", "tiny").stderr


REFUSE = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"pyarrow", "ray"}:
            raise ImportError(f"{name} is refused here")
sys.meta_path.insert(0, Refuse())
"""


def test_without_the_extra_json_lines_of_a_folder_work(fmnist_edge: Run, few: Path, tmp_path: Path) -> None:
    """What needs pyarrow or Ray says so, with what to install."""
    (tmp_path / "sitecustomize.py").write_text(REFUSE)
    env = {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    done = fmnist_edge("batch", few, "-o", tmp_path / "out", "-f", "jsonl", "--workers", 1, env=env)
    assert (done.returncode, len(sources(tmp_path / "out"))) == (1, 45)
    for options in (
        (few,),
        ("s3://shop/", "-f", "jsonl"),
        (tmp_path / "x.parquet", "-f", "jsonl"),
        (few, "-f", "jsonl", "--engine", "ray"),
    ):
        (tmp_path / "x.parquet").touch()
        done = fmnist_edge("batch", *options, "-o", tmp_path / "new", env=env)
        assert done.returncode == 8, done.stderr
        assert "hint: pip install 'fmnist-edge[batch]'" in done.stderr
