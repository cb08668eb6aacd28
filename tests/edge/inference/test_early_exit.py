"""Views are looked at until they agree and are sure; what was not needed for an answer is left out."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.frame import Decision, Frame
from edge.inference.classifier import Classifier, open_classifier
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import read_model
from edge.spec import SURE, ImageSpec, ScoreCalibration, TensorSpec
from edge.testing import FakeInterpreter, FakeSource
from tests.edge.isolation.test_person import figure
from train.augment.drawn_people import SKIN_TONES

VIEWS = 12
FLOAT = np.dtype(np.float32)
LABELS = ("a", "b", "c")
PICTURES = np.eye(VIEWS, dtype=np.uint8)[:, np.newaxis] * np.uint8(255)
"""One white pixel each, in the place that is the view's number: (12, 1, 12)."""


class Scripted(FakeInterpreter):
    """Gives each of PICTURES the probabilities that it was told, float (views, 3), and remembers what it was shown."""

    def __init__(self, probabilities: np.ndarray) -> None:
        super().__init__(TensorSpec((1, 1, VIEWS), FLOAT, 0.0, 0), TensorSpec((1, 3), FLOAT, 0.0, 0))
        self._weights[:] = 0
        self._weights[: len(probabilities)] = 1000 * np.log(probabilities)
        self.shown: list[int] = []

    def run(self, batch: np.ndarray) -> np.ndarray:
        self.shown += batch.argmax(axis=2)[:, 0].tolist()
        return super().run(batch)


def scripted(rows: object, early_exit: float | None, reject_below: float = 0.0) -> tuple[Classifier, Scripted]:
    interpreter = Scripted(np.array(rows))
    calibration = ScoreCalibration(0.8, reject_below, early_exit)
    image = ImageSpec(1, VIEWS, 0.0, 1.0)
    return Classifier(interpreter, LABELS, image, gives_logits=False, score_calibration=calibration), interpreter


SURE_A, HALF_A, SURE_B = (0.9, 0.05, 0.05), (0.6, 0.2, 0.2), (0.05, 0.9, 0.05)


def test_one_sure_view_is_enough() -> None:
    classifier, interpreter = scripted([SURE_A, SURE_B, SURE_B], 0.8)
    mean, views = classifier.averaged(PICTURES[:3])
    assert (interpreter.shown, views) == ([0], 1)
    np.testing.assert_array_equal(mean, classifier.averaged(PICTURES[:1])[0])


def test_views_are_added_until_their_mean_is_sure() -> None:
    classifier, interpreter = scripted([HALF_A, SURE_A, SURE_A, SURE_A], 0.82)
    mean, views = classifier.averaged(PICTURES[:4])
    assert (interpreter.shown, views) == ([0, 1, 2], 3)
    assert mean.max() >= 0.82 > classifier.averaged(PICTURES[:1])[0].max()


def test_views_that_disagree_are_all_looked_at_however_sure_they_are() -> None:
    rows = [HALF_A, SURE_B, *[SURE_A] * 4]
    classifier, interpreter = scripted(rows, 0.7)
    mean, views = classifier.averaged(PICTURES[:6])
    assert views == len(interpreter.shown) == 6
    assert mean.max() >= 0.7
    np.testing.assert_array_equal(mean, scripted(rows, None)[0].averaged(PICTURES[:6])[0])


def test_a_score_of_exactly_the_threshold_is_enough_and_the_next_smaller_is_not() -> None:
    score = float(scripted([SURE_A], None)[0].averaged(PICTURES[:1])[0].max())
    assert scripted([SURE_A, SURE_B], score)[0].averaged(PICTURES[:2])[1] == 1
    above = float(np.nextafter(score, 1))
    assert scripted([SURE_A, SURE_B], above)[0].averaged(PICTURES[:2])[1] == 2


def test_of_a_worn_garment_the_torso_is_looked_at_before_it_is_sure() -> None:
    classifier, interpreter = scripted([SURE_A, SURE_A, SURE_A, SURE_B, SURE_A, SURE_A], 0.8)
    _, views = classifier.averaged(PICTURES[:6], 2)
    assert (interpreter.shown, views) == ([0, 3, 1, 4, 2, 5], 6)
    classifier, interpreter = scripted([SURE_A, SURE_A, SURE_A, SURE_A, SURE_A, SURE_A], 0.8)
    assert classifier.averaged(PICTURES[:6], 2)[1] == 2
    assert interpreter.shown == [0, 3]


def test_a_model_without_the_threshold_looks_at_all_views_at_once() -> None:
    classifier, interpreter = scripted([SURE_A] * 6, None)
    _, views = classifier.averaged(PICTURES[:6])
    assert (interpreter.shown, views) == ([0, 1, 2, 3, 4, 5], 6)


