"""A run in front of a camera whose model changes: every frame is answered, and a bad model changes nothing."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.inference.model_file import bundled_models, read_model
from tests.edge.events.running import Running, classify
from tests.edge.sources.http_camera import http_camera

pytestmark = pytest.mark.subprocess

TINY, SMALL = (read_model(name) for name in ("tiny", "small"))


def wait_for(run: Running, event: str, holds: Callable[[dict[str, Any]], bool] = lambda _event: True) -> dict[str, Any]:
    """The first such event, once it is there."""
    for _ in range(300):
        for line in run.lines:
            if line["event"] == event and holds(line):
                return line
        assert run.process.poll() is None, run.said
        time.sleep(0.1)
    raise AssertionError(f"no {event}: {run.lines[-3:]} {run.said}")


def put(name: str, path: Path) -> None:
    """Put a bundled model there as a careful program does: under another name, then renamed."""
    arriving = path.with_name(f".{path.name}.part")
    shutil.copy(bundled_models()[name], arriving)
    arriving.replace(path)


def predictions(run: Running) -> list[dict[str, Any]]:
    return [line for line in run.lines if line["event"] == "prediction"]


def check_no_frame_lost(run: Running) -> None:
    """Each gap in the numbers of the answered frames is a frame that a newer one replaced, and is counted as such."""
    numbers = [line["frame"] for line in predictions(run)]
    beat = next(line for line in reversed(run.lines) if line["event"] == "heartbeat")
    answered = run.lines[: run.lines.index(beat)]
    frames = [line["frame"] for line in answered if line["event"] == "prediction"]
    assert numbers == sorted(set(numbers))
    assert beat["frames"] == len(frames)
    assert frames[-1] + 1 == len(frames) + beat["dropped"]


def gap_s(run: Running, change: dict[str, Any]) -> float:
    """The time between the last answer of one model and the first of the next."""
    number = run.lines.index(change)
    before = [line for line in run.lines[:number] if line["event"] == "prediction"][-1]
    after = next(line for line in run.lines[number:] if line["event"] == "prediction")
    return float(after["monotonic_s"] - before["monotonic_s"])


def test_a_file_that_is_replaced_takes_over_between_two_frames_and_a_bad_one_does_not(tmp_path: Path) -> None:
    model = tmp_path / "mine.tflite"
    put("tiny", model)
    with (
        http_camera() as address,
        classify(tmp_path, f"{address}/stream.mjpg", "--model", str(model), "--heartbeat", "0.5") as run,
    ):
        assert wait_for(run, "prediction")["model"] == TINY.sha256
        put("small", model)
        changed = wait_for(run, "model_changed")
        wait_for(run, "heartbeat", lambda beat: beat["monotonic_s"] > changed["monotonic_s"])
        content = bytearray(bundled_models()["tiny"].read_bytes())
        content[5000] ^= 1
        model.write_bytes(content)
        refused = wait_for(run, "model_refused")
        wait_for(run, "heartbeat", lambda beat: beat["monotonic_s"] > refused["monotonic_s"] + 3)
        put("tiny", model)
        back = wait_for(run, "model_changed", lambda line: line["after"] == TINY.sha256)
        wait_for(run, "heartbeat", lambda beat: beat["monotonic_s"] > back["monotonic_s"] + 0.5)
        run.stop()
    assert (changed["before"], changed["after"], changed["name"]) == (TINY.sha256, SMALL.sha256, "small")
    assert (refused["file"], refused["model"]) == (str(model), SMALL.sha256)
    assert "does not match its SHA-256" in refused["message"]
    assert [line["event"] for line in run.lines if "model_" in line["event"]] == [
        "model_changed",
        "model_refused",
        "model_changed",
    ]
    between = range(run.lines.index(changed), run.lines.index(back))
    for number, line in enumerate(run.lines):
        assert line["model"] == (SMALL if number in between else TINY).sha256
    assert run.said.count("does not match its SHA-256") == 1
    check_no_frame_lost(run)
    assert max(gap_s(run, one) for one in (changed, back)) < 1.0  # the camera's 0.05 s, on an idle machine


def test_a_half_written_file_is_left_alone_and_an_emptied_folder_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "versions"
    folder.mkdir()
    put("tiny", folder / "v9.tflite")
    content = bundled_models()["small"].read_bytes()
    with (
        http_camera() as address,
        classify(tmp_path, f"{address}/stream.mjpg", "--model", str(folder), "--heartbeat", "0.5") as run,
    ):
        wait_for(run, "prediction")
        with (folder / "v10.tflite").open("wb") as file:
            for start in range(0, len(content), len(content) // 4):
                file.write(content[start : start + len(content) // 4])
                file.flush()
                time.sleep(1)
        changed = wait_for(run, "model_changed")
        for path in folder.iterdir():
            path.unlink()
        until = changed["monotonic_s"] + 5
        wait_for(run, "heartbeat", lambda beat: beat["monotonic_s"] > until)
        run.stop()
    assert changed["after"] == SMALL.sha256
    assert predictions(run)[-1]["model"] == SMALL.sha256
    assert [line["event"] for line in run.lines if "model_" in line["event"]] == ["model_changed"]
    assert "warning" not in run.said
    check_no_frame_lost(run)
