"""Figures of a network on photos: accuracy and calibration, before and after."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.datasets.dataset import Dataset
from edge.opencv import cv2
from edge.spec import SURE, ScoreCalibration
from train.augment.basic import one_hot
from train.augment.camera import CameraAugmentation
from train.augment.outliers import outliers
from train.data.photos import Photos
from train.evaluation.early_exit import averaged, with_early_exit
from train.evaluation.results import probabilities_of
from train.evaluation.score_calibration import (
    ScoredSamples,
    auroc,
    best_of,
    expected_calibration_error,
    fit_score_calibration,
)

GROUPS = ((0, 2, 4, 6), (1,), (3,), (5, 7, 9), (8,))
"""Tops, trousers, dress, shoes, bag: Fashion-MNIST's class numbers."""

ENOUGH_TO_FIT = 40
"""Held-out photos; with fewer, a temperature is noise."""


def answered(model: Any, photos: Photos) -> ScoredSamples:
    """A Keras network's answers to all views of photos."""
    views = photos.views
    flat = probabilities_of(model, views.reshape(-1, *views.shape[2:]))
    return ScoredSamples(flat.reshape(*views.shape[:2], -1), photos.classes)


def figures_of(answers: ScoredSamples, calibration: ScoreCalibration = SURE) -> dict[str, float]:
    """Accuracy 0..1 on the known, and how well scores tell right from wrong and known from unknown (AUROC)."""
    means, _ = averaged(answers, calibration)
    scores, right = best_of(means, answers.classes)
    known = answers.classes.any(axis=1)
    return {
        "accuracy": round(float(right[known].mean()), 4) if known.any() else float("nan"),
        "right_against_wrong": round(auroc(scores[known & right], scores[known & ~right]), 4),
        "known_against_unknown": round(auroc(scores[known], scores[~known]), 4),
        "calibration_error": round(expected_calibration_error(scores[known], right[known]), 4),
    }


def group_accuracy(answers: ScoredSamples, calibration: ScoreCalibration = SURE) -> float:
    """The share 0..1 of the known whose answer is in a right class' group; NaN without any. Of ten classes only."""
    best = averaged(answers, calibration)[0].argmax(axis=1)
    groups = np.zeros((answers.classes.shape[1], answers.classes.shape[1]), np.bool_)
    for group in GROUPS:
        groups[np.ix_(group, group)] = True
    right, known = (answers.classes & groups[best]).any(axis=1), answers.classes.any(axis=1)
    return round(float(right[known].mean()), 4) if known.any() else float("nan")


def folder_accuracies(right: NDArray[np.bool_], photos: Photos) -> dict[str, tuple[int, float]]:
    """Of each folder of known photos: how many there are, and the share 0..1 of those that are right, bool (N,)."""
    folders = np.array([photo.folder for photo in photos.photos])
    members = {name: folders == name for name in photos.folders}
    return {
        name: (int(of_it.sum()), round(float(right[of_it].mean()), 4))
        for name, of_it in members.items()
        if photos.known[of_it].any()
    }


def held_out_use(answers: ScoredSamples, calibration: ScoreCalibration) -> dict[str, float]:
    """What a camera should show of such garments: the share that is called unknown, and the mean best score."""
    known = answers.classes.any(axis=1)
    scores = averaged(answers, calibration)[0].max(axis=1)[known]
    if not len(scores):
        return {}
    return {
        "unknown": round(float((scores < calibration.reject_below).mean()), 4),
        "score": round(float(scores.mean()), 4),
    }


def gain(
    before: Any, after: Any, learnt: Photos, kept_before: Photos, kept: Photos, calibration: ScoreCalibration
) -> dict[str, Any]:
    """Figures of the held-out photos before and, calibrated, after; and the accuracy of each folder.

    Two networks of different sizes see the same photos in their own.
    """
    result: dict[str, Any] = {"trained_on": len(learnt), "held_out": len(kept), "folders": {}}
    if not len(kept):
        return result
    for when, model, photos, sure in (("before", before, kept_before, SURE), ("after", after, kept, calibration)):
        answers = answered(model, photos)
        result[when] = figures_of(answers, sure)
        if when == "after":
            result[when] |= held_out_use(answers, calibration)
        _, right = best_of(averaged(answers, sure)[0], kept.classes)
        for name, (count, accuracy) in folder_accuracies(right, kept).items():
            result["folders"].setdefault(name, {"photos": count})[when] = accuracy
    return result


def fitted_score_calibration(model: Any, kept: Photos | None, held_out: Dataset, seed: int) -> ScoreCalibration:
    """The score calibration of a network: from held-out photos where there are enough, else from held-out images."""
    if kept is not None and kept.known.sum() >= ENOUGH_TO_FIT:
        answers = answered(model, kept)
        return with_early_exit(answers, fit_score_calibration(answers))
    return _fitted_to_poses(posed(model, held_out, seed))


def posed_figures(model: Any, held_out: Dataset, seed: int) -> dict[str, Any]:
    """A run that has seen no photo: its score calibration and its figures, on held-out images in poses."""
    answers = posed(model, held_out, seed)
    calibration = _fitted_to_poses(answers)
    return {**calibration.as_json(), "posed": figures_of(_first_view(answers), calibration)}


def _fitted_to_poses(answers: ScoredSamples) -> ScoreCalibration:
    """Temperature and rejection threshold by the first view: the six of `posed` are more alike than a camera's."""
    return with_early_exit(answers, fit_score_calibration(_first_view(answers)))


def _first_view(answers: ScoredSamples) -> ScoredSamples:
    return ScoredSamples(answers.probabilities[:, :1], answers.classes)


def posed(model: Any, held_out: Dataset, seed: int) -> ScoredSamples:
    """Answers to held-out images as a camera may show them, and to a fifth as many pictures of no class.

    Each in six views, as the device draws them of a photo: as it is, a pixel wider and a pixel narrower, each mirrored
    too. An early exit fitted to them is about one fitted to photos: .85 and .85 for `camera` and `camera-zero`, by 307
    photos .85 and .82.
    """
    generator = np.random.default_rng([seed, 1])
    targets = one_hot(held_out.labels, len(held_out.label_names), 0.0)
    images, _ = CameraAugmentation()(held_out.images, targets, generator)
    strange = outliers(held_out.images, held_out.labels, len(held_out) // 5, generator)
    classes = np.concatenate([targets > 0, np.zeros((len(strange), targets.shape[1]), np.bool_)])
    views = _views(np.concatenate([images, strange]))
    return ScoredSamples(np.stack([probabilities_of(model, one) for one in views], axis=1), classes)


def _views(images: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Six views of pictures: uint8 (N, height, width) each."""
    square = np.ones((3, 3), np.uint8)
    grown = np.stack([np.asarray(cv2.dilate(one, square), np.uint8) for one in images])
    inner = np.stack([np.asarray(cv2.erode((one > 0).astype(np.uint8), square), np.uint8) for one in images])
    wider, narrower = np.where(images > 0, images, grown), images * inner
    return [view for one in (images, wider, narrower) for view in (one, one[:, :, ::-1])]
