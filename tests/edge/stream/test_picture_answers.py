"""Answers of pictures come in order, each as soon as it is there."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from edge.errors import ImageUnreadable, SourceError
from edge.frame import Frame, Prediction
from edge.inference.classifier import Classifier
from edge.sources import read_ahead
from edge.sources.grammar import Input, Kind
from edge.sources.settings import AS_THEY_COME
from edge.stream.picture_answers import answer_pictures, frames_of_pictures, reported
from tests.edge.tables import SAMPLES


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_ahead.os, "sched_getaffinity", lambda _process: {0, 1})


def inputs(*names: str) -> list[Input]:
    return [Input(Kind.IMAGE, str(SAMPLES.get(name, name))) for name in names]


def test_a_slow_picture_keeps_no_answer_back(classifier: Classifier) -> None:
    """While one answer is in use, the next picture is read; its answer does not wait for the picture behind it."""
    seen, answered = [], threading.Event()

    def slowly(frames: Iterable[Frame]) -> Iterator[Frame]:
        for frame in frames:
            if len(seen) == 2:
                assert answered.wait(30), "the second answer waits for the third picture"
            time.sleep(2 * read_ahead.SLOW_S)
            seen.append(frame.source)
            yield frame

    pictures = inputs("coat", "bag", "sandal")
    answers = answer_pictures(pictures, classifier, slowly, AS_THEY_COME)
    assert len(next(answers)) == 1
    while len(seen) < 2:
        time.sleep(0.01)
    time.sleep(0.1)  # it lies ready
    (second,) = next(answers)
    assert isinstance(second, Prediction)
    assert second.source == pictures[1].where
    answered.set()
    assert sum(map(len, answers)) == 1


@pytest.mark.parametrize("slow_s", [-1.0, 1e9])
def test_an_error_stands_in_the_place_of_its_picture(
    classifier: Classifier, tmp_path: Path, slow_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_ahead.read_ahead, "__defaults__", (slow_s,))
    torn = tmp_path / "torn.png"
    torn.write_bytes(b"?")
    pictures = inputs(str(torn), "coat", str(torn), str(torn), "bag", str(torn))
    answers = [one for batch in answer_pictures(pictures, classifier, iter, AS_THEY_COME) for one in batch]
    assert [isinstance(one, ImageUnreadable) for one in answers] == [True, False, True, True, False, True]
    reports: list[SourceError] = []
    frames = list(reported(frames_of_pictures(pictures, iter, AS_THEY_COME), reports.append))
    assert [frame.source for frame in frames] == [pictures[1].where, pictures[4].where]
    assert len(reports) == 4
