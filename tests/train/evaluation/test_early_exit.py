"""From which score on views that agree suffice, fitted to answers whose truth is known; and where the device stops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.inference.classifier import Classifier, softmax
from edge.spec import ImageSpec, ScoreCalibration, TensorSpec
from edge.testing import FakeInterpreter
from train.evaluation.early_exit import MOST_CHANGED, THRESHOLDS, averaged, with_early_exit
from train.evaluation.score_calibration import ScoredSamples

FLOAT = np.dtype(np.float32)


def views(noise: float, count: int = 2000, kinds: int = 1, seed: int = 0) -> ScoredSamples:
    """Six views of each kind, whose logits differ by noise from the truth."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (count, 1, 5)).astype(np.float32)
    seen = softmax(logits + rng.normal(0, noise, (count, 6 * kinds, 5)).astype(np.float32))
    labels = (softmax(logits[:, 0]).cumsum(axis=1) < rng.random((count, 1))).sum(axis=1).clip(0, 4)
    return ScoredSamples(seen, np.eye(5, dtype=bool)[labels])


def changed(answered: ScoredSamples, calibration: ScoreCalibration) -> float:
    """The part of the labels that are others than by all views."""
    by_all, _ = averaged(answered, ScoreCalibration(calibration.temperature, calibration.reject_below))
    return float((averaged(answered, calibration)[0].argmax(axis=1) != by_all.argmax(axis=1)).mean())


@pytest.mark.parametrize("kinds", [1, 2])
def test_few_answers_change_no_fewer_are_right_and_much_is_left_out(kinds: int) -> None:
    answered = views(1.0, kinds=kinds)
    fitted = with_early_exit(answered, ScoreCalibration())
    assert fitted.early_exit is not None
    assert fitted.early_exit > min(THRESHOLDS)
    assert changed(answered, fitted) <= MOST_CHANGED
    lower = ScoreCalibration(early_exit=fitted.early_exit - 0.2)
    assert changed(answered, lower) > MOST_CHANGED
    means, rounds = averaged(answered, fitted)
    assert rounds.mean() < 5
    rows = np.arange(len(means))
    right = answered.classes[rows, means.argmax(axis=1)].sum()
    assert right >= answered.classes[rows, answered.probabilities.mean(axis=1).argmax(axis=1)].sum()
    unseen = views(1.0, kinds=kinds, seed=1)
    assert changed(unseen, fitted) <= 2 * MOST_CHANGED


def test_the_more_views_differ_the_surer_they_must_be() -> None:
    found = [with_early_exit(views(noise), ScoreCalibration()).early_exit for noise in (0.01, 0.4, 1.0)]
    assert found[0] == min(THRESHOLDS)
    assert found == sorted(found, key=lambda one: one or 1.0)
    assert found[0] != found[2]


def test_where_right_answers_would_be_lost_all_views_are_looked_at() -> None:
    """First a sure mistake, then five views that know better and outvote it."""
    rows = np.array([[0.994, 0.006]] + [[0.1, 0.9]] * 5, np.float32)
    answered = ScoredSamples(np.tile(rows, (50, 1, 1)), np.tile([False, True], (50, 1)))
    assert with_early_exit(answered, ScoreCalibration()).early_exit is None


def test_an_unknown_that_becomes_a_label_is_a_changed_answer() -> None:
    """All views have the same best label, and the first is surer than all together: the label never changes."""
    sure, unsure = (0.905, 0.095), (0.82, 0.18)
    answered = ScoredSamples(np.tile(np.array([sure] + [unsure] * 5, np.float32), (50, 1, 1)), np.zeros((50, 2), bool))
    assert with_early_exit(answered, ScoreCalibration()).early_exit == min(THRESHOLDS)
    fitted = with_early_exit(answered, ScoreCalibration(reject_below=0.86)).early_exit
    assert fitted == pytest.approx(0.91)


def test_of_one_view_there_is_none_to_leave_out() -> None:
    answered = views(0.1)
    first = ScoredSamples(answered.probabilities[:, :1], answered.classes)
    assert with_early_exit(first, ScoreCalibration(early_exit=0.5)).early_exit is None


@settings(deadline=None, max_examples=30)
@given(kinds=st.sampled_from([1, 2]), seed=st.integers(0, 1 << 20), threshold=st.floats(0.3, 1.0))
def test_it_is_worked_out_as_the_device_does_it(kinds: int, seed: int, threshold: float) -> None:
    calibration = ScoreCalibration(0.7, 0.4, threshold)
    count = 6 * kinds
    answered = views(0.8, 1, kinds, seed)
    interpreter = FakeInterpreter(TensorSpec((1, 1, count), FLOAT, 0.0, 0), TensorSpec((1, 5), FLOAT, 0.0, 0))
    interpreter._weights[:] = 1000 * np.log(answered.probabilities[0])
    device = Classifier(interpreter, tuple("abcde"), ImageSpec(1, count, 0.0, 1.0), False, calibration)
    pictures = np.eye(count, dtype=np.uint8)[:, np.newaxis] * np.uint8(255)
    exact = ScoredSamples(device.probabilities(pictures)[np.newaxis], answered.classes)
    means, rounds = averaged(exact, calibration)
    mean, looked_at = device.averaged(pictures, kinds)
    assert looked_at == kinds * rounds[0]
    np.testing.assert_array_equal(mean, means[0])
