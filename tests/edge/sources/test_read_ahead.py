"""Slow pictures are read one ahead in a thread: in order, never more than two at a time, and not on one core."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.opencv import cv2
from edge.sources import read_ahead as module
from edge.sources.read_ahead import read_ahead
from tests.conftest import ROOT

ALWAYS_S = -1.0
NEVER_S = 1e9


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.os, "sched_getaffinity", lambda _process: {0, 1})


class Picture:
    """A thing that can be watched, with the thread that made it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.thread = threading.current_thread()


def pictures(count: int) -> Iterator[Picture]:
    return map(Picture, range(count))


@pytest.mark.parametrize("slow_s", [ALWAYS_S, NEVER_S])
@pytest.mark.parametrize("count", [0, 1, 2, 20])
def test_the_order_is_kept(count: int, slow_s: float) -> None:
    assert [one.number for one in read_ahead(pictures(count), slow_s)] == list(range(count))


def test_only_slow_ones_are_read_in_a_thread() -> None:
    here = threading.current_thread()
    assert all(one.thread is here for one in read_ahead(pictures(5), NEVER_S))
    assert [one.thread is here for one in read_ahead(pictures(5), ALWAYS_S)] == [True, False, False, False, False]


def test_with_one_core_none_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.os, "sched_getaffinity", lambda _process: {0})
    here = threading.current_thread()
    assert all(one.thread is here for one in read_ahead(pictures(5), ALWAYS_S))


def test_at_most_two_are_there() -> None:
    alive: weakref.WeakSet[Picture] = weakref.WeakSet()
    most = 0

    def watched() -> Iterator[Picture]:
        nonlocal most
        for number in range(20):
            picture = Picture(number)
            alive.add(picture)
            most = max(most, len(alive))
            yield picture
            del picture

    for one in read_ahead(watched(), ALWAYS_S):
        assert one in alive
        del one
    assert most <= 2
    gc.collect()
    assert not alive


def test_an_error_comes_when_it_is_its_turn() -> None:
    def broken() -> Iterator[int]:
        yield from (1, 2)
        raise LookupError

    found = read_ahead(broken(), ALWAYS_S)
    assert [next(found), next(found)] == [1, 2]
    with pytest.raises(LookupError):
        next(found)


def test_whoever_stops_early_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    found = read_ahead(pictures(1000), ALWAYS_S)
    assert next(found).number == 0
    assert next(found).number == 1
    found.close()  # type: ignore[attr-defined]
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=30)
        assert not thread.is_alive()


@pytest.mark.slow
@pytest.mark.subprocess
def test_large_pictures_do_not_add_up(tmp_path: Path) -> None:
    """Of 18 MB each, ten take no more memory than three."""
    few, many = tmp_path / "few", tmp_path / "many"
    for folder, count in ((few, 3), (many, 10)):
        folder.mkdir()
        for number in range(count):
            cv2.imwrite(str(folder / f"{number}.png"), np.full((2000, 3000, 3), 200, np.uint8))
    peaks = [peak_megabytes("classify", str(folder), "-f", "json") for folder in (few, many)]
    assert peaks[1] < peaks[0] + 18


PEAK = """
import resource, subprocess, sys
subprocess.run([sys.executable, "-m", "edge.cli", *sys.argv[1:]], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
"""


def peak_megabytes(*arguments: str) -> float:
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return float(done.stdout)
