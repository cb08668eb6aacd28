"""Frames of any source, turned and mirrored; and what the options refuse."""

from __future__ import annotations

import math
import time
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from edge.choices import Flip, Rotation
from edge.errors import BadOption
from edge.frame import Frame
from edge.opencv import cv2
from edge.sources.grammar import frames_of, parse_sources
from edge.sources.orientation import oriented, turned
from edge.sources.settings import AS_THEY_COME, SourceSettings, parse_fps, parse_resolution
from edge.testing import FakeSource

NOISE = np.random.default_rng(3).integers(0, 256, (4, 6, 3), np.uint8)


@pytest.mark.parametrize("rotation", list(Rotation))
@pytest.mark.parametrize("flip", [None, *Flip])
def test_turned_clockwise_then_mirrored(rotation: Rotation, flip: Flip | None) -> None:
    expected = np.rot90(NOISE, -int(rotation) // 90)
    if flip in {Flip.HORIZONTAL, Flip.BOTH}:
        expected = expected[:, ::-1]
    if flip in {Flip.VERTICAL, Flip.BOTH}:
        expected = expected[::-1]
    assert np.array_equal(turned(NOISE, rotation, flip), expected)


def read(source: str, settings: SourceSettings) -> list[Frame]:
    def fail(error: Exception) -> None:
        raise error

    return list(islice(frames_of(parse_sources([source]), fail, settings=settings), 3))


@pytest.mark.parametrize("name", ["picture.png", "clip.avi"])
def test_pictures_and_videos_are_turned_too(name: str, tmp_path: Path) -> None:
    pixels = np.kron(NOISE, np.ones((16, 16, 1), np.uint8))
    path = tmp_path / name
    if name.endswith("png"):
        cv2.imwrite(str(path), pixels)
    else:
        video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"FFV1"), 10, (96, 64))
        video.write(pixels)
        video.release()
    (frame,) = read(str(path), SourceSettings(rotation=Rotation.RIGHT))
    (plain,) = read(str(path), AS_THEY_COME)
    assert np.array_equal(frame.pixels, np.rot90(plain.pixels, -1))
    assert (frame.source, frame.index) == (plain.source, plain.index)


def test_the_fake_camera_keeps_the_rate_asked_for() -> None:
    began = time.monotonic()
    first, _second, third = read("fake:3", SourceSettings(fps=20, flip=Flip.VERTICAL))
    assert time.monotonic() - began >= 0.1
    assert 0.09 <= third.captured_at_s - first.captured_at_s <= 1
    (plain,) = read("fake:1", AS_THEY_COME)
    assert np.array_equal(first.pixels, plain.pixels[::-1])


@pytest.mark.parametrize("text", ["", "640", "640x", "x480", "0x480", "-1x5", "640x480x3", "1e3x5", "640*480", "٣x٣"])
def test_what_is_no_resolution(text: str) -> None:
    with pytest.raises(BadOption, match="--resolution"):
        parse_resolution(text)


def test_a_resolution() -> None:
    assert parse_resolution("1280x720") == parse_resolution(" 1280X720 ") == (1280, 720)


@pytest.mark.parametrize("fps", [0.0, -5.0, math.nan, math.inf])
def test_what_is_no_rate(fps: float) -> None:
    with pytest.raises(BadOption, match="--fps"):
        parse_fps(fps)


def test_what_a_source_says_of_itself_stays() -> None:
    class Source(FakeSource):
        repeats_still_scenes = True

    with oriented(Source(1), Rotation.HALF, None) as frames:
        assert getattr(frames, "repeats_still_scenes", False)
        assert getattr(frames, "interrupt", None) is None
        assert len(list(frames)) == 1
