"""Pictures that are classified together are given the very answers that each would be given alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge.choices import Backend
from edge.frame import Frame, Prediction
from edge.inference import small_pictures
from edge.inference.classifier import Classifier, open_classifier
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import bundled_models, read_model
from edge.inference.small_pictures import classify_together
from edge.sources.liveness import BLACK_HINT
from edge.testing import FakeSource
from tests.conftest import Sample
from tests.edge.inference.twice_as_large import twice_as_large


def frame(grey: np.ndarray, index: int) -> Frame:
    return Frame(np.repeat(grey[:, :, np.newaxis], 3, axis=2), f"{index}.png", 0, 0.0, 1.5)


def without_times(prediction: Prediction) -> Prediction:
    assert set(prediction.latency_ms) == {"read", "preprocess", "invoke"}
    assert prediction.time is not None
    return replace(prediction, latency_ms={}, time=None)


def check(classifier: Classifier, frames: list[Frame]) -> None:
    together = [without_times(one) for one in classify_together(classifier, frames)]
    assert together == [without_times(classifier(one)) for one in frames]


@pytest.mark.parametrize("name", bundled_models())
def test_answers_are_equal_to_the_bit(name: str, backend: str, sample: Sample) -> None:
    model = read_model(name)
    classifier = open_classifier(model, open_interpreter(model, Backend(backend)), views=6)
    frames = [frame(image, index) for index, image in enumerate(sample.images[:100])]
    for start in range(0, 100, 16):
        check(classifier, frames[start : start + 16])


def test_blank_ones_are_no_garment(classifier: Classifier, sample: Sample) -> None:
    blank, nearly = np.full((28, 28), 200, np.uint8), np.full((28, 28), 200, np.uint8)
    nearly[3, 3], nearly[4, 4] = 203, 196
    frames = [frame(grey, index) for index, grey in enumerate((sample.images[0], blank, nearly, sample.images[1]))]
    check(classifier, frames)
    assert [bool(one.ranked) for one in classify_together(classifier, frames)] == [True, False, False, True]


def test_other_frames_among_them_are_taken_one_by_one(classifier: Classifier, sample: Sample) -> None:
    small = [frame(image, index) for index, image in enumerate(sample.images[:3])]
    photo = Frame(FakeSource.draw(0), "photo.jpg", 0, 0.0, 1.5)
    black = replace(small[0], unusable_because=BLACK_HINT)
    for frames in ([*small, photo], [photo], [black, *small], small[:1], []):
        check(classifier, frames)


def test_each_has_its_share_of_the_time(classifier: Classifier, sample: Sample) -> None:
    found = classify_together(classifier, [frame(image, index) for index, image in enumerate(sample.images[:4])])
    assert len({one.latency_ms["invoke"] for one in found}) == 1
    assert all(one.latency_ms["invoke"] > 0 and one.latency_ms["read"] == 1.5 for one in found)


def test_pictures_of_half_the_size_are_taken_together_too(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    """And answered as the model of their own size answers them."""
    tiny = read_model("tiny")
    large = twice_as_large(tiny)
    frames = [frame(image, index) for index, image in enumerate(sample.images[:12])]
    frames[3] = frame(np.kron(sample.images[3], np.ones((2, 2), np.uint8)), 3)
    check(large, frames)
    small = open_classifier(tiny, open_interpreter(tiny))
    frames[3] = frame(sample.images[3], 3)
    together = [without_times(one) for one in classify_together(large, frames)]
    assert together == [without_times(small(one)) for one in frames]
    monkeypatch.setattr(Classifier, "__call__", lambda *_: pytest.fail("one by one"))
    assert len(small_pictures.classify_together(large, frames)) == 12
