"""MJPEG over http: whole frames only, losses noticed, whatever the camera's habits."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.errors import CameraLost, CameraNotFound
from edge.frame import Frame
from edge.opencv import cv2
from edge.sources import mjpeg
from edge.sources.grammar import open_source, parse_sources
from edge.sources.network import http_content, http_request, network_mjpeg
from edge.sources.network.network_mjpeg import NetworkMjpegSource
from edge.sources.pictures import decode_image
from edge.sources.settings import AS_THEY_COME, SourceSettings
from tests.edge.sources.certificates import make_certificates
from tests.edge.sources.http_camera import FRAMES
from tests.edge.sources.scripted_camera import Script, Send, answer, parts, scripted_camera
from tests.edge.sources.test_mjpeg import with_thumbnail

MULTIPART = answer("multipart/x-mixed-replace; boundary=frame")
INSECURE = SourceSettings(insecure=True)
SMALL = cv2.imencode(".jpg", decode_image(FRAMES[1], "frame")[:240, :320])[1].tobytes()


def open_address(url: str, settings: SourceSettings = AS_THEY_COME) -> NetworkMjpegSource:
    (source,) = parse_sources([url])
    opened = open_source(source, settings)
    assert isinstance(opened, NetworkMjpegSource), "FFmpeg reads it, or it is one picture"
    return opened


def read_until_lost(*scripts: Script) -> tuple[list[Frame], CameraLost]:
    """The frames of a camera, and how it was lost."""
    found: list[Frame] = []
    with scripted_camera(*scripts) as (address, _), open_address(address) as frames:
        with pytest.raises(CameraLost) as caught:
            found.extend(frames)
        return found, caught.value


def assert_are(frames: list[Frame], *jpegs: bytes) -> None:
    assert [frame.index for frame in frames] == list(range(len(jpegs)))
    for frame, jpeg in zip(frames, jpegs, strict=True):
        assert frame.is_live
        np.testing.assert_array_equal(frame.pixels, decode_image(jpeg, "jpeg"))


@pytest.mark.parametrize(
    "stream",
    [
        answer("multipart/x-mixed-replace; boundary=frame", parts(*FRAMES)),
        answer("multipart/x-mixed-replace; boundary=frame", parts(*FRAMES, length=False)),
        answer("multipart/x-mixed-replace; boundary=frame", parts(*FRAMES, newline="\n", length=False)),
        answer('multipart/x-mixed-replace;boundary="--my frame"', b"\r\n" + parts(*FRAMES, boundary="--my frame")),
        answer("multipart/x-mixed-replace", parts(*FRAMES, boundary="whatever")),
        answer("Multipart/Mixed; boundary=frame", b"Preamble.\r\n" + parts(*FRAMES)),
        answer("video/x-motion-jpeg", b"".join(FRAMES)),
        answer("application/octet-stream", b"".join(FRAMES)),
        answer(None, b"\r\n".join(FRAMES)),
    ],
    ids=["lengths", "no lengths", "LF", "quoted", "no boundary", "mixed", "video", "octets", "untyped"],
)
def test_a_stream_is_read_whatever_it_is_called(stream: bytes) -> None:
    frames, lost = read_until_lost(stream)
    assert_are(frames, *FRAMES)
    assert "after 5" in lost.message


def test_chunked_transfer_is_unpacked() -> None:
    body = parts(*FRAMES)
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:100], body[100:5000], body[5000:]))
    kind = "multipart/x-mixed-replace; boundary=frame"
    frames, _ = read_until_lost(answer(kind, chunks, "Transfer-Encoding: chunked"))
    assert_are(frames, *FRAMES)


def test_one_jpeg_of_unstated_kind_is_one_picture() -> None:
    with scripted_camera(answer("application/octet-stream", FRAMES[0])) as (address, _):
        (source,) = parse_sources([address])
        with open_source(source) as frames:
            (frame,) = frames
    assert not frame.is_live


def test_a_picture_with_another_one_behind_it_stays_a_picture() -> None:
    """Phones append more: a depth map, a brighter version."""
    with scripted_camera(answer("image/jpeg", FRAMES[0] + FRAMES[1])) as (address, _):
        (source,) = parse_sources([address])
        with open_source(source) as frames:
            assert len(list(frames)) == 1


def test_only_whole_frames_are_frames() -> None:
    cut, garbage = FRAMES[1][: len(FRAMES[1]) // 2], b"\xff\xd8\xff" + bytes(range(256)) * 20
    stream = MULTIPART + parts(FRAMES[0], cut, FRAMES[2], garbage, with_thumbnail(FRAMES[3]), b"", FRAMES[4])
    with pytest.warns(UserWarning, match="is left out") as said:
        frames, _ = read_until_lost(stream)
    assert str(said[0].message).startswith("a damaged frame after frame 1 is left out: ")
    assert_are(frames, FRAMES[0], FRAMES[2], FRAMES[3], FRAMES[4])


def test_a_cut_off_frame_is_none_even_with_an_end_marker() -> None:
    cut = FRAMES[1][: len(FRAMES[1]) // 2] + b"\xff\xd9"
    with pytest.warns(UserWarning, match="its lower part is missing"):
        frames, _ = read_until_lost(MULTIPART + parts(FRAMES[0], cut, FRAMES[2]))
    assert_are(frames, FRAMES[0], FRAMES[2])


@pytest.mark.parametrize("missing", [1, 2, 300, len(FRAMES[1]) - 30])
def test_a_frame_that_breaks_off_at_the_end_is_none(missing: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # that the camera is lost says enough
        frames, _ = read_until_lost(MULTIPART + parts(FRAMES[0]) + FRAMES[1][:-missing])
    assert_are(frames, FRAMES[0])


def test_damaged_frames_do_not_flood_the_journal() -> None:
    cut = FRAMES[1][: len(FRAMES[1]) // 2]
    with pytest.warns(UserWarning, match="damaged") as said:
        frames, _ = read_until_lost(MULTIPART + parts(FRAMES[0], *[cut] * 50, FRAMES[2]))
    assert_are(frames, FRAMES[0], FRAMES[2])
    assert len(said) == 2
    assert str(said[1].message).startswith("49 damaged frames are left out")


def test_the_warning_comes_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mjpeg, "WARN_EVERY_S", 0.0)
    cut = FRAMES[1][: len(FRAMES[1]) // 2]
    with pytest.warns(UserWarning, match="a damaged frame") as said:
        read_until_lost(MULTIPART + parts(FRAMES[0], cut, cut, cut, FRAMES[2]))
    assert len(said) == 3


def test_frames_of_another_size_in_the_middle_are_frames() -> None:
    frames, _ = read_until_lost(MULTIPART + parts(FRAMES[0], SMALL, FRAMES[2]))
    assert [frame.pixels.shape for frame in frames] == [(480, 640, 3), (240, 320, 3), (480, 640, 3)]


def test_a_frame_is_there_before_the_next_one_begins_and_says_when_it_came() -> None:
    go_on = threading.Event()
    sent_s: list[float] = []

    def send_one_by_one(send: Send) -> None:
        send(MULTIPART)
        for jpeg in FRAMES:
            send(parts(jpeg))
            sent_s.append(time.monotonic())
            assert go_on.wait(10)
            go_on.clear()

    with scripted_camera(send_one_by_one) as (address, _), open_address(address) as opened:
        frames: Iterator[Frame] = iter(opened)
        for number in range(len(FRAMES)):
            frame = next(frames)  # would wait for ever for a byte of the next frame
            taken_s = time.monotonic()
            assert frame.index == number
            assert frame.captured_at_s + frame.read_ms / 1e3 <= taken_s
            assert abs(frame.captured_at_s - sent_s[-1]) < 0.5
            go_on.set()


def test_a_stall_is_a_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_request, "TIMEOUT_S", 0.3)

    def stall(send: Send) -> None:
        send(MULTIPART + parts(FRAMES[0]) + FRAMES[1][:1000])
        time.sleep(2)

    frames, lost = read_until_lost(stall)
    assert_are(frames, FRAMES[0])
    assert "timed out" in lost.message


def test_a_camera_that_sends_a_byte_now_and_then_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_mjpeg, "FRAME_S", 0.5)

    def drip(send: Send) -> None:
        send(MULTIPART + parts(FRAMES[0]))
        for byte in FRAMES[1]:
            send(bytes([byte]))
            time.sleep(0.05)

    began = time.monotonic()
    frames, lost = read_until_lost(drip)
    assert_are(frames, FRAMES[0])
    assert "no whole frame" in lost.message
    assert time.monotonic() - began < 5


def test_a_reader_that_takes_its_time_loses_no_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the time in which the camera is waited for counts."""
    monkeypatch.setattr(network_mjpeg, "FRAME_S", 0.3)
    with scripted_camera(MULTIPART + parts(*FRAMES)) as (address, _), open_address(address) as opened:
        frames = iter(opened)
        for _ in FRAMES:
            next(frames)
            time.sleep(0.1)


