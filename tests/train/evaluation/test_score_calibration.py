"""Temperature, threshold, calibration error and AUROC, on answers whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from edge.inference.classifier import softmax
from train.evaluation.score_calibration import (
    ScoredSamples,
    auroc,
    expected_calibration_error,
    fit_score_calibration,
    scaled,
)


def answers(overconfidence: float, count: int = 4000, unknown: int = 0) -> ScoredSamples:
    """Logits from which labels are drawn, then made too sure by a factor; the last `unknown` have no class."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (count, 5)).astype(np.float32)
    logits[count - unknown :] *= 0.1
    chances = softmax(logits)
    labels = (chances.cumsum(axis=1) < rng.random((count, 1))).sum(axis=1).clip(0, 4)
    classes = np.eye(5, dtype=bool)[labels]
    classes[count - unknown :] = False
    return ScoredSamples(softmax(logits * overconfidence)[:, np.newaxis], classes)


@pytest.mark.parametrize("overconfidence", [0.5, 1.0, 3.0])
def test_the_temperature_takes_overconfidence_back(overconfidence: float) -> None:
    answered = answers(overconfidence)
    score_calibration = fit_score_calibration(answered)
    assert score_calibration.temperature == pytest.approx(overconfidence, rel=0.08)
    averaged = scaled(answered, score_calibration.temperature)
    best = averaged.argmax(axis=1)
    rows = np.arange(len(best))
    assert expected_calibration_error(averaged[rows, best], answered.classes[rows, best]) < 0.03


def test_the_threshold_parts_the_unknown_and_keeps_nineteen_of_twenty_right_answers() -> None:
    answered = answers(1.0, unknown=1000)
    score_calibration = fit_score_calibration(answered)
    averaged = scaled(answered, score_calibration.temperature)
    scores = averaged.max(axis=1)
    right = answered.classes[np.arange(len(scores)), averaged.argmax(axis=1)]
    assert (scores[right] >= score_calibration.reject_below).mean() >= 0.949
    assert (scores[-1000:] >= score_calibration.reject_below).mean() < 0.75


def test_without_mistakes_there_is_no_threshold() -> None:
    sure = ScoredSamples(np.eye(5, dtype=np.float32)[:, np.newaxis], np.eye(5, dtype=bool))
    assert fit_score_calibration(sure).reject_below == 0


def test_of_several_right_classes_each_counts() -> None:
    """Shoes: it does not matter which of three."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (500, 5)) + np.array([4, 4, 4, 0, 0])
    probabilities = softmax(logits.astype(np.float32))[:, np.newaxis]
    first = np.eye(5, dtype=bool)[np.zeros(500, int)]
    three = first | np.eye(5, dtype=bool)[np.full(500, 1)] | np.eye(5, dtype=bool)[np.full(500, 2)]
    of_three = fit_score_calibration(ScoredSamples(probabilities, three)).temperature
    of_one = fit_score_calibration(ScoredSamples(probabilities, first)).temperature
    assert of_three < of_one


def test_auroc_counts_pairs_and_ties_by_half() -> None:
    positive, negative = np.array([0.9, 0.5, 0.5], np.float32), np.array([0.5, 0.1], np.float32)
    assert auroc(positive, negative) == pytest.approx((1 + 1 + 0.5 + 1 + 0.5 + 1) / 6)
    assert auroc(negative, positive) == pytest.approx(1 - auroc(positive, negative))
    assert np.isnan(auroc(positive, negative[:0]))


def test_the_calibration_error_is_the_distance_from_the_truth() -> None:
    scores = np.full(100, 0.8, np.float32)
    assert expected_calibration_error(scores, np.arange(100) < 80) == pytest.approx(0, abs=1e-6)
    assert expected_calibration_error(scores, np.arange(100) < 50) == pytest.approx(0.3, abs=1e-6)
