"""A black frame and a frozen camera are never classified; a camera that stays frozen is lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count, takewhile

import numpy as np
import pytest

from edge.frame import Decision, Frame
from edge.inference.classifier import Classifier
from edge.sources.grammar import frames_of, parse_sources
from edge.sources.liveness import BLACK_HINT, FROZEN_HINT, Sameness, is_black, mark_unusable
from tests.edge.stories import frame
from tests.edge.tables import COVERED, EMPTY, table


def camera(shade: int = 120, rate: float = 10, *, live: bool = True, freezes_at: int = 0) -> Iterator[Frame]:
    """A noisy camera that freezes at a frame."""
    rng = np.random.default_rng(0)
    pixels = np.zeros(0, np.uint8)
    for number in count():
        if number <= freezes_at:
            pixels = (shade + rng.integers(-2, 3, (48, 64, 3))).astype(np.uint8)
        yield Frame(pixels, "cam", number, number / rate, 0.0, is_live=live)


def until(seconds: float, frames: Iterator[Frame]) -> list[Frame]:
    return list(takewhile(lambda one: one.captured_at_s < seconds, frames))


def frozen_s(frames: Iterator[Frame]) -> list[float]:
    """For how long the camera had been frozen, after each frame."""
    sameness = Sameness()
    found = []
    for one in frames:
        sameness.see(one)
        found.append(round(sameness.frozen_s, 3))
    return found


def test_a_frozen_camera_is_noticed_by_four_equal_frames() -> None:
    found = frozen_s(until(3, camera(freezes_at=10)))
    assert found[:13] == [0.0] * 13
    assert found[13:] == [round(number / 10, 3) for number in range(3, 20)]


def test_a_live_camera_is_not_frozen_and_one_that_comes_back_is_no_longer() -> None:
    assert not any(frozen_s(until(20, camera(freezes_at=1000))))
    assert frozen_s(iter([*until(2.9, camera()), frame(77, 29, 2.9, live=True, size=48)]))[-2:] == [2.8, 0.0]


def test_a_slow_camera_needs_four_equal_frames() -> None:
    assert frozen_s(until(8, camera(rate=0.6))) == [0.0, 0.0, 0.0, 5.0, 6.667]


def test_a_hot_pixel_in_the_dark_has_not_frozen() -> None:
    dark = frame(0, live=True, size=480)
    dark.pixels[7, 7] = 255
    frames = until(60, (replace(dark, index=number, captured_at_s=number / 10) for number in count()))
    assert {one.unusable_because for one in mark_unusable(frames)} == {BLACK_HINT}
    assert not any(frozen_s(iter(frames)))


@pytest.mark.parametrize("shade", [0, 3, 255])
def test_a_sensor_without_noise_in_the_dark_or_the_glare_has_not_frozen(shade: int) -> None:
    frames = (frame(shade, number, number / 10, live=True) for number in count())
    assert not any(frozen_s(until(60, frames)))


def test_how_long_a_camera_has_been_black() -> None:
    sameness = Sameness()
    seen = []
    for number, shade in enumerate([90, 0, 0, 0, 90, 0]):
        sameness.see(frame(shade, number, number / 2, live=True))
        seen.append((sameness.is_black, sameness.black_s))
    assert seen == [(False, 0), (True, 0), (True, 0.5), (True, 1), (False, 0), (True, 0)]


def test_a_file_may_repeat_its_frames() -> None:
    assert not any(one.unusable_because for one in until(60, mark_unusable(camera(live=False))))


def test_a_black_frame_is_marked_in_every_source() -> None:
    rng = np.random.default_rng(0)
    covered = table(COVERED, rng)
    covered[5, 5] = 255  # a hot pixel
    for live in (True, False):
        (one,) = mark_unusable([Frame(covered, "cam", 0, 0.0, 0.0, is_live=live)])
        assert one.unusable_because == BLACK_HINT
    assert is_black(np.zeros((28, 28, 3), np.uint8))
    assert not is_black(table(EMPTY, rng))
    assert not is_black(table("bag", rng))


def test_a_light_in_the_dark_is_not_black() -> None:
    dark = np.full((480, 640, 3), 5, np.uint8)
    dark[200:220, 300:320] = 120
    assert not is_black(dark)


def test_no_bundled_sample_is_black() -> None:
    samples = list(frames_of(parse_sources(["samples:"]), lambda error: None))
    assert len(samples) == 10
    assert not any(one.unusable_because for one in samples)


def test_a_flawed_frame_is_never_classified(classifier: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where it shows a garment: nothing runs, and the reason is said."""
    shirt = Frame(table("t-shirt-top", np.random.default_rng(0)), "cam", 9, 0.0, 1.5)
    assert classifier(shirt).decision is Decision.GARMENT
    monkeypatch.setattr(classifier, "probabilities", lambda _: pytest.fail("it was classified"))
    answer = classifier(Frame(shirt.pixels, "cam", 9, 0.0, 1.5, unusable_because=FROZEN_HINT))
    assert (answer.decision, answer.ranked, answer.hint) == (Decision.NO_GARMENT, (), FROZEN_HINT)
    assert (answer.source, answer.frame, answer.latency_ms["invoke"]) == ("cam", 9, 0)
