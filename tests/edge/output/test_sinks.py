"""Predictions leave in three formats; a full disk or a closed pipe is met with a plan."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.choices import Format
from edge.errors import OutputFailed
from edge.frame import Decision, LabelScore, Prediction
from edge.output.sinks import open_sink

LATENCY = {"read": 1.0, "preprocess": 0.25, "invoke": 0.5}
RANKED = (LabelScore("Ankle boot", 0.75), LabelScore("Sneaker", 0.2), LabelScore("Sandal", 0.05))
TIME = datetime(2026, 11, 29, 8, 15, 30, 123456, UTC)
GARMENT = Prediction("boot.png", 0, Decision.GARMENT, RANKED, LATENCY, 0.9, time=TIME)
NOTHING = Prediction("clip.avi", 7, Decision.NO_GARMENT, (), LATENCY, 0.1, "move the camera back")


def written(form: Format, path: Path, top_k: int = 2) -> str:
    with open_sink(form, path, top_k) as sink:
        sink.write(GARMENT)
        sink.write(NOTHING)
    return path.read_text()


def test_json_lines_keep_their_schema(tmp_path: Path) -> None:
    garment, nothing = map(json.loads, written(Format.JSON, tmp_path / "out.jsonl").splitlines())
    assert garment == {
        "v": 1,
        "source": "boot.png",
        "frame": 0,
        "label": "Ankle boot",
        "score": 0.75,
        "top": [{"label": "Ankle boot", "score": 0.75}, {"label": "Sneaker", "score": 0.2}],
        "decision": "garment",
        "presence": 0.9,
        "hint": None,
        "latency_ms": LATENCY,
        "time": "2026-11-29T08:15:30.123Z",
    }
    assert (nothing["label"], nothing["score"], nothing["top"], nothing["decision"]) == (None, None, [], "no_garment")
    assert (nothing["presence"], nothing["hint"]) == (0.1, "move the camera back")


def test_csv_has_a_header_and_a_row_a_frame(tmp_path: Path) -> None:
    garment, nothing = csv.DictReader(io.StringIO(written(Format.CSV, tmp_path / "out.csv")))
    assert (garment["label"], garment["score"], garment["label2"], garment["invoke_ms"]) == (
        "Ankle boot",
        "0.750000",
        "Sneaker",
        "0.500",
    )
    assert (nothing["frame"], nothing["label"], nothing["decision"]) == ("7", "", "no_garment")


def test_the_table_is_for_people(tmp_path: Path) -> None:
    header, garment, nothing = written(Format.TABLE, tmp_path / "out.txt").splitlines()
    assert header.split() == ["source", "garment", "score", "next", "ms"]
    assert "Ankle boot" in garment
    assert "75.0%" in garment
    assert "Sneaker 20%" in garment
    assert "clip.avi #7" in nothing
    assert "(no garment)" in nothing
    assert "move the camera back" in nothing


def test_a_file_gets_its_name_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("of yesterday")

    def fail_on_the_way() -> None:
        with open_sink(Format.JSON, path, 1) as sink:
            sink.write(GARMENT)
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        fail_on_the_way()
    assert path.read_text() == "of yesterday"
    assert json.loads((tmp_path / "out.jsonl.partial").read_text())["label"] == "Ankle boot"


@pytest.mark.parametrize("endless", [True, False])
def test_ctrl_c_completes_only_what_has_no_other_end(tmp_path: Path, endless: bool) -> None:
    path = tmp_path / "out.jsonl"

    def interrupt() -> None:
        with open_sink(Format.JSON, path, 1, endless=endless) as sink:
            sink.write(GARMENT)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert path.exists() is endless
    assert (tmp_path / "out.jsonl.partial").exists() is not endless


def test_a_folder_that_is_not_there_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputFailed, match="cannot write"), open_sink(Format.JSON, tmp_path / "no" / "out", 1):
        pass


def test_a_full_disk_says_so_and_leaves_the_older_file(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("of yesterday")
    (tmp_path / "out.jsonl.partial").symlink_to("/dev/full")

    def write() -> None:
        with open_sink(Format.JSON, path, 1) as sink:
            sink.write(GARMENT)

    with pytest.raises(OutputFailed, match="No space left on device"):
        write()
    assert path.read_text() == "of yesterday"
