"""A live source that is lost is noticed, reported and opened again; nothing is made up meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise

import numpy as np
import pytest

from edge.errors import CameraLost, CameraNotFound
from edge.frame import Frame, FrameSource
from edge.sources.live import UNWATCHED, LiveSource
from edge.sources.liveness import BLACK_HINT
from tests.edge.sources.live_sources import (
    HOUR_S,
    LIMITS,
    RATE_S,
    Camera,
    Journal,
    endless,
    frames,
    hang,
    live,
    refuse,
    watched,
)


def test_a_stream_that_ends_is_opened_again_and_its_frames_are_numbered_on() -> None:
    camera, journal = Camera(lambda: frames(5), endless), Journal()
    found = watched(camera, journal, 12)
    assert journal.events == [("lost", "ended"), ("back", "1")]
    numbers = [one.index for one in found]
    assert numbers == sorted(set(numbers))
    assert numbers[0] == 0
    assert numbers[-1] >= 11
    time.sleep(0.1)
    assert camera.closed == camera.opened == 2


def test_a_driver_that_hangs_is_noticed_from_outside() -> None:
    journal = Journal()
    watched(Camera(hang, endless), journal, 12)
    assert journal.events == [("lost", "stalled"), ("back", "1")]
    assert LIMITS.stalled_s < journal.away_s[0] < 6 * LIMITS.stalled_s


def test_after_many_openings_a_silent_connection_is_given_up_as_soon_as_ever() -> None:
    camera = Camera(*[lambda: frames(3)] * 5, hang, endless)
    journal = Journal()
    watched(camera, journal, 30)
    assert [loss for kind, loss in journal.events if kind == "lost"] == ["ended"] * 5 + ["stalled"]
    assert [attempts for kind, attempts in journal.events if kind == "back"][:5] == ["1"] * 5, "each loss has its own"
    assert journal.away_s[-1] < LIMITS.stalled_s + LIMITS.patience_s + LIMITS.pause_most_s + 1.5


def test_an_opening_that_hangs_is_tried_again() -> None:
    journal = Journal()
    found = watched(Camera(lambda: frames(3), lambda: iter([time.sleep(HOUR_S)]), endless), journal, 9)  # type: ignore[func-returns-value,list-item]
    assert journal.events == [("lost", "ended"), ("back", "2")]
    assert len(found) == 9


def test_a_frozen_camera_is_opened_again_and_is_not_back_while_it_shows_the_same() -> None:
    def frozen() -> Iterable[Frame]:
        return frames(10**9, noise=False)

    journal = Journal()
    found = watched(Camera(frozen, frozen, endless), journal, 60)
    assert journal.events == [("lost", "frozen"), ("back", "2")]
    equal = [one for one in found if one.pixels[1, 1, 0] == 120]
    assert len(equal) * RATE_S < 2 * LIMITS.frozen_s, "frozen frames go on being given"


def test_a_camera_that_begins_each_time_with_the_frame_it_froze_at_is_back_with_the_next() -> None:
    def frozen() -> Iterable[Frame]:
        return frames(10**9, noise=False)

    def well() -> Iterable[Frame]:
        yield from frames(1, noise=False)
        yield from endless()

    camera, journal = Camera(frozen, well), Journal()
    watched(camera, journal, 60)
    assert (journal.events, camera.opened) == ([("lost", "frozen"), ("back", "1")], 2)


def test_a_stream_that_codes_differences_may_stand_still_for_longer() -> None:
    class Coded(Camera):
        def __call__(self) -> FrameSource:
            opened = super().__call__()
            still = iter(frames(40, noise=False))

            class Source:
                repeats_still_scenes = True

                def __iter__(self) -> Iterator[Frame]:
                    return still

                def __enter__(self) -> Source:
                    return self

                def __exit__(self, *_: object) -> None:
                    pass

            del opened
            return Source()  # type: ignore[return-value]

    journal = Journal()
    assert len(watched(Coded(endless), journal, 30)) == 30
    assert LIMITS.frozen_s < 30 * RATE_S
    assert journal.events == []


def test_a_black_camera_is_lost_but_not_opened_again() -> None:
    def lamp_off() -> Iterable[Frame]:
        yield from frames(5)
        for _ in frames(60):
            dark = np.zeros((48, 64, 3), np.uint8)
            yield Frame(dark, "cam", 5 + _.index, time.monotonic(), 0.0, is_live=True)
        for one in endless():
            yield Frame(one.pixels, "cam", 65 + one.index, one.captured_at_s, 0.0, is_live=True)

    camera, journal = Camera(lamp_off), Journal()
    found = watched(camera, journal, 40)
    assert (journal.events, camera.opened) == ([("lost", "black"), ("back", "0")], 1)
    dark = [one for one in found if not one.pixels.any()]
    assert {one.unusable_because for one in dark} == {BLACK_HINT}
    assert len(dark) * RATE_S < 2 * LIMITS.black_s, "nothing is given while it is lost"


def test_a_short_hiccup_is_no_loss_and_a_slow_camera_is_learnt() -> None:
    def hiccup() -> Iterable[Frame]:
        yield from frames(10)
        time.sleep(0.7 * LIMITS.stalled_s)
        yield from endless()

    journal = Journal()
    watched(Camera(hiccup), journal, 20)
    assert journal.events == []
    slow = Journal()
    watched(Camera(lambda: frames(10, rate_s=1.3 * LIMITS.stalled_s)), slow, 8, limits=LIMITS)
    assert slow.events in ([], [("lost", "stalled"), ("back", "0")]), "once, until its rate is known"


def test_a_camera_that_is_not_there_at_first_is_an_error_unless_one_waits() -> None:
    journal = Journal()
    with pytest.raises(CameraNotFound, match="nobody"):
        watched(Camera(refuse), journal, 1)
    assert journal.events == []
    watched(Camera(refuse, refuse, endless), journal, 3, waits_at_start=True)
    assert journal.events == [("lost", "not_found"), ("back", "2")]


def test_retries_are_counted_and_used_up() -> None:
    camera, journal = Camera(lambda: frames(3), refuse), Journal()
    with pytest.raises(CameraLost, match="cam is lost: nobody is there"):
        watched(camera, journal, 10, retry=2)
    assert journal.events == [("lost", "ended")]
    assert camera.opened == 3


def test_without_retries_a_loss_is_an_error() -> None:
    journal = Journal()
    with pytest.raises(CameraLost):
        watched(Camera(lambda: frames(3)), journal, 10, retry=0, limits=UNWATCHED)
    assert journal.events == [("lost", "ended")]


def test_the_newest_frame_wins_and_dropped_ones_are_counted() -> None:
    journal = Journal()
    with LiveSource(Camera(lambda: frames(200, rate_s=0.005)), "cam", journal, limits=LIMITS) as source:
        found = []
        for one in islice(source, 6):
            found.append(one)
            time.sleep(0.1)
            assert time.monotonic() - one.captured_at_s < 0.3
    gaps = [later.index - one.index - 1 for one, later in pairwise(found)]
    assert sum(gaps) > 10
    assert [one.dropped for one in found][1:] == gaps


def test_what_an_address_turns_out_to_be_a_file_loses_no_frame_and_ends() -> None:
    def film() -> Iterable[Frame]:
        return (live(90, index, is_live=False) for index in range(30))

    journal = Journal()
    with LiveSource(Camera(film), "film", journal, limits=LIMITS) as source:
        numbers = []
        for one in source:
            numbers.append(one.index)
            time.sleep(0.005)
    assert numbers == list(range(30))
    assert journal.events == []


def test_a_bug_in_a_source_is_no_loss() -> None:
    def broken() -> Iterable[Frame]:
        yield from frames(2)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        watched(Camera(broken), Journal(), 10)


def test_the_pauses_grow_and_no_thread_is_left_behind() -> None:
    camera, journal = Camera(lambda: frames(1), refuse), Journal()
    began = time.monotonic()
    with pytest.raises(CameraLost):
        watched(camera, journal, 10, retry=8)
    spent_s = time.monotonic() - began
    least_s = 0.5 * sum(min(LIMITS.pause_most_s, LIMITS.pause_first_s * 2**number) for number in range(8))
    assert least_s < spent_s < 4 * least_s + 1
    time.sleep(0.1)
    assert not [one for one in threading.enumerate() if one.name == "camera" and one.is_alive()][8:]


def test_a_loss_again_and_again_is_told_again_and_again_but_not_faster_than_the_pauses() -> None:
    journal = Journal()
    began = time.monotonic()
    watched(Camera(lambda: frames(1)), journal, 8)
    assert [kind for kind, _ in journal.events] == ["lost", "back"] * 7
    assert time.monotonic() - began > 0.5 * sum(
        min(LIMITS.pause_most_s, LIMITS.pause_first_s * 2**number) for number in range(7)
    )


def test_whoever_waits_is_ticked_though_frames_come_without_a_pause() -> None:
    """A filter behind the source (--motion) may pass none of them on; SIGTERM and heartbeats must not wait for it."""
    journal = Journal()
    watched(Camera(lambda: frames(20)), journal, 20)
    assert journal.ticks >= 20


def test_whoever_is_ticked_may_end_the_run() -> None:
    class Over(Exception):
        pass

    class Impatient(Journal):
        def tick(self) -> None:
            if self.events:
                raise Over

    began = time.monotonic()
    with pytest.raises(Over):
        watched(Camera(hang, hang), Impatient(), 10)
    assert time.monotonic() - began < 10
