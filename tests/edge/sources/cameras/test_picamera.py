"""The Pi's own camera, against a fake module with picamera2's interface: no real one runs here."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from edge.choices import Flip, Rotation
from edge.errors import CameraBusy, CameraLost, CameraNeedsPicamera2, CameraNotFound
from edge.sources.cameras import picamera, v4l2
from edge.sources.cameras.camera import found_cameras, open_camera
from edge.sources.settings import AS_THEY_COME, SourceSettings
from tests.edge.sources.fake_picamera2 import (
    BLUE,
    GREEN,
    MEMORY,
    RED,
    RIBBON,
    SECOND,
    USB,
    FakePi,
    install,
    plugged_in,
)


@pytest.fixture
def pi(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakePi]:
    monkeypatch.setattr(v4l2, "DEV", tmp_path)
    with plugged_in(monkeypatch, USB, RIBBON) as fake:
        yield fake


def corner(settings: SourceSettings) -> tuple[int, int, tuple[int, ...]]:
    """Which corner of a frame is white, as (vertical, horizontal), and the frame's shape."""
    with open_camera("0", settings) as frames:
        pixels = next(iter(frames)).pixels
    white = [(y, x) for y in (0, -1) for x in (0, -1) if pixels[y, x].min() == 255]
    assert len(white) == 1
    return (*white[0], pixels.shape)


def test_colours_come_in_opencvs_order(pi: FakePi) -> None:
    with open_camera("0") as frames:
        frame = next(iter(frames))
    assert frame.pixels[-1, -1].tolist() == [BLUE, GREEN, RED]
    assert frame.pixels.shape == (480, 640, 3)
    assert frame.is_live


