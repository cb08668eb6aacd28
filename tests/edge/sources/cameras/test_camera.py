"""Which camera is meant, what it is asked for, and what is said of it. Nodes are fakes; tests/arm has a real one."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import pytest

from edge.choices import Flip, Format, Rotation
from edge.cli.cameras import cameras
from edge.errors import BadOption, CameraBusy, CameraNeedsPicamera2, CameraNotFound, SourceDenied
from edge.opencv import cv2
from edge.sources.cameras import picamera, v4l2
from edge.sources.cameras.camera import found_cameras, open_camera
from edge.sources.cameras.usb_camera import pixel_format_for
from edge.sources.cameras.v4l2 import Mode
from edge.sources.settings import SourceSettings
from tests.edge.sources.fake_picamera2 import RIBBON, USB, plugged_in
from tests.edge.sources.fake_video_nodes import META, STREAMING, UVC, FakeDev, FakeNode


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDev:
    """An empty /dev of a machine that is no Pi."""
    monkeypatch.setattr(picamera, "DEBIANS", tmp_path / "none")
    monkeypatch.setattr(picamera, "BOARD", tmp_path / "none")
    (tmp_path / "dev").mkdir()
    return FakeDev(tmp_path / "dev", monkeypatch)


@pytest.fixture
def desk(dev: FakeDev) -> FakeDev:
    """Two webcams, with their metadata nodes between them."""
    dev.plug_in(0, FakeNode())
    dev.plug_in(1, FakeNode(caps=META | STREAMING))
    dev.plug_in(2, FakeNode("Microscope"))
    dev.plug_in(3, FakeNode("Microscope", caps=META | STREAMING))
    return dev


def opened(camera: str) -> str:
    """The node that this camera means."""
    with open_camera(camera) as frames:
        return Path(next(iter(frames)).source).name


def test_by_number_path_and_part_of_its_name(desk: FakeDev) -> None:
    assert opened("0") == "video0"
    assert opened("2") == "video2"
    assert opened(str(desk.folder / "video2")) == "video2"
    assert opened("hd pro WEBCAM") == "video0"
    assert opened("micro") == "video2"
    assert all(capture.released for capture in desk.captures)


def test_by_a_link_that_names_the_device(desk: FakeDev, tmp_path: Path) -> None:
    link = tmp_path / "usb-046d_HD_Pro-video-index0"
    link.symlink_to(desk.folder / "video0")
    assert opened(str(link)) == link.name


def test_a_name_of_several_lists_them(dev: FakeDev) -> None:
    dev.plug_in(0, FakeNode("USB Camera left"))
    dev.plug_in(2, FakeNode("USB Camera right"))
    with pytest.raises(CameraNotFound, match=r"2 cameras .*'usb': USB Camera left \(.*video0\), USB Camera right"):
        open_camera("usb")


def test_a_name_of_none_lists_those_that_are_there(desk: FakeDev) -> None:
    with pytest.raises(CameraNotFound, match=r"no camera is called 'thermal' \(found: HD Pro .*, Microscope"):
        open_camera("thermal")
    with pytest.raises(BadOption):
        open_camera(" ")


def test_a_missing_number_lists_the_nodes(desk: FakeDev) -> None:
    with pytest.raises(CameraNotFound, match=r"no camera .*video7 \(found: .*video0, .*video1"):
        open_camera("7")


def test_a_node_that_delivers_nothing_is_no_camera(desk: FakeDev) -> None:
    with pytest.raises(CameraNotFound, match="delivers no pictures"):
        open_camera("1")
    assert desk.captures == []


def test_a_camera_in_use_is_called_so(dev: FakeDev) -> None:
    dev.plug_in(0, FakeNode(busy=True))
    with pytest.raises(CameraBusy, match=r"video0 .*is in use"):
        open_camera("0")
    assert dev.captures[0].released


def test_a_closed_node_names_the_group_that_opens_it(desk: FakeDev, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.nodes[str(desk.folder / "video0")].closed_to_us = True
    monkeypatch.setattr("os.getuid", lambda: 1000)
    monkeypatch.setattr("grp.getgrgid", lambda _number: type("Group", (), {"gr_name": "plugdev"}))
    with pytest.raises(SourceDenied) as caught:
        open_camera("0")
    assert "usermod -aG plugdev" in caught.value.hint
    found, problems = found_cameras()
    assert [camera.camera for camera in found] == ["2"]
    assert [type(problem) for problem in problems] == [SourceDenied]


def test_a_pis_raw_camera_needs_picamera2(dev: FakeDev) -> None:
    dev.plug_in(0, FakeNode("rp1-cfe", "rp1-cfe", UVC | v4l2.IO_MC))
    with pytest.raises(CameraNeedsPicamera2, match="video0 is the Pi's own camera") as caught:
        open_camera("0")
    assert "python3-picamera2" in caught.value.hint
    found, (problem,) = found_cameras()
    assert found == []
    assert "python3-picamera2" in problem.hint


@pytest.mark.parametrize(
    ("size", "fps", "expected"),
    [
        ((640, 480), 30, "YUYV"),
        ((1280, 720), 30, "MJPG"),
        ((1280, 720), 10, "YUYV"),
        ((1280, 720), None, "MJPG"),
        ((640, 480), 120, "YUYV"),
        ((1920, 1080), 5, "MJPG"),
        ((320, 180), 30, None),
    ],
)
def test_jpegs_are_taken_where_the_rate_needs_them(
    dev: FakeDev, size: tuple[int, int], fps: float | None, expected: str | None
) -> None:
    modes = v4l2.ask(dev.plug_in(0, FakeNode())).modes
    assert pixel_format_for(modes, size, fps) == expected


def test_formats_that_opencv_cannot_read_are_not_asked_for() -> None:
    modes = [Mode("H264", 640, 480, (60,)), Mode("GREY", 640, 480, (30,)), Mode("NV12", 640, 480, ())]
    assert pixel_format_for(modes, (640, 480), 30) == "NV12"
    assert pixel_format_for(modes[:2], (640, 480), 30) is None


def test_a_camera_that_gives_what_it_is_asked_for_is_no_news(desk: FakeDev) -> None:
    with open_camera("0", SourceSettings(resolution=(1280, 720), fps=30)) as frames:
        assert next(iter(frames)).pixels.shape == (720, 1280, 3)
    (capture,) = desk.captures
    assert (capture.pixel_format, capture.values[cv2.CAP_PROP_BUFFERSIZE]) == ("MJPG", 2)


def test_what_it_gives_instead_is_said_in_one_warning(desk: FakeDev) -> None:
    expected = r"video0: asked for 1000x700 at 60, the camera gives 1280x720 at 30; fmnist-edge cameras"
    with (
        pytest.warns(UserWarning, match=expected) as said,
        open_camera("0", SourceSettings(resolution=(1000, 700), fps=60)),
    ):
        pass
    assert len(said) == 1
    with (
        pytest.warns(UserWarning, match=r"asked for 7 a second, the camera gives 15 a second;"),
        open_camera("0", SourceSettings(fps=7)),
    ):
        pass


def test_frames_are_turned_then_mirrored(desk: FakeDev) -> None:
    settings = SourceSettings(resolution=(320, 240), rotation=Rotation.RIGHT, flip=Flip.HORIZONTAL)
    with open_camera("0", settings) as frames:
        pixels = [frame.pixels for frame in islice(frames, 2)][-1]
    assert pixels.shape == (320, 240, 3)
    assert pixels[0, 0].tolist() == [255, 255, 255], "from top left to top right, and back"
    assert desk.captures[0].released


def test_the_list_says_what_to_type(desk: FakeDev, capsys: pytest.CaptureFixture[str]) -> None:
    cameras(Format.TABLE)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["--camera", "name", "device", "format", "modes"]
    assert lines[1].split()[0] == "0"
    assert "HD Pro Webcam C920" in lines[1]
    assert "MJPG" in lines[1]
    assert "640x480 at 30, 1280x720 at 30, 1920x1080 at 30" in lines[1]
    assert "1280x720 at 10" in lines[2]
    assert lines[3].split()[:2] == ["2", "Microscope"]
    assert len(lines) == 5, "metadata nodes are left out"


def test_a_pis_own_camera_comes_first_and_hides_a_number(
    desk: FakeDev, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with plugged_in(monkeypatch, USB, RIBBON):
        cameras(Format.JSON)
        assert opened("0") == "camera:0"
        assert opened("HD Pro") == "video0"
    listed = json.loads(capsys.readouterr().out)
    typed = [(one["camera"], one["name"], one["library"]) for one in listed["cameras"]]
    assert typed == [
        ("0", "imx708", "picamera2"),
        (str(desk.folder / "video0"), "HD Pro Webcam C920", "v4l2"),
        ("2", "Microscope", "v4l2"),
    ]
    assert listed["cameras"][2]["modes"][0] == {"format": "MJPG", "width": 640, "height": 480, "rates": [30, 15]}
    assert listed["problems"] == []


def test_that_there_is_none_says_why(dev: FakeDev, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CameraNotFound, match="no /dev/video node"):
        cameras(Format.TABLE)
    dev.plug_in(0, FakeNode(caps=META))
    with pytest.raises(CameraNotFound, match="no node that delivers pictures"):
        cameras(Format.JSON)
    assert json.loads(capsys.readouterr().out)["cameras"] == []


def test_csv_is_not_for_cameras(dev: FakeDev) -> None:
    with pytest.raises(BadOption):
        cameras(Format.CSV)
