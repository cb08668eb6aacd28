"""Names out of files and addresses reach the terminal as text, never as commands to it."""

from __future__ import annotations

import csv
import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edge.cli.app import app
from edge.inference.model_file import read_model
from edge.sources.grammar import parse_sources
from tests.conftest import ROOT, Run
from tests.edge.hostile import NAME, hostile_data, hostile_model
from tests.edge.hostile import check_printable as check

SHIRT = next(source.where for source in parse_sources(["samples:"]) if "t-shirt" in source.where)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hostile_model(tmp_path_factory.mktemp("hostile"))


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    return Path(shutil.copy(SHIRT, tmp_path / f"p{NAME}.png"))


def stdout(*arguments: object) -> str:
    result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_table(picture: Path, model: Path) -> None:
    table = stdout("classify", picture, "--model", model, "--top-k", 10)
    check(table)
    assert len(table.splitlines()) == 2


def test_json_is_exact_and_harmless(picture: Path, model: Path) -> None:
    text = stdout("classify", picture, "--model", model, "-f", "json")
    found = json.loads(text)
    assert (found["source"], found["label"]) == (str(picture), f"A{NAME}".strip())
    assert not set(text) & set(NAME) - set(printable_ascii())


def test_csv_is_exact(picture: Path, model: Path, tmp_path: Path) -> None:
    stdout("classify", picture, "--model", model, "-f", "csv", "-o", tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["source"], row["label"]) == (str(picture), f"A{NAME}".strip())


@pytest.mark.subprocess
def test_csv_on_a_terminal_is_printable(picture: Path, model: Path) -> None:
    ours, theirs = pty.openpty()
    subprocess.run(
        [sys.executable, "-m", "edge.cli", "classify", picture, "--model", model, "-f", "csv"],
        stdout=theirs,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    os.close(theirs)
    check(os.read(ours, 100_000).decode().replace("\r\n", "\n"))


def test_info(model: Path) -> None:
    check(stdout("info", model))
    assert json.loads(stdout("info", model, "-f", "json"))["manifest"]["name"] == f"tiny{NAME}"


def test_explain(picture: Path, model: Path, tmp_path: Path) -> None:
    check(stdout("explain", picture, "--model", model, "-o", tmp_path / f"{NAME}.png"))


def test_evaluate(model: Path, tmp_path: Path) -> None:
    check(stdout("evaluate", "--model", model, "--data", hostile_data(tmp_path)))


@pytest.mark.subprocess
def test_errors_and_warnings(fmnist_edge: Run, tmp_path: Path, picture: Path) -> None:
    torn = tmp_path / f"torn{NAME}.png"
    torn.write_bytes(b"?")
    done = fmnist_edge("classify", torn, picture)
    check(done.stderr)
    plain = tmp_path / f"plain{NAME}.tflite"
    plain.write_bytes(read_model("tiny").flatbuffer.replace(b"FMNIST_EDGE_MANIFEST", b"?" * 20))
    done = fmnist_edge("classify", picture, "--model", plain)
    assert "warning: " in done.stderr
    check(done.stderr)


@pytest.mark.subprocess
def test_a_name_with_a_new_line_forges_no_message(fmnist_edge: Run, tmp_path: Path) -> None:
    torn = tmp_path / "a\nerror: the disk is on fire.png"
    torn.write_bytes(b"?")
    done = fmnist_edge("classify", torn)
    assert [line.split(":")[0] for line in done.stderr.splitlines() if not line.startswith(" ")] == ["error", "hint"]


@pytest.mark.subprocess
@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_a_name_that_is_not_utf8(fmnist_edge: Run, tmp_path: Path, form: str) -> None:
    picture = os.fsencode(tmp_path) + b"/caf\xe9.png"
    shutil.copy(SHIRT, picture)
    done = fmnist_edge("classify", tmp_path, "-f", form)
    assert (done.returncode, done.stderr) == (0, "")
    assert ("caf\\xe9.png" if form == "table" else "caf\\udce9.png") in done.stdout


def test_a_stored_frame_of_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    picture = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")
    shutil.copy(SHIRT, picture)
    stdout("classify", picture, "--keep", tmp_path / "kept", "--keep-below", 1)
    (note,) = (tmp_path / "kept").rglob("*.json")
    assert picture in json.dumps(json.loads(note.read_text("utf-8")), ensure_ascii=False)


@pytest.mark.subprocess
def test_an_encoding_that_lacks_a_letter(fmnist_edge: Run, tmp_path: Path) -> None:
    shutil.copy(SHIRT, tmp_path / "ботинок.png")
    done = fmnist_edge("classify", "ботинок.png", cwd=tmp_path, env={"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u0431" in done.stdout


def printable_ascii() -> str:
    return "".join(map(chr, range(32, 127))) + "\n"