@pytest.mark.parametrize("name", [name for name in MEMORY if name != "RGB888"])
def test_no_other_format_would_do(pi: FakePi, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """BGR888 is red, green, blue in memory, the others have a fourth byte: a mistake here shows above."""
    monkeypatch.setattr(picamera, "BLUE_GREEN_RED", name)
    with pytest.raises((AssertionError, ValueError)):
        test_colours_come_in_opencvs_order(pi)


def test_many_frames_take_no_more_buffers_than_there_are(pi: FakePi) -> None:
    with open_camera("0") as frames:
        taken = list(islice(frames, 40))
    assert [frame.index for frame in taken] == list(range(40))
    assert {frame.source for frame in taken} == {"camera:0"}
    assert len(pi.requests) == 40
    assert pi.opened[0].configuration["buffer_count"] == 4


def test_a_frame_that_cannot_be_read_is_released_too(pi: FakePi, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_arguments: object) -> None:
        raise RuntimeError("failed to find buffer")

    monkeypatch.setattr("tests.edge.sources.fake_picamera2.scene", fails)
    with pytest.raises(CameraLost, match="failed to find buffer"), open_camera("0") as frames:
        next(iter(frames))


def test_the_camera_closes_after_an_error_of_ours(pi: FakePi) -> None:
    with pytest.raises(ZeroDivisionError), open_camera("0") as frames:
        for _ in frames:
            raise ZeroDivisionError
    assert pi.opened[0].closed


def test_it_opens_again_and_again_from_other_threads(pi: FakePi) -> None:
    failures: list[BaseException] = []

    def once() -> None:
        try:
            with open_camera("0") as frames:
                next(iter(frames))
        except BaseException as error:
            failures.append(error)

    for _ in range(3):
        thread = threading.Thread(target=once)
        thread.start()
        thread.join()
    assert failures == []
    assert len(pi.opened) == 3


def test_a_camera_that_stops_is_lost(pi: FakePi) -> None:
    pi.frames = 2
    with open_camera("0") as frames:
        iterator = iter(frames)
        assert [next(iterator).index, next(iterator).index] == [0, 1]
        with pytest.raises(CameraLost, match="camera:0 stopped delivering frames after 2"):
            next(iterator)


@pytest.mark.parametrize("age_s", [0.05, 0.5])
def test_the_sensors_own_time_is_taken(pi: FakePi, age_s: float) -> None:
    pi.age_s = age_s
    with open_camera("0") as frames:
        frame = next(iter(frames))
    assert time.monotonic() - frame.captured_at_s == pytest.approx(age_s, abs=0.04)


@pytest.mark.parametrize("age_s", [-3600.0, 3600.0])
def test_an_absurd_time_is_not(pi: FakePi, age_s: float) -> None:
    pi.age_s = age_s
    began = time.monotonic()
    with open_camera("0") as frames:
        assert began <= next(iter(frames)).captured_at_s <= time.monotonic()


@pytest.mark.parametrize(
    ("rotation", "flip", "expected"),
    [
        (Rotation.NONE, None, (0, 0, (48, 64, 3))),
        (Rotation.HALF, None, (-1, -1, (48, 64, 3))),
        (Rotation.NONE, Flip.HORIZONTAL, (0, -1, (48, 64, 3))),
        (Rotation.NONE, Flip.VERTICAL, (-1, 0, (48, 64, 3))),
        (Rotation.NONE, Flip.BOTH, (-1, -1, (48, 64, 3))),
        (Rotation.HALF, Flip.HORIZONTAL, (-1, 0, (48, 64, 3))),
        (Rotation.HALF, Flip.BOTH, (0, 0, (48, 64, 3))),
        (Rotation.RIGHT, None, (0, -1, (64, 48, 3))),
        (Rotation.LEFT, Flip.HORIZONTAL, (-1, -1, (64, 48, 3))),
    ],
)
def test_it_is_turned_and_mirrored(
    pi: FakePi, rotation: Rotation, flip: Flip | None, expected: tuple[int, int, tuple[int, ...]]
) -> None:
    """By the sensor where it can, which costs nothing, else by us; never by both."""
    settings = SourceSettings(resolution=(64, 48), rotation=rotation, flip=flip)
    assert corner(settings) == expected
    transform = pi.opened[0].configuration["transform"]
    if rotation in {Rotation.RIGHT, Rotation.LEFT}:
        assert (transform.hflip, transform.vflip) == (0, 0)
    else:
        assert (-transform.vflip, -transform.hflip) == expected[:2]


def test_a_rate_becomes_the_time_of_a_frame(pi: FakePi) -> None:
    with open_camera("0", SourceSettings(fps=25)):
        assert pi.opened[0].configuration["controls"]["FrameDurationLimits"] == (40_000, 40_000)


def test_what_it_gives_instead_is_said_once(pi: FakePi) -> None:
    pi.frame_us = (40_000, 120_000_000)
    settings = SourceSettings(resolution=(4000, 3001), fps=60)
    with pytest.warns(UserWarning, match=r"asked for 4000x3001 at 60, the camera gives 1920x1080 at 25;") as said:
        open_camera("0", settings).__exit__(None, None, None)
    assert len(said) == 1


def test_a_camera_in_use_is_called_so(pi: FakePi) -> None:
    pi.busy.add(0)
    with pytest.raises(CameraBusy, match="camera:0 is in use"):
        open_camera("0")


def test_a_camera_that_does_not_start_is_closed(pi: FakePi) -> None:
    pi.start_fails = True
    with pytest.raises(CameraNotFound, match="does not start: Failed to start camera"):
        open_camera("0")
    assert pi.opened[0].closed


def test_a_usb_camera_of_libcamera_is_left_to_v4l2(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(v4l2, "DEV", tmp_path)
    with plugged_in(monkeypatch, USB):
        assert picamera.pi_cameras() == []
        with pytest.raises(CameraNotFound, match=r"there is no camera .*video0"):
            open_camera("0")


def test_numbers_count_the_pis_own_cameras_first(pi: FakePi) -> None:
    assert [(one.number, one.model) for one in picamera.pi_cameras()] == [(0, "imx708")]
    with pytest.raises(CameraNotFound, match=r"there is no camera .*video1"):
        open_camera("1")


def test_it_is_found_by_its_sensors_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(v4l2, "DEV", tmp_path)
    with plugged_in(monkeypatch, SECOND, USB, RIBBON) as pi:
        with open_camera("IMX219") as frames:
            next(iter(frames))
        (opened,) = pi.opened
        assert pi.cameras[0]["Model"] == "imx219"
        assert opened.global_camera_info()[opened.number]["Model"] == "imx219"
        with pytest.raises(CameraNotFound, match=r"2 cameras are called 'imx': imx219 .*, imx708 .*"):
            open_camera("imx")


def test_it_is_listed_with_its_sensors_modes(pi: FakePi) -> None:
    (found,), problems = found_cameras()
    assert (found.camera, found.name, found.device, found.library) == ("0", "imx708", RIBBON, "picamera2")
    assert found.modes == (v4l2.Mode("SRGGB10_CSI2P", 1536, 864, (120.13,)),)
    assert problems == []


def test_one_in_use_is_listed_without_them(pi: FakePi) -> None:
    pi.busy.add(0)
    (found,), problems = found_cameras()
    assert (found.name, found.modes, problems) == ("imx708", (), [])


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No picamera2, no node; the folder in which Debian's packages would be."""
    monkeypatch.setattr(v4l2, "DEV", tmp_path / "dev")
    monkeypatch.setattr(picamera, "DEBIANS", tmp_path)
    monkeypatch.setattr(picamera, "BOARD", tmp_path / "model")
    return tmp_path


def test_a_library_hidden_from_the_environment_is_said(without: Path) -> None:
    (without / "picamera2").mkdir()
    with pytest.raises(CameraNeedsPicamera2, match="does not see it") as caught:
        open_camera("0")
    assert "--system-site-packages" in caught.value.hint
    assert "does not see it" in found_cameras()[1][0].message


def test_a_pi_without_the_library_is_told_to_install_it(without: Path) -> None:
    (without / "model").write_text("Raspberry Pi 5 Model B Rev 1.0\0")
    with pytest.raises(CameraNeedsPicamera2, match="not installed") as caught:
        open_camera("0")
    assert "apt install python3-picamera2" in caught.value.hint


def test_other_machines_are_not(without: Path) -> None:
    (without / "model").write_text("A laptop\0")
    with pytest.raises(CameraNotFound, match="there is no camera") as caught:
        open_camera("0")
    assert "picamera2" not in str(caught.value) + caught.value.hint


class Broken:
    """A module that fails when anything is taken from it."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, name: str) -> object:
        raise self.error


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (
            ValueError("numpy.dtype size changed, may indicate binary incompatibility"),
            "pip install --upgrade simplejpeg",
        ),
        (ImportError("No module named 'libcamera._libcamera'"), "same Python"),
    ],
)
def test_a_library_that_does_not_load_says_why(
    without: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, hint: str
) -> None:
    install(monkeypatch, "picamera2", {"__getattr__": Broken(error).__getattr__})
    with pytest.raises(CameraNeedsPicamera2, match="does not load") as caught:
        open_camera("0")
    assert str(error) in str(caught.value)
    assert hint in caught.value.hint


def test_a_frame_is_the_scene_to_the_bit(pi: FakePi) -> None:
    with open_camera("0", AS_THEY_COME) as frames:
        pixels = next(iter(frames)).pixels
    expected = np.full((480, 640, 3), (BLUE, GREEN, RED), np.uint8)
    expected[:120, :160] = 255
    assert np.array_equal(pixels, expected)