def test_a_camera_may_stream_for_longer_than_a_frame_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_mjpeg, "FRAME_S", 0.3)

    def stream(send: Send) -> None:
        send(MULTIPART)
        for jpeg in FRAMES:
            send(parts(jpeg))
            time.sleep(0.1)

    frames, lost = read_until_lost(stream)
    assert_are(frames, *FRAMES)
    assert "after 5" in lost.message


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nX-Slow: ", MULTIPART[:-2] + b"X: ", answer(None)])
def test_an_answer_that_drips_is_given_up(head: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_content, "OPEN_S", 0.5)

    def drip(send: Send) -> None:
        send(head)
        while True:
            send(b"x")
            time.sleep(0.05)

    began = time.monotonic()
    with scripted_camera(drip) as (address, _), pytest.raises(CameraNotFound, match="too slow"):
        open_address(address)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("encrypted", [False, True])
def test_another_thread_can_interrupt_the_reading(encrypted: bool, tmp_path: Path) -> None:
    def stall(send: Send) -> None:
        send(MULTIPART + parts(FRAMES[0]))
        time.sleep(10)

    tls = make_certificates(tmp_path).server("self") if encrypted else None
    with scripted_camera(stall, tls=tls) as (address, _), open_address(address, INSECURE) as opened:
        found: list[Frame] = []
        reader = threading.Thread(target=lambda: found.extend(opened), daemon=True)
        reader.start()
        deadline_s = time.monotonic() + 10
        while not found and time.monotonic() < deadline_s:
            time.sleep(0.01)
        time.sleep(0.1)  # it waits for the second frame now
        opened.interrupt()
        reader.join(2)
        assert len(found) == 1
        assert not reader.is_alive()


@pytest.mark.parametrize("body", [b"--frame\r\n" + bytes(1 << 21), parts(b"no picture"), b""])
def test_a_stream_of_anything_else_is_said(body: bytes) -> None:
    frames, lost = read_until_lost(MULTIPART + body)
    assert frames == []
    assert "JPEG" in lost.message


def test_a_refused_password_in_mid_run_is_told_when_it_is_opened_again() -> None:
    refusal = answer("text/html", b"<html>no</html>", 'WWW-Authenticate: Basic realm="camera"', status="401 No")
    with scripted_camera(MULTIPART + parts(FRAMES[0]), refusal) as (address, _):
        login = address.replace("http://", "http://admin:secret@")
        with open_address(login) as frames, pytest.raises(CameraLost):
            list(frames)
        with pytest.raises(CameraNotFound, match="refuses the user name or the password"):
            open_address(login)
