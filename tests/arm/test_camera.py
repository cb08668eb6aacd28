"""A real /dev/video0, in a whole emulated arm64 computer: Debian 12's kernel with vivid, which plays a webcam.

It negotiates sizes and rates, can be busy, and has nodes beside it that capture nothing, as a Pi has. Not covered:
libcamera, the Pi's own camera, and cameras on real USB.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from typing import Any

import pytest

from tests.arm.conftest import CANNOT, FIGURES, HERE, ROOT

# The first set-up downloads some 270 MB.
pytestmark = [pytest.mark.arm, pytest.mark.timeout(1800)]

BLUE, GREEN, RED = (
    {"white", "cyan", "magenta", "blue"},
    {"white", "yellow", "cyan", "green"},
    {"white", "yellow", "magenta", "red"},
)
BARS = ("white", "yellow", "cyan", "green", "magenta", "red", "blue", "black")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What tests/arm/at_the_camera.py wrote in the machine."""
    folder = tmp_path_factory.mktemp("machine")
    shutil.copy(HERE / "at_the_camera.py", folder)
    began = time.monotonic()
    command = [ROOT / "scripts" / "arm-machine", folder, "at_the_camera.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == CANNOT:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stdout + done.stderr
    FIGURES.append(f"a camera in an emulated computer: {time.monotonic() - began:.0f} s")
    found: dict[str, Any] = json.loads((folder / "results.json").read_text("utf-8"))
    return found


def check_error(result: dict[str, Any], *words: str) -> None:
    assert (result["code"], result["stdout"]) == (3, "")
    assert len(result["stderr"].splitlines()) == 2
    for word in words:
        assert word in result["stderr"]


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


@pytest.mark.parametrize("rotation", ["0", "90"])
def test_colours_come_blue_green_red_and_the_right_way_up(results: dict[str, Any], rotation: str) -> None:
    bars = [[value > 100 for value in bar] for bar in results["bars"][rotation]]
    expected = [[colour in BLUE, colour in GREEN, colour in RED] for colour in BARS]
    assert bars == expected
