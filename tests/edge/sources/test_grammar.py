"""One grammar for everything that can be classified, and one contract for every source."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from edge.errors import (
    BadOption,
    CameraLost,
    CameraNotFound,
    ImageUnreadable,
    SourceDenied,
    SourceError,
    SourceNotFound,
)
from edge.frame import Frame
from edge.opencv import cv2
from edge.sources.grammar import Input, Kind, frames_of, open_source, parse_sources
from edge.sources.network import http_request
from edge.sources.network.address import without_password
from edge.sources.video import open_video
from edge.testing import FakeSource
from tests.edge.sources.http_camera import http_camera
from tests.edge.sources.rtsp_camera import FRAMES_BEFORE_LOSS, rtsp_camera

PICTURE = FakeSource.draw(0)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("b.png", "a.JPG", "sub/c.webp", ".hidden/d.png", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        if path.suffix == ".txt":
            path.write_text("not a picture")
        else:
            path.write_bytes(cv2.imencode(path.suffix.lower(), PICTURE)[1].tobytes())
    return tmp_path


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Seven frames of the test pattern, lossless."""
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"FFV1"), 10, (640, 480))
    for number in range(7):
        writer.write(FakeSource.draw(number))
    writer.release()
    return path


@pytest.fixture
def camera() -> Iterator[str]:
    with http_camera() as address:
        yield address


def read_all(source: str, failures: list[SourceError] | None = None) -> list[Frame]:
    def fail(error: SourceError) -> None:
        if failures is None:
            raise error
        failures.append(error)

    return list(frames_of(parse_sources([source]), fail))


def test_a_directory_gives_its_pictures_sorted_with_sub_directories(photos: Path) -> None:
    names = [str(Path(found.where).relative_to(photos)) for found in parse_sources([str(photos)])]
    assert names == ["a.JPG", "b.png", "sub/c.webp"]


def test_a_glob_is_expanded_by_us_where_no_shell_did(photos: Path) -> None:
    assert [Path(found.where).name for found in parse_sources([f"{photos}/*.png"])] == ["b.png"]
    assert len(parse_sources([f"{photos}/**/*.webp"])) == 1
    assert len(parse_sources([f"{photos}/s*"])) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", Input(Kind.CAMERA, "0")),
        ("camera:2", Input(Kind.CAMERA, "2")),
        ("camera:HD Pro Webcam", Input(Kind.CAMERA, "HD Pro Webcam")),
        ("/dev/v4l/by-id/usb-gone-video-index0", Input(Kind.CAMERA, "/dev/v4l/by-id/usb-gone-video-index0")),
        ("/dev/video7", Input(Kind.CAMERA, "/dev/video7")),
        ("http://host/stream", Input(Kind.STREAM, "http://host/stream")),
        ("rtsp://host:8554/x", Input(Kind.STREAM, "rtsp://host:8554/x")),
        ("-", Input(Kind.STDIN, "-")),
        ("fake:", Input(Kind.FAKE, "")),
        ("fake:9", Input(Kind.FAKE, "9")),
    ],
)
def test_every_form_of_the_grammar(text: str, expected: Input) -> None:
    assert parse_sources([text]) == [expected]


def test_a_file_named_like_a_camera_is_a_file(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(photos)
    Path("0").write_bytes(b"x")
    assert parse_sources(["0"]) == [Input(Kind.IMAGE, "0")]


@pytest.mark.parametrize("text", ["nowhere.png", "nowhere/*.png"])
def test_what_is_not_there_is_said(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceNotFound, match="nowhere"):
        parse_sources([text])


def test_a_directory_without_pictures_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound, match="holds no pictures"):
        parse_sources([str(tmp_path)])


def test_a_fake_of_no_number_is_refused() -> None:
    with pytest.raises(BadOption, match="fake:NUMBER"):
        parse_sources(["fake:many"])


def check_contract(frames: list[Frame], count: int, name: str) -> None:
    assert len(frames) == count
    assert [frame.index for frame in frames] == list(range(count))
    times = [frame.captured_at_s for frame in frames]
    assert times == sorted(times)
    assert all(frame.read_ms >= 0 and frame.source == name for frame in frames)


