"""Score calibration: temperature and rejection threshold, fitted to pictures that were not trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.spec import ScoreCalibration

TEMPERATURES = tuple(float(f"{10**exponent:.3g}") for exponent in np.linspace(-0.5, 0.7, 61))

MOST_RIGHT_LOST = 0.02
"""At most this part of the right answers is called unknown: with a twentieth, one garment in ten was, on new photos."""

BINS = 15


@dataclass(frozen=True, slots=True, eq=False)
class ScoredSamples:
    """Probabilities float32 (N, views, classes), and for each which classes count as right: bool (N, classes)."""

    probabilities: NDArray[np.float32]
    classes: NDArray[np.bool_]


def fit_score_calibration(answered: ScoredSamples) -> ScoreCalibration:
    """The temperature with the least log loss, and the best threshold between right answers and wrong or unknown ones.

    Temperature: Guo et al. 2017, arxiv.org/abs/1706.04599. Threshold: the largest difference of the part of right
    answers above it and the part of the others above it (Youden 1950), but never so high that it loses more than a
    fiftieth of the right ones.
    """
    known = answered.classes.any(axis=1)
    losses = [_log_loss(scaled(answered, one)[known], answered.classes[known]) for one in TEMPERATURES]
    temperature = TEMPERATURES[int(np.argmin(losses))]
    averaged = scaled(answered, temperature)
    scores, right = best_of(averaged, answered.classes)
    if right.all() or not right.any():
        return ScoreCalibration(temperature, 0.0)
    most = float(np.quantile(scores[right], MOST_RIGHT_LOST))
    candidates = np.unique(np.append(scores[scores <= most], 0.0))
    above = candidates[:, np.newaxis]
    gain = (scores[right] >= above).mean(axis=1) - (scores[~right] >= above).mean(axis=1)
    return ScoreCalibration(temperature, round(float(candidates[int(np.argmax(gain))]), 4))


def scaled(answered: ScoredSamples, temperature: float) -> NDArray[np.float32]:
    """Calibrated probabilities, averaged over the views as the device does: float32 (N, classes)."""
    averaged: NDArray[np.float32] = ScoreCalibration(temperature).scale(answered.probabilities).mean(axis=1)
    return averaged


def best_of(
    probabilities: NDArray[np.float32], classes: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The best score of each, and whether its class counts as right: (N, classes) both -> float32 and bool (N,)."""
    best = probabilities.argmax(axis=1)
    rows = np.arange(len(best))
    return probabilities[rows, best], classes[rows, best]


def expected_calibration_error(scores: NDArray[np.float32], right: NDArray[np.bool_]) -> float:
    """Expected calibration error, 0..1: mean distance of confidence and accuracy in bins of equal width.

    Naeini et al. 2015, doi.org/10.1609/aaai.v29i1.9602.
    """
    bins = np.minimum((scores * BINS).astype(np.int64), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    sure = np.bincount(bins, scores, BINS)
    hits = np.bincount(bins, right, BINS)
    return float(np.abs(sure - hits).sum() / max(1, counts.sum()))


def auroc(positive: NDArray[np.float32], negative: NDArray[np.float32]) -> float:
    """How often a positive scores higher than a negative, ties by half: area under the ROC curve, 0..1.

    Hanley and McNeil 1982, doi.org/10.1148/radiology.143.1.7063747. NaN where one side is empty.
    """
    if not (len(positive) and len(negative)):
        return float("nan")
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left") + np.searchsorted(ordered, positive, "right")
    return float(below.mean() / (2 * len(negative)))


def _log_loss(probabilities: NDArray[np.float32], classes: NDArray[np.bool_]) -> float:
    """Mean log loss of the right classes together, in nats."""
    return float(-np.log(np.maximum((probabilities * classes).sum(axis=1), 1e-9)).mean())
