"""Frames are classified once in so many seconds, and only when something moves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.frame import Frame
from edge.opencv import cv2
from edge.sources.grammar import frames_of, parse_sources
from edge.sources.video import VideoSource, open_video
from edge.stream.motion import moving, spaced
from edge.testing import FakeSource
from edge.thumbnail import differ, thumbnail
from tests.edge.stories import frame
from tests.edge.tables import write_clip

if TYPE_CHECKING:
    from numpy.typing import NDArray


def raise_it(error: Exception) -> None:
    raise error


def timed(shades: list[int], step_s: float = 0.1) -> list[Frame]:
    return [frame(shade, number, number * step_s) for number, shade in enumerate(shades)]


def test_at_most_one_frame_in_an_interval() -> None:
    frames = timed([100] * 50)
    passed = [one.captured_at_s for one in spaced(frames, 0.75)]
    assert passed == pytest.approx([0, 0.8, 1.6, 2.4, 3.2, 4.0, 4.8])
    assert len(list(spaced(frames, 0))) == 50
    assert len(list(spaced(frames, 1000))) == 1


def test_frames_between_are_read_so_that_the_next_is_fresh() -> None:
    read: list[int] = []

    def camera() -> object:
        for one in timed([100] * 20):
            read.append(one.index)
            yield one

    passed = spaced(camera(), 1.0)  # type: ignore[arg-type]
    assert [next(passed).index, next(passed).index] == [0, 10]
    assert read == list(range(11))


@pytest.mark.parametrize(
    ("name", "codec"), [("a.avi", "FFV1"), ("b.avi", "MJPG"), ("c.mp4", "mp4v"), ("d.mkv", "FFV1")]
)
def test_a_video_file_has_its_own_time(tmp_path: Path, name: str, codec: str) -> None:
    """However fast it is decoded: 40 frames at 10 a second are four seconds."""
    path = write_clip(tmp_path / name, ["-"] * 40, codec)
    with open_video(path) as video:
        times = [one.captured_at_s for one in video]
    assert np.diff(times) == pytest.approx([0.1] * 39, abs=2e-3)
    passed = frames_of(parse_sources([str(path)]), raise_it, lambda frames: spaced(frames, 1.0))
    assert [one.index for one in passed] == [0, 10, 20, 30]


def test_a_bare_stream_of_jpegs_has_a_time(tmp_path: Path) -> None:
    path = tmp_path / "bare.mjpeg"
    clip = write_clip(tmp_path / "clip.avi", ["-"] * 10, "MJPG")
    content = clip.read_bytes()
    starts = [place for place in range(len(content) - 1) if content[place : place + 3] == b"\xff\xd8\xff"]
    path.write_bytes(b"".join(content[start : content.index(b"\xff\xd9", start) + 2] for start in starts))
    with open_video(path) as video:
        times = [one.captured_at_s for one in video]
    assert np.diff(times) == pytest.approx([0.04] * (len(times) - 1), abs=2e-3)  # FFmpeg assumes 25 a second
    assert len(times) == 10


class CaptureOfFile:
    """A file whose frames come at these times: OpenCV writes neither uneven times nor none."""

    def __init__(self, times_ms: list[float], rate: float) -> None:
        self._times_ms = [0.0, *times_ms]
        self._facts = {cv2.CAP_PROP_FRAME_COUNT: float(len(times_ms)), cv2.CAP_PROP_FPS: rate}

    def get(self, wanted: int) -> float:
        return self._facts.get(wanted, self._times_ms[0])

    def read(self) -> tuple[bool, NDArray[np.uint8] | None]:
        del self._times_ms[0]
        return (True, np.zeros((8, 8, 3), np.uint8)) if self._times_ms else (False, None)


def times_of(times_ms: list[float], rate: float) -> list[float]:
    return [one.captured_at_s for one in VideoSource(CaptureOfFile(times_ms, rate), "clip")]  # type: ignore[arg-type]


def test_uneven_times_are_believed_but_never_run_backwards() -> None:
    assert np.diff(times_of([0, 40, 500, 480, 600], 20.0)) == pytest.approx([0.04, 0.46, 0, 0.1])


def test_a_file_that_tells_no_times_goes_by_its_rate() -> None:
    assert np.diff(times_of([0.0] * 6, 20.0)) == pytest.approx([0.05] * 5)
    assert np.diff(times_of([0.0] * 6, 0.0)) == pytest.approx([0.0] * 5)


def test_nothing_passes_while_nothing_moves() -> None:
    rng = np.random.default_rng(0)
    noisy = [
        Frame(np.clip(120 + rng.normal(0, 6, (480, 640, 3)), 0, 255).astype(np.uint8), "cam", number, number * 0.1, 0.0)
        for number in range(30)
    ]
    assert [one.index for one in moving(noisy, 3.0)] == list(range(11))  # until it has been still for a second


def test_motion_opens_the_gate_until_all_is_still() -> None:
    frames = timed([100] * 20 + [110, 120, 130] + [130] * 30)
    assert [one.index for one in moving(frames, 3.0)] == [*range(11), *range(20, 33)]


def test_a_slow_change_adds_up() -> None:
    frames = timed([100] * 20 + [100 + number // 5 for number in range(100)])
    passed = [one.index for one in moving(frames, 3.0)]
    assert passed[:11] == list(range(11))
    assert [one for one in passed if one > 11]
    assert len(passed) < len(frames)


def test_a_new_flaw_passes_the_gate() -> None:
    plain = timed([100] * 60)
    flawed = [
        Frame(
            one.pixels,
            one.source,
            one.index,
            one.captured_at_s,
            0.0,
            unusable_because="frozen" if one.index >= 40 else None,
        )
        for one in plain
    ]
    assert [one.index for one in moving(flawed, 3.0)] == [*range(11), *range(40, 51)]


def test_a_small_garment_is_motion_and_the_fake_cameras_drift_is() -> None:
    table = np.full((480, 640, 3), 200, np.uint8)
    garment = table.copy()
    garment[100:300, 200:360] = 150
    assert differ(thumbnail(table), thumbnail(garment), 3.0)
    assert not differ(thumbnail(table), thumbnail(table), 0)
    frames = frames_of(parse_sources(["fake:6"]), raise_it, lambda frames: moving(frames, 1.0))
    assert [one.index for one in frames] == list(range(6))


def test_a_thumbnail_is_the_same_for_the_same_frame_and_small() -> None:
    look = thumbnail(FakeSource.draw(0))
    assert (look.shape, look.dtype) == ((48, 64), np.uint8)
    np.testing.assert_array_equal(look, thumbnail(FakeSource.draw(0)))
    assert differ(look, thumbnail(FakeSource.draw(5)), 1.0)
    assert differ(thumbnail(np.zeros((5, 5, 3), np.uint8)), thumbnail(np.full((9, 7, 3), 255, np.uint8)), 254)