def test_what_would_be_unknown_is_not_sure() -> None:
    """`--min-score` above the threshold: one view that is not sure enough for it does not decide."""
    rows = [HALF_A, SURE_A, SURE_A]
    assert scripted(rows, 0.5)[0].averaged(PICTURES[:3])[1] == 1
    assert scripted(rows, 0.5, reject_below=0.85)[0].averaged(PICTURES[:3])[1] == 3


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(*[st.integers(1, 100)] * 3), min_size=1, max_size=6),
    torso=st.booleans(),
    threshold=st.floats(0.3, 1.0),
    reject_below=st.floats(0.0, 1.0),
)
def test_it_stops_at_the_first_sure_round_and_else_answers_as_by_all_views(
    rows: list[tuple[int, int, int]], torso: bool, threshold: float, reject_below: float
) -> None:
    kinds, rounds = (2, len(rows)) if torso else (1, len(rows))
    chances = np.array([*rows, *reversed(rows)][: kinds * rounds], float)
    chances /= chances.sum(axis=1, keepdims=True)
    pictures = PICTURES[: kinds * rounds]
    plain, _ = scripted(chances, None, reject_below)
    classifier, interpreter = scripted(chances, threshold, reject_below)
    mean, views = classifier.averaged(pictures, kinds)
    assert len(interpreter.shown) == views
    assert views % kinds == 0
    labels = plain.probabilities(pictures).argmax(axis=1).reshape(kinds, rounds)

    def sure(seen: int) -> bool:
        """Whether the first rounds agree with a score that is enough."""
        of_them = pictures.reshape(kinds, rounds, 1, VIEWS)[:, :seen].reshape(-1, 1, VIEWS)
        score = float(plain.averaged(of_them)[0].max())
        return len(set(labels[:, :seen].ravel().tolist())) == 1 and score >= max(threshold, reject_below)

    last = views // kinds
    assert not any(sure(seen) for seen in range(1, last))
    if last < rounds:
        assert sure(last)
    else:
        np.testing.assert_array_equal(mean, plain.averaged(pictures)[0])


def test_somebody_in_a_shirt_is_seen_whole_and_as_a_torso() -> None:
    model = read_model("camera")
    quick = dataclasses.replace(model, score_calibration=ScoreCalibration(early_exit=0.0))
    worn, lying = Frame(figure(SKIN_TONES[6]), "here", 0, 0.0, 0.0), Frame(FakeSource.draw(3), "here", 0, 0.0, 0.0)
    classifier = open_classifier(quick, open_interpreter(quick), views=6)
    seen = classifier(worn).views
    assert classifier.last_seen is not None
    assert len(classifier.last_seen.pictures) == 12
    assert seen in {2, 12}, "both at least, all if they disagree"
    assert classifier(lying).views == 1


@pytest.mark.parametrize("most", [1, 2, 6, 8])
def test_views_are_at_most_so_many(most: int) -> None:
    """By the real network, on a drawn photo: at a threshold that no mean reaches, and at one that each does."""
    model = read_model("camera")
    frame = Frame(FakeSource.draw(3), "here", 0, 0.0, 0.0)

    def seen(early_exit: float | None) -> tuple[int, object]:
        calibration = dataclasses.replace(model.score_calibration, early_exit=early_exit, reject_below=0.0)
        changed = dataclasses.replace(model, score_calibration=calibration)
        prediction = open_classifier(changed, open_interpreter(changed), views=most)(frame)
        return prediction.views, prediction.ranked

    assert seen(None)[0] == seen(1.0)[0] == most
    assert seen(1.0) == seen(None)
    assert seen(0.0)[0] == 1
    if most == 1:
        assert seen(0.0) == seen(None)


def test_the_bundled_models_for_cameras_stop_when_sure_and_the_others_see_all() -> None:
    frame = Frame(FakeSource.draw(3), "here", 0, 0.0, 0.0)
    for name, early_exit in (("camera", 0.8), ("camera-zero", 0.8), ("tiny", None)):
        model = read_model(name)
        assert model.score_calibration.early_exit == early_exit
        prediction = open_classifier(model, open_interpreter(model), views=6)(frame)
        assert prediction.decision is not Decision.NO_GARMENT
        assert prediction.views == 6 if early_exit is None else 1 <= prediction.views <= 6
    assert read_model("tiny").score_calibration == SURE


def test_where_nothing_is_shown_no_view_is_looked_at() -> None:
    model = read_model("tiny")
    blank = Frame(np.full((60, 90, 3), 128, np.uint8), "here", 0, 0.0, 0.0)
    assert open_classifier(model, open_interpreter(model), views=6)(blank).views == 0