def test_sources_obey_one_contract(photos: Path, clip: Path, camera: str) -> None:
    check_contract(read_all(str(photos / "b.png")), 1, str(photos / "b.png"))
    check_contract(read_all(str(clip)), 7, str(clip))
    check_contract(read_all("fake:6"), 6, "fake:")
    check_contract(read_all(f"{camera}/snap.jpg"), 1, f"{camera}/snap.jpg")
    with open_source(Input(Kind.STREAM, f"{camera}/stream.mjpg")) as stream:
        streamed = list(islice(stream, 8))
    check_contract(streamed, 8, f"{camera}/stream.mjpg")
    assert all(frame.is_live for frame in streamed)
    assert not any(frame.is_live for frame in [*read_all(str(clip)), *read_all(str(photos / "b.png"))])


def test_video_frames_are_the_ones_that_were_written(clip: Path) -> None:
    for number, frame in enumerate(read_all(str(clip))):
        np.testing.assert_array_equal(frame.pixels, FakeSource.draw(number))


def test_a_picture_comes_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    content = cv2.imencode(".png", PICTURE)[1].tobytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    np.testing.assert_array_equal(read_all("-")[0].pixels, PICTURE)


def test_one_bad_picture_among_many_is_reported_and_the_others_come(photos: Path) -> None:
    (photos / "aa.png").write_text("I am not a picture")
    failures: list[SourceError] = []
    assert len(read_all(str(photos), failures)) == 3
    assert [type(error) for error in failures] == [ImageUnreadable]
    assert "aa.png" in str(failures[0])


def test_an_rtsp_camera_delivers_and_is_lost_when_it_hangs_up() -> None:
    failures: list[SourceError] = []
    with rtsp_camera() as address:
        frames = read_all(address, failures)
    # FFmpeg keeps the first ones to find out what they are; of the others the newest are given.
    assert frames[-1].index > FRAMES_BEFORE_LOSS // 2
    assert frames[0].pixels.shape == (240, 320, 3)
    assert abs(int(frames[0].pixels[0, 0, 0]) - 225) < 4
    assert isinstance(failures[0], CameraLost)


def test_a_camera_that_drops_out_is_lost_not_finished(camera: str) -> None:
    failures: list[SourceError] = []
    assert read_all(f"{camera}/drop", failures)[-1].index == 4
    assert isinstance(failures[0], CameraLost)
    assert "after 5" in str(failures[0])


def test_a_camera_that_stalls_is_lost_in_seconds(camera: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_request, "TIMEOUT_S", 0.5)
    failures: list[SourceError] = []
    assert read_all(f"{camera}/stall", failures)[-1].index == 4
    assert isinstance(failures[0], CameraLost)


@pytest.mark.parametrize("address", ["{camera}/404", "http://127.0.0.1:9/x", "rtsp://127.0.0.1:9/x"])
def test_an_address_without_camera_is_said(address: str, camera: str) -> None:
    with pytest.raises(CameraNotFound):
        read_all(address.format(camera=camera))


def test_passwords_stay_out_of_names_and_messages() -> None:
    assert without_password("rtsp://admin:secret@10.0.0.7/live") == "rtsp://10.0.0.7/live"
    assert without_password("rtsp://admin:p@ss@10.0.0.7/live") == "rtsp://10.0.0.7/live"
    assert without_password("http://10.0.0.7/a@b") == "http://10.0.0.7/a@b"
    with pytest.raises(CameraNotFound) as caught:
        read_all("http://admin:secret@127.0.0.1:9/x")
    assert "secret" not in str(caught.value)


def test_a_picture_behind_a_password(camera: str) -> None:
    address = camera.replace("http://", "http://admin:p%40ss@")
    (frame,) = read_all(f"{address}/login.jpg")
    assert frame.source == f"{camera}/login.jpg"
    with pytest.raises(CameraNotFound, match="403"):
        read_all(f"{camera}/login.jpg")


def test_a_missing_camera_lists_what_there_is() -> None:
    with pytest.raises(CameraNotFound, match="/dev/video87") as caught:
        read_all("camera:87")
    assert "fmnist-edge cameras" in caught.value.hint


def test_a_device_that_is_no_camera_does_not_open() -> None:
    with pytest.raises(CameraNotFound, match="/dev/null is no camera"):
        read_all("/dev/null")


def deny(*_arguments: object) -> bool:
    return False  # root may read everything, so chmod proves nothing in CI


def test_a_forbidden_video_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", deny)
    with pytest.raises(SourceDenied) as caught:
        open_video(Path("/dev/null"))
    assert "chmod" in caught.value.hint


@pytest.mark.parametrize("content", [b"", b"no video at all", b"RIFF\x00\x00\x00\x00AVI LIST"])
def test_a_broken_video_is_unreadable(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.avi"
    path.write_bytes(content)
    with pytest.raises(ImageUnreadable):
        read_all(str(path))
