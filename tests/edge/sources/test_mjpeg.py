"""MJPEG through pipes: every frame, at once, whatever lies between and whatever is damaged."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.errors import ImageUnreadable
from edge.opencv import cv2
from edge.sources.grammar import frames_of, parse_sources
from edge.sources.mjpeg import MAX_GAP_BYTES, JpegSplitter, PipeSource
from edge.sources.pictures import decode_image
from tests.conftest import ROOT
from tests.edge.sources.http_camera import FRAMES

PROGRESSIVE = cv2.imencode(
    ".jpg", decode_image(FRAMES[0], "first"), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 4]
)[1].tobytes()


def with_thumbnail(jpeg: bytes) -> bytes:
    """A JPEG with another one, end marker and all, in an application segment, as EXIF has it."""
    small = cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))[1].tobytes()
    return jpeg[:2] + b"\xff\xe1" + (len(small) + 2).to_bytes(2, "big") + small + jpeg[2:]


def frames_in(content: bytes) -> list[np.ndarray]:
    return [frame.pixels for frame in PipeSource(io.BytesIO(content), "pipe")]


@pytest.mark.parametrize("chunk", [1, 7, 1000, 1 << 20])
@pytest.mark.parametrize("between", [b"", b"\n", bytes(100), b"\r\n--frame\r\nContent-Type: image/jpeg\r\n\r\n"])
def test_jpegs_are_split_where_they_end_however_they_come(chunk: int, between: bytes) -> None:
    jpegs = [FRAMES[0], PROGRESSIVE, with_thumbnail(FRAMES[1]), with_thumbnail(PROGRESSIVE), FRAMES[2]]
    stream = between + between.join(jpegs)
    splitter = JpegSplitter()
    found = [one for at in range(0, len(stream), chunk) for one in splitter.feed(stream[at : at + chunk])]
    assert found == jpegs
    assert splitter.rest == b""


def test_frames_are_numbered_and_equal_the_pictures() -> None:
    frames = list(PipeSource(io.BytesIO(b"".join(FRAMES)), "pipe"))
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    for frame, jpeg in zip(frames, FRAMES, strict=True):
        np.testing.assert_array_equal(frame.pixels, decode_image(jpeg, "jpeg"))


@pytest.mark.parametrize("damage", ["cut", "overwritten"])
def test_a_damaged_frame_is_left_out_and_said(damage: str) -> None:
    half = len(FRAMES[1]) // 2
    bad = FRAMES[1][:half] if damage == "cut" else FRAMES[1][:4] + bytes(40) + FRAMES[1][44:]
    with pytest.warns(UserWarning, match="damaged frame after frame 1 is left out"):
        found = frames_in(FRAMES[0] + bad + FRAMES[2] + FRAMES[3])
    assert len(found) == 3
    np.testing.assert_array_equal(found[-1], decode_image(FRAMES[3], "jpeg"))


def test_a_truncated_last_frame_is_said() -> None:
    with pytest.warns(UserWarning, match="truncated"):
        assert len(frames_in(FRAMES[0] + FRAMES[1][:-20])) == 1


def test_one_truncated_jpeg_alone_is_an_error() -> None:
    with pytest.warns(UserWarning), pytest.raises(ImageUnreadable, match="truncated"):
        frames_in(FRAMES[0][:-20])


def test_garbage_without_end_is_refused_in_little_memory() -> None:
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1) -> bytes:
            self.given += 1 << 16
            return b"--" + bytes((1 << 16) - 2)

    garbage = Endless()
    with pytest.raises(ImageUnreadable, match="no stream of JPEGs"):
        list(PipeSource(garbage, "pipe"))
    assert garbage.given < 2 * MAX_GAP_BYTES


def test_other_pictures_stay_one_picture() -> None:
    picture = decode_image(FRAMES[0], "jpeg")
    np.testing.assert_array_equal(frames_in(cv2.imencode(".png", picture)[1].tobytes())[0], picture)
    with pytest.raises(ImageUnreadable, match=r"^standard input is empty"):
        list(PipeSource(io.BytesIO(b""), "-"))


def test_a_frame_is_there_before_the_next_one_begins() -> None:
    reading, writing = os.pipe()
    with open(reading, "rb") as pipe, open(writing, "wb", buffering=0) as writer:  # noqa: PTH123
        frames = iter(PipeSource(pipe, "pipe"))
        for number in range(3):
            writer.write(FRAMES[number])
            assert next(frames).index == number  # would wait for ever for a byte of the next frame


def test_a_named_pipe_is_read_like_standard_input(tmp_path: Path) -> None:
    pipe = tmp_path / "camera"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(b"".join(FRAMES)))
    writer.start()
    found = list(frames_of(parse_sources([str(pipe)]), pytest.fail))
    writer.join()
    assert [frame.source for frame in found] == [str(pipe)] * 5


@pytest.fixture
def camera() -> Iterator[subprocess.Popen[bytes]]:
    """A program that writes JPEGs until nobody reads them, as rpicam-vid does."""
    endless = "import sys, time\nwhile True: sys.stdout.buffer.write(bytes.fromhex(sys.argv[1])); time.sleep(0.02)"
    with subprocess.Popen(
        [sys.executable, "-uc", endless, FRAMES[0].hex()], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        yield process
        process.kill()


@pytest.mark.subprocess
def test_a_camera_piped_into_the_command(camera: subprocess.Popen[bytes]) -> None:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "edge.cli", "classify", "-", "--limit", "3", "-f", "json"],
        stdin=camera.stdout,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["frame"] for line in done.stdout.splitlines()] == [0, 1, 2]
    assert time.monotonic() - began < 30


@pytest.mark.subprocess
def test_the_command_tells_the_same_trouble_again(tmp_path: Path) -> None:
    """Python tells a warning of the same words once, and remembers all others."""
    stream = tmp_path / "stream"
    stream.write_bytes(FRAMES[0][:2000] * 2 + FRAMES[1])
    script = (
        "import sys; from edge.cli import console; from edge.sources import mjpeg; mjpeg.WARN_EVERY_S = 0.0\n"
        "def read(): return list(mjpeg.PipeSource(open(sys.argv[1], 'rb'), 'pipe'))\n"
        "console.run(read); sys.exit(len(set(getattr(mjpeg, '__warningregistry__', ())) - {'version'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(stream)], capture_output=True, text=True, check=False, timeout=60, cwd=ROOT
    )
    assert done.stderr.count("warning: a damaged frame after frame 0 is left out") == 2
    assert done.returncode == 0
