"""Figures of a network on photos: accuracy and calibration, before and after."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edge.datasets.dataset import Dataset
from edge.inference.classifier import open_classifier
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import read_model
from edge.spec import ScoreCalibration
from train.augment.basic import one_hot
from train.augment.camera import CameraAugmentation
from train.augment.outliers import outliers
from train.data.photos import Photos
from train.evaluation.results import probabilities_of
from train.evaluation.score_calibration import (
    ScoredSamples,
    auroc,
    expected_calibration_error,
    fit_score_calibration,
    scaled,
)
from train.fitting.run_folder import replacing

ENOUGH_TO_FIT = 40
"""Held-out photos; with fewer, a temperature is noise."""


def answered(model: Any, photos: Photos) -> ScoredSamples:
    """A Keras network's answers to all views of photos."""
    views = photos.views
    flat = probabilities_of(model, views.reshape(-1, *views.shape[2:]))
    return ScoredSamples(flat.reshape(*views.shape[:2], -1), photos.classes)


def figures_of(answers: ScoredSamples, temperature: float = 1.0) -> dict[str, float]:
    """Accuracy 0..1 on the known, and how well scores tell right from wrong and known from unknown (AUROC)."""
    averaged = scaled(answers, temperature)
    best = averaged.argmax(axis=1)
    rows = np.arange(len(best))
    scores, right = averaged[rows, best], answers.classes[rows, best]
    known = answers.classes.any(axis=1)
    return {
        "accuracy": round(float(right[known].mean()), 4) if known.any() else float("nan"),
        "right_against_wrong": round(auroc(scores[known & right], scores[known & ~right]), 4),
        "known_against_unknown": round(auroc(scores[known], scores[~known]), 4),
        "calibration_error": round(expected_calibration_error(scores[known], right[known]), 4),
    }


def held_out_use(answers: ScoredSamples, calibration: ScoreCalibration) -> dict[str, float]:
    """What a camera should show of such garments: the share that is called unknown, and the mean best score."""
    known = answers.classes.any(axis=1)
    scores = scaled(answers, calibration.temperature).max(axis=1)[known]
    if not len(scores):
        return {}
    return {
        "unknown": round(float((scores < calibration.reject_below).mean()), 4),
        "score": round(float(scores.mean()), 4),
    }


def gain(before: Any, after: Any, learnt: Photos, kept: Photos, calibration: ScoreCalibration) -> dict[str, Any]:
    """Figures of the held-out photos before and, calibrated, after; and the accuracy of each folder."""
    result: dict[str, Any] = {"trained_on": len(learnt), "held_out": len(kept), "folders": {}}
    if not len(kept):
        return result
    for when, model, sure in (("before", before, 1.0), ("after", after, calibration.temperature)):
        answers = answered(model, kept)
        result[when] = figures_of(answers, sure)
        if when == "after":
            result[when] |= held_out_use(answers, calibration)
        right = kept.classes[np.arange(len(kept)), scaled(answers, sure).argmax(axis=1)]
        folders = np.array([photo.folder for photo in kept.photos])
        for name in kept.folders:
            of_it = folders == name
            if kept.known[of_it].any():
                entry = result["folders"].setdefault(name, {"photos": int(of_it.sum())})
                entry[when] = round(float(right[of_it].mean()), 4)
    return result


def fitted_score_calibration(model: Any, kept: Photos | None, held_out: Dataset, seed: int) -> dict[str, float]:
    """The score calibration of a network: from held-out photos where there are enough, else from held-out images."""
    if kept is not None and kept.known.sum() >= ENOUGH_TO_FIT:
        return fit_score_calibration(answered(model, kept)).as_json()
    return fit_score_calibration(posed(model, held_out, seed)).as_json()


def posed_figures(model: Any, held_out: Dataset, seed: int) -> dict[str, Any]:
    """A run that has seen no photo: its score calibration and its figures, on held-out images in poses."""
    answers = posed(model, held_out, seed)
    score_calibration = fit_score_calibration(answers)
    return {"doubt": score_calibration.as_json(), "posed": figures_of(answers, score_calibration.temperature)}


def posed(model: Any, held_out: Dataset, seed: int) -> ScoredSamples:
    """Answers to held-out images as a camera may show them, and to a fifth as many pictures of no class."""
    generator = np.random.default_rng([seed, 1])
    targets = one_hot(held_out.labels, len(held_out.label_names), 0.0)
    images, _ = CameraAugmentation()(held_out.images, targets, generator)
    strange = outliers(held_out.images, held_out.labels, len(held_out) // 5, generator)
    classes = np.concatenate([targets > 0, np.zeros((len(strange), targets.shape[1]), np.bool_)])
    scores = probabilities_of(model, np.concatenate([images, strange]))
    return ScoredSamples(scores[:, np.newaxis], classes)


def keep_views(kept: Photos, path: Path) -> None:
    """Write the network inputs of the held-out photos, for `on_device`. Raises OutputFailed."""
    with replacing(path) as unfinished:
        np.savez_compressed(unfinished, views=kept.views, classes=kept.classes)


def on_device(int8: Path, kept_views: Path) -> dict[str, float]:
    """Figures of an int8 model on photos that keep_views wrote, through the classifier that the device runs."""
    model = read_model(str(int8))
    classifier = open_classifier(model, open_interpreter(model))
    with np.load(kept_views) as kept:
        answers = np.stack([classifier.calibrated(views) for views in kept["views"]])
        return figures_of(ScoredSamples(answers[:, np.newaxis], kept["classes"]))
