"""Accuracy of a classifier on labelled pictures, and of an int8 model beside its float parent."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.inference.classifier import Classifier
from edge.isolation.network_input import fit_pictures
from edge.spec import ImageSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

BATCH = 250
"""Pictures between two reports of progress; fewer of large ones."""

_MOST_VALUES = 4_000_000
"""In a network's inputs at a time: 16 MB of floats."""


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Predicted and true class numbers of the same pictures, in the same order: int64 (N,) each.

    `scores`, float32 (N,), are the calibrated probabilities of the predicted classes, where they were asked for.
    """

    predicted: NDArray[np.int64]
    truth: NDArray[np.int64]
    labels: tuple[str, ...]
    scores: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        if self.predicted.shape != self.truth.shape or self.truth.ndim != 1 or not self.truth.size:
            raise ValueError(f"expected two equal (N,), got {self.predicted.shape} and {self.truth.shape}")

    def first(self, count: int) -> Evaluation:
        """The answers to the first `count` pictures."""
        return Evaluation(self.predicted[:count], self.truth[:count], self.labels)

    @property
    def accuracy(self) -> float:
        """Share of right answers, 0..1."""
        return float(np.mean(self.predicted == self.truth))

    @property
    def confusion(self) -> NDArray[np.int64]:
        """Counts, int64 (classes, classes): row = truth, column = prediction."""
        classes = len(self.labels)
        flat = np.bincount(self.truth * classes + self.predicted, minlength=classes * classes)
        return flat.reshape(classes, classes).astype(np.int64)

    @property
    def per_class(self) -> dict[str, float]:
        """Share of each class that is recognised (recall), 0..1; classes without pictures are left out."""
        confusion = self.confusion
        totals = confusion.sum(axis=1)
        return {
            label: float(confusion[number, number] / totals[number])
            for number, label in enumerate(self.labels)
            if totals[number]
        }


@dataclass(frozen=True, slots=True)
class PairedAccuracy:
    """Two models on the same pictures: how many both, only one or neither got right, and the answers shared."""

    both: int
    only_float: int
    only_int8: int
    neither: int
    same_answer: int

    @property
    def images(self) -> int:
        """Number of pictures."""
        return self.both + self.only_float + self.only_int8 + self.neither

    @property
    def float_accuracy(self) -> float:
        """Accuracy of the float model, 0..1."""
        return (self.both + self.only_float) / self.images

    @property
    def int8_accuracy(self) -> float:
        """Accuracy of the int8 model, 0..1."""
        return (self.both + self.only_int8) / self.images

    @property
    def drop(self) -> float:
        """Accuracy lost by quantisation, in percentage points (negative: gained)."""
        return 100 * (self.only_float - self.only_int8) / self.images

    @property
    def agreement(self) -> float:
        """Share of pictures on which both models give the same answer, 0..1."""
        return self.same_answer / self.images


def evaluate(
    classifier: Classifier,
    pictures: NDArray[np.uint8],
    truth: NDArray[Any],
    progress: Callable[[int], None] | None = None,
) -> Evaluation:
    """Run a classifier over a data set's pictures with true class numbers (N,).

    uint8 (N, *image.shape), or (N, height, width) grey: those that have not the model's form get it some at a time
    (edge.isolation.network_input.fit_pictures). `progress` is called with the number of pictures done.
    Raises ModelUnsupported for pictures that were read for another model.
    """
    predicted = np.empty(len(pictures), np.int64)
    scores = np.empty(len(pictures), np.float32)
    batch = batch_of(classifier.image)
    for start in range(0, len(pictures), batch):
        stop = min(start + batch, len(pictures))
        probabilities = classifier.probabilities(fit_pictures(pictures[start:stop], classifier.image))
        predicted[start:stop] = probabilities.argmax(axis=1)
        scores[start:stop] = classifier.score_calibration.scale(probabilities).max(axis=1)
        if progress is not None:
            progress(stop)
    return Evaluation(predicted, truth.astype(np.int64), classifier.labels, scores)


def batch_of(image: ImageSpec) -> int:
    """How many pictures are looked at together."""
    return max(1, min(BATCH, _MOST_VALUES // math.prod(image.shape)))


def compare(float_run: Evaluation, int8_run: Evaluation) -> PairedAccuracy:
    """Pair two evaluations of the same pictures."""
    if not np.array_equal(float_run.truth, int8_run.truth):
        raise ValueError("expected two evaluations of the same pictures")
    float_right = float_run.predicted == float_run.truth
    int8_right = int8_run.predicted == int8_run.truth
    return PairedAccuracy(
        both=int(np.sum(float_right & int8_right)),
        only_float=int(np.sum(float_right & ~int8_right)),
        only_int8=int(np.sum(~float_right & int8_right)),
        neither=int(np.sum(~float_right & ~int8_right)),
        same_answer=int(np.sum(float_run.predicted == int8_run.predicted)),
    )
