"""What an int8 model answers to photos that were not trained on, through the classifier that the device runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.choices import DEFAULT_VIEWS
from edge.frame import Decision
from edge.inference.classifier import open_classifier
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import read_model
from train.data.photos import Photos
from train.evaluation.photo_metrics import figures_of, group_accuracy
from train.evaluation.score_calibration import ScoredSamples, best_of
from train.fitting.run_folder import replacing


@dataclass(frozen=True, slots=True, eq=False)
class DeviceAnswers:
    """Mean calibrated scores float32 (N, classes) and, for each photo, which classes are right: bool (N, classes).

    `paths` are the photos' files, as seen from their folder; none in what version 0.1.0 kept. `decisions` are what the
    device makes of the scores. `left_out` are files in which it finds nothing at all: they have no scores.
    """

    scores: NDArray[np.float32]
    classes: NDArray[np.bool_]
    paths: tuple[str, ...]
    left_out: tuple[str, ...]
    labels: tuple[str, ...]
    decisions: tuple[Decision, ...]

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which photos' best label is a right one: bool (N,)."""
        return best_of(self.scores, self.classes)[1]

    @property
    def figures(self) -> dict[str, float]:
        """Those of train.evaluation.photo_metrics.figures_of, and the accuracy by groups."""
        answers = ScoredSamples(self.scores[:, np.newaxis], self.classes)
        return {**figures_of(answers), "groups": group_accuracy(answers)}


def keep_views(kept: Photos, path: Path, left_out: tuple[str, ...] = ()) -> None:
    """Write the network inputs of the held-out photos, for `answers_on_device`. Raises OutputFailed."""
    paths = np.array([photo.path for photo in kept.photos], np.str_)
    shows_garment = np.array([photo.shows_garment for photo in kept.photos], np.bool_)
    with replacing(path) as unfinished:
        np.savez_compressed(
            unfinished,
            views=kept.views,
            classes=kept.classes,
            paths=paths,
            shows_garment=shows_garment,
            left_out=np.array(left_out, np.str_),
        )


def answers_on_device(int8: Path, kept_views: Path) -> DeviceAnswers:
    """An int8 model's answers to photos that keep_views wrote."""
    model = read_model(str(int8))
    classifier = open_classifier(model, open_interpreter(model))
    with np.load(kept_views) as kept:
        kinds = max(1, kept["views"].shape[1] // DEFAULT_VIEWS)
        scores = np.stack([classifier.averaged(views, kinds)[0] for views in kept["views"]])
        paths, left_out = (tuple(map(str, kept[name])) if name in kept.files else () for name in ("paths", "left_out"))
        shown = kept["shows_garment"] if "shows_garment" in kept.files else np.ones(len(scores), np.bool_)
        accepted = scores.max(axis=1) >= classifier.reject_below
        decisions = tuple(map(_decision, accepted, shown))
        return DeviceAnswers(scores, kept["classes"], paths, left_out, classifier.labels, decisions)


def _decision(accepted: bool, shows_garment: bool) -> Decision:
    if not shows_garment:
        return Decision.NO_GARMENT
    return Decision.GARMENT if accepted else Decision.UNKNOWN
