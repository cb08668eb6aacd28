"""A real /dev/video0, in a whole emulated arm64 computer: Debian 12's kernel with vivid, which plays a webcam.

It negotiates sizes and rates, moves its picture, can be busy, pulled out and put back, and fails on request; and it has
nodes beside it that capture nothing, as a Pi has. The computer has 512 MB, as a Zero 2 W. Not covered: libcamera, the
Pi's own camera, and cameras on real USB.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from typing import Any

import pytest

from tests.arm.combinations import PARTS, WITH_CAMERA, Combination, parameters
from tests.arm.conftest import CANNOT, FIGURES, HERE, ROOT, set_up

# The first set-up downloads some 270 MB.
pytestmark = [pytest.mark.arm, pytest.mark.timeout(1800)]

BLUE, GREEN, RED = (
    {"white", "cyan", "magenta", "blue"},
    {"white", "yellow", "cyan", "green"},
    {"white", "yellow", "magenta", "red"},
)
BARS = ("white", "yellow", "cyan", "green", "magenta", "red", "blue", "black")
MEMORY_MB = 512
"""Of a Zero 2 W."""
MOST_MB = 100
"""What `classify --camera` may take of it (docs/doctor.md)."""


@pytest.fixture(scope="module", params=parameters(WITH_CAMERA, WITH_CAMERA[0]))
def computer(request: pytest.FixtureRequest) -> Combination:
    """The emulated computer."""
    chosen: Combination = request.param
    return chosen


@pytest.fixture(scope="module")
def results(computer: Combination, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What tests/arm/at_the_camera.py wrote in it."""
    folder = tmp_path_factory.mktemp("machine")
    shutil.copy(HERE / "at_the_camera.py", folder)
    environment = {**set_up(computer).environment, "FMNIST_EDGE_ARM_MEMORY": str(MEMORY_MB)}
    began = time.monotonic()
    command = [ROOT / "scripts" / "arm-machine", folder, "at_the_camera.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode == CANNOT:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stdout + done.stderr
    FIGURES.append(f"{computer} with a camera: {time.monotonic() - began:.0f} s")
    found: dict[str, Any] = json.loads((folder / "results.json").read_text("utf-8"))
    return found


def events(result: dict[str, Any], *kinds: str) -> list[dict[str, Any]]:
    """What a run in front of a camera told, of these kinds."""
    lines = map(json.loads, result["stdout"].splitlines())
    return [line for line in lines if line["event"] in kinds]


def check_error(result: dict[str, Any], *words: str) -> None:
    assert (result["code"], result["stdout"]) == (3, "")
    assert len(result["stderr"].splitlines()) == 2
    for word in words:
        assert word in result["stderr"]


def test_the_default_model_classifies_frames_within_the_memory_of_a_zero_2_w(
    results: dict[str, Any], computer: Combination
) -> None:
    first = results["first"]
    assert (first["code"], first["stderr"]) == (0, "")
    assert f"CPU part\t: {PARTS[computer.processor]}" in first["processor"]
    assert first["python"].startswith(computer.python)
    assert first["total_mb"] < MEMORY_MB
    assert [answer["source"] for answer in events(first, "prediction")] == ["/dev/video0"] * 2
    FIGURES.append(
        f"{computer} classify --camera 0: peak {first['peak_mb']:.0f} MB, "
        f"{first['available_mb']:.0f} of {first['total_mb']:.0f} MB left"
    )
    assert first["peak_mb"] < MOST_MB


def test_cameras_lists_the_node_that_captures_with_its_modes(results: dict[str, Any]) -> None:
    assert results["listed"]["code"] == 0, results["listed"]["stderr"]
    (camera,) = json.loads(results["listed"]["stdout"])["cameras"]
    assert (camera["camera"], camera["name"], camera["device"]) == ("0", "vivid", "/dev/video0")
    rates = {(mode["width"], mode["height"]): mode["rates"] for mode in camera["modes"] if mode["format"] == "YUYV"}
    assert {(320, 180), (640, 480), (1920, 1080)} <= set(rates)
    assert rates[640, 480][0] == 25
    assert 30 in rates[320, 180]
    assert "XR15-BE" in {mode["format"] for mode in camera["modes"]}
    assert "640x480 at 25" in results["table"]["stdout"]
    assert "/dev/video1" not in results["table"]["stdout"]


def test_frames_are_classified_and_the_given_size_is_said(results: dict[str, Any]) -> None:
    result = results["classified"]
    assert result["code"] == 0, result["stderr"]
    lines = [json.loads(line) for line in result["stdout"].splitlines()]
    answers = [line for line in lines if line.get("event", "prediction") == "prediction"]
    assert len(answers) == 5
    assert {answer["source"] for answer in answers} == {"/dev/video0"}
    (warning,) = result["stderr"].splitlines()
    assert "asked for 320x240 at 30, the camera gives 320x180 at 30" in warning


def test_it_is_found_by_its_name(results: dict[str, Any]) -> None:
    assert results["by name"]["code"] == 0, results["by name"]["stderr"]
    assert results["by name"]["stderr"] == ""


def test_missing_unfit_and_busy_cameras_are_errors(results: dict[str, Any]) -> None:
    check_error(results["missing"], "there is no camera /dev/video9", "/dev/video0")
    check_error(results["output node"], "/dev/video1 (vivid) delivers no pictures")
    check_error(results["busy"], "/dev/video0 (vivid) is in use by another program")
    assert results["holder"]["code"] == 130


def test_with_motion_there_are_answers_only_while_the_picture_moves(results: dict[str, Any]) -> None:
    watched = results["watched"]
    assert watched["marks"]["at rest"]["lost"] is None, "it was not still, it was lost"
    assert watched["marks"]["at rest"]["frames"] < len(events(watched, "prediction"))


def test_a_camera_that_is_pulled_out_is_lost_and_comes_back(results: dict[str, Any]) -> None:
    marks = results["watched"]["marks"]
    assert marks["pulled out"]["reason"] == "ended"
    assert "/dev/video0 stopped delivering frames" in marks["pulled out"]["message"]
    assert marks["plugged in"]["attempts"] > 1, "it was away for two seconds"
    assert marks["plugged in"]["away_s"] > 2
    assert "camera back: /dev/video0" in results["watched"]["stderr"]


def test_so_is_one_whose_driver_fails(results: dict[str, Any]) -> None:
    marks = results["watched"]["marks"]
    assert marks["driver fails"]["reason"] == "ended"
    assert marks["driver works"]["attempts"] > 1, "the driver refused to start the stream once"


def test_so_are_a_black_and_a_frozen_one(results: dict[str, Any]) -> None:
    marks = results["watched"]["marks"]
    assert (marks["black"]["reason"], marks["frozen"]["reason"]) == ("black", "frozen")
    assert marks["light"]["attempts"] == 0, "while it is black it stays open"
    assert marks["thawed"]["attempts"] > 0


def test_the_run_that_saw_all_this_lasted_until_it_was_told_to_stop(results: dict[str, Any]) -> None:
    watched = results["watched"]
    assert watched["code"] == 0, watched["stderr"]
    assert [event["reason"] for event in events(watched, "camera_lost")] == ["ended", "ended", "black", "frozen"]
    assert [event["reason"] for event in events(watched, "stopped")] == ["SIGTERM"]


def test_without_another_try_a_camera_that_is_pulled_out_is_an_error(results: dict[str, Any]) -> None:
    result = results["not again"]
    assert result["code"] == 3
    assert "error: /dev/video0 is lost: /dev/video0 stopped delivering frames" in result["stderr"]


@pytest.mark.parametrize("rotation", ["0", "90"])
def test_colours_come_blue_green_red_and_the_right_way_up(results: dict[str, Any], rotation: str) -> None:
    bars = [[value > 100 for value in bar] for bar in results["bars"][rotation]]
    expected = [[colour in BLUE, colour in GREEN, colour in RED] for colour in BARS]
    assert bars == expected
