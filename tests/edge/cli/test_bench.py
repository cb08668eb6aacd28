"""`fmnist-edge bench` as its user meets it. Nothing here depends on how long anything takes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.choices import Backend
from edge.inference.model_file import read_model
from tests.conftest import ROOT, Run
from tests.edge.bench.test_report import validator
from tests.edge.cli.test_app import check_failure
from tests.edge.inference.edgetpu_library import write_compiled, write_model
from tests.processes import wait_for_line

pytestmark = pytest.mark.subprocess

QUICK = ("bench", "--frames", 5, "--threads", 1, "--model", "tiny")
SECRET = "geheimnis"


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A quick result of this machine, of the runtimes that are here."""
    path = tmp_path_factory.mktemp("bench") / "result.json"
    command = [sys.executable, "-m", "edge.cli", *map(str, QUICK), "--output", str(path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert "tiny (" in done.stdout
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_it_measures_every_stage_the_start_and_the_answers(document: dict[str, Any], backend: str) -> None:
    (one,) = [one for one in document["measured"] if one["backend"] == backend]
    assert [(speed["pictures"], speed["threads"]) for speed in one["speeds"]] == [("photo", 1), ("picture", 1)]
    for speed in one["speeds"]:
        stages = speed["stages_ms"]
        assert set(stages) == {"read", "preprocess", "invoke", "total"}
        assert all(0 < stage["p50"] <= stage["p95"] <= stage["p99"] for stage in stages.values())
        assert stages["total"]["p99"] >= max(stage["p50"] for stage in stages.values())
        assert (speed["frames"], speed["rounds"]) == (5, 5)
    assert one["correctness"]["verdict"] == "as on x86"
    for start in one["starts"].values():
        assert start["runs"] == 3
        assert start["ms"]["median"] > 0
        assert 20 < start["peak_mb"] < 500
    photo, picture = (start["peak_mb"] for start in one["starts"].values())
    assert photo > picture, "a photo takes more memory: what else was measured?"
    (folder,) = one["folders"]
    assert (folder["threads"], folder["photos"], folder["runs"]) == (1, 10, 2)
    assert folder["photos_per_s"]["median"] > 0
    assert document["models"][0]["sha256"] == read_model("tiny").sha256


def test_its_json_is_as_the_schema_has_it(document: dict[str, Any]) -> None:
    assert list(validator().iter_errors(document)) == []


def test_nothing_says_whose_machine_it_is(tmp_path: Path) -> None:
    """Planted: the names of host, user, home, folders and a library, everywhere a program may take them from."""
    folder = tmp_path / SECRET
    folder.mkdir()
    tiny = read_model("tiny")
    mine = write_model(folder / "mine.tflite", tiny.flatbuffer, tiny, name=str(folder / "tiny"))
    script = 'hostname "$1" && shift && exec "$@"'
    as_host = ["unshare", "--uts", "sh", "-c", script, "sh", SECRET]
    if subprocess.run([*as_host, "true"], capture_output=True, check=False).returncode:
        as_host = []  # only root may name a host
    command = [sys.executable, "-m", "edge.cli", *map(str, QUICK[:-2]), "--model", str(mine), "--format", "markdown"]
    names = dict.fromkeys(("HOME", "TMPDIR", "PWD", "VIRTUAL_ENV"), str(folder))
    users = dict.fromkeys(("USER", "LOGNAME", "HOSTNAME", "SUDO_USER"), SECRET)
    done = subprocess.run(
        [*as_host, *command, "--output", str(folder / "saved.json"), "--delegate", str(folder / "lib.so")],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, **names, **users, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout + (folder / "saved.json").read_text()
    assert "tiny" in said
    assert SECRET not in said
    for path in (ROOT, tmp_path, Path(sys.executable).parent, Path.home()):
        assert path == Path("/") or f"{path}/" not in said


def test_a_model_that_computes_wrongly_is_noticed(fmnist_edge: Run, tmp_path: Path) -> None:
    """The top bit of 700,000 of the MLP's weights is flipped, and its file vouches for that."""
    mlp = read_model("mlp")
    spoilt = np.frombuffer(mlp.flatbuffer, np.uint8).copy()
    spoilt[200_000:900_000] ^= 0x80
    path = write_model(tmp_path / "spoilt.tflite", spoilt.tobytes(), mlp)
    done = fmnist_edge("bench", "--frames", 1, "--threads", 1, "--model", path, "--backend", "litert")
    assert done.returncode == 1, done.stderr
    assert "spoilt" not in done.stdout  # its manifest calls it mlp
    assert "warning: mlp in ai-edge-litert" in done.stdout
    assert "computes wrongly: " in done.stdout
    assert "its file states 91.0%" in done.stdout


def test_a_coral_is_measured_in_its_own_process(fmnist_edge: Run, edgetpu_library: Path, tmp_path: Path) -> None:
    compiled = write_compiled(tmp_path / "mine_edgetpu.tflite", read_model("tiny"))
    done = fmnist_edge(
        *QUICK[:-2], "--model", compiled, "--delegate", edgetpu_library, "--format", "json", "--views", 1
    )
    found = json.loads(done.stdout)
    assert [one["backend"] for one in found["measured"]] == [Backend.CORAL]
    assert found["measured"][0]["starts"]["picture"]["runs"] == 3
    assert found["measured"][0]["runtime"].endswith(f" + {edgetpu_library.name}")


def test_this_run_beside_a_saved_one(fmnist_edge: Run, document: dict[str, Any], tmp_path: Path) -> None:
    saved = tmp_path / "saved.json"
    saved.write_text(json.dumps({**document, "board": {**document["board"], "model": "Raspberry Pi 3"}}))
    done = fmnist_edge(*QUICK, "--compare", saved, "--format", "json")
    compared = json.loads(done.stdout)
    assert list(validator().iter_errors(compared)) == []
    assert len(compared["rows"]) >= 15
    assert "Raspberry Pi 3" in [one["first"] for one in compared["differences"] if one["what"] == "model"]


def test_two_saved_ones_are_compared_without_measuring(
    fmnist_edge: Run, document: dict[str, Any], tmp_path: Path
) -> None:
    saved = tmp_path / "saved.json"
    saved.write_text(json.dumps(document))
    done = fmnist_edge("bench", "--compare", saved, "--compare", saved)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1.00" in done.stdout
    assert "not the same" not in done.stdout


def test_what_cannot_be_done_is_said_before_anything_is_measured(fmnist_edge: Run, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.json"
    garbage.write_text("hello")
    check_failure(fmnist_edge("bench", "--compare", garbage), 2, "garbage.json is no result", "--output")
    check_failure(fmnist_edge("bench", "--compare", tmp_path / "none.json"), 3, "no such file")
    check_failure(fmnist_edge("bench", *("--compare", garbage) * 3), 2, "one or two files")
    check_failure(fmnist_edge("bench", "--frames", 5, "--duration", 1), 2, "say the same thing")
    check_failure(fmnist_edge("bench", "--model", "none"), 4, "bundled models")
    check_failure(fmnist_edge("bench", "--output", tmp_path), 6, "cannot write")
    check_failure(fmnist_edge("bench", "--output", tmp_path / "none" / "a.json"), 6, "cannot write")


def test_a_runtime_that_is_not_there_is_said(fmnist_edge: Run) -> None:
    check_failure(fmnist_edge("bench", "--backend", "coral", "--delegate", "none.so"), 5, "none.so")


def test_on_one_core_there_is_one_thread_to_measure() -> None:
    command = ["taskset", "-c", str(min(os.sched_getaffinity(0))), sys.executable, "-m", "edge.cli", "bench"]
    options = ["--frames", "1", "--model", "tiny", "--backend", "litert", "--format", "json"]
    done = subprocess.run(
        [*command, *options], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    found = json.loads(done.stdout)
    assert found["board"]["usable_cores"] == 1
    assert {speed["threads"] for speed in found["measured"][0]["speeds"]} == {1}


@pytest.mark.parametrize("form", ["table", "json"])
def test_ctrl_c_prints_what_there_is(form: str) -> None:
    command = [sys.executable, "-m", "edge.cli", "bench", "--duration", "600", "--model", "tiny", "--format", form]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    wait_for_line(process, "measuring for about")
    process.send_signal(signal.SIGINT)
    said, complained = process.communicate(timeout=60)
    assert process.returncode == 130, complained
    assert "Traceback" not in complained
    assert "interrupted" in said
    if form == "json":
        assert json.loads(said)["interrupted"] is True


def test_a_machine_that_starts_no_program_still_measures_the_rest(fmnist_edge: Run, tmp_path: Path) -> None:
    """As the emulated Arm machine, and containers that forbid it: sys.executable cannot be executed."""
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.executable = {str(tmp_path / 'none')!r}\n")
    done = fmnist_edge(*QUICK, "--backend", "litert", "-f", "json", env={"PYTHONPATH": f"{tmp_path}:{ROOT}"})
    assert done.returncode == 0, done.stderr
    (one,) = json.loads(done.stdout)["measured"]
    assert one["starts"]["photo"] == {"reason": "this machine lets no program start another"}
    assert (len(one["speeds"]), one["folders"]) == (2, [])
