"""What a model does not say about itself, measured on pictures: its pixel range, and logits or probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.inputs.shapes import picture_size
from convert.settings import PixelRange
from edge.datasets.dataset import Dataset, held_out
from edge.errors import FloatModelUnreadable
from edge.inference.accuracy import Evaluation
from edge.inference.classifier import Classifier, softmax
from edge.inference.interpreters import Interpreter
from edge.isolation.network_input import fit_pictures
from edge.spec import ImageSpec

RANGES: Mapping[PixelRange, ImageSpec] = {
    PixelRange.BYTE: ImageSpec(low=0, high=255),
    PixelRange.UNIT: ImageSpec(low=0, high=1),
    PixelRange.SIGNED: ImageSpec(low=-1, high=1),
}
PROBE_IMAGES = 1_000
LEARNED_SHARE = 1 / 9
"""Of the way from guessing to being always right: an accuracy of 20 % with ten equal classes, 56 % with two."""

_SUM_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class RangeFit:
    """How a model does on probe pictures in one pixel range: accuracy 0..1 and mean log loss in nats."""

    accuracy: float
    log_loss: float


def measure_range(interpreter: Interpreter, training: Dataset) -> tuple[ImageSpec, dict[PixelRange, RangeFit]]:
    """The pixel range with the least log loss on 1,000 training pictures, and the fit of each range.

    Log loss decides, not accuracy: a network of ReLUs answers nearly the same when all its inputs are 255 times
    too large, only far too sure of itself. Raises FloatModelUnreadable if it knows nothing in any range.
    """
    classes = len(training.label_names)
    smallest = int(np.bincount(training.labels, minlength=classes).min())
    probe = training.subset(held_out(training, min(PROBE_IMAGES // classes, smallest)))
    size = picture_size(interpreter.input.shape[1:])
    assert size is not None, "checked by the reader"
    images = {pixels: replace(image, height=size[0], width=size[1]) for pixels, image in RANGES.items()}
    fits = {pixels: _fit(interpreter, image, probe) for pixels, image in images.items()}
    best = min(fits, key=lambda pixels: fits[pixels].log_loss)
    if max(fit.accuracy for fit in fits.values()) < least_accuracy(probe.labels):
        tried = ", ".join(f"{fit.accuracy:.1%} for {pixels.value}" for pixels, fit in fits.items())
        raise FloatModelUnreadable(
            f"the pixel range cannot be measured, the model recognises hardly anything: {tried}",
            "if it is the right model, name its range with --pixels, and put other preprocessing into the model",
        )
    return images[best], fits


def least_accuracy(truth: NDArray[np.integer[Any]]) -> float:
    """Accuracy below which a model knows nothing of its classes, whose numbers (N,) are `truth`.

    A ninth of the way from guessing (always the most frequent class) to being always right.
    """
    guessing = float(np.bincount(truth).max() / len(truth))
    return guessing + (1 - guessing) * LEARNED_SHARE


def check_knows_something(path: Path, float_run: Evaluation) -> None:
    """Raise FloatModelUnreadable for a model that guesses: it would lose nothing by int8."""
    if float_run.accuracy < least_accuracy(float_run.truth):
        raise FloatModelUnreadable(
            f"{path}: the float model itself recognises only {float_run.accuracy:.1%} of the test pictures",
            "train it first; or it needs another pixel range (--pixels) or other preprocessing",
        )


def gives_logits(interpreter: Interpreter, image: ImageSpec, pictures: NDArray[np.uint8]) -> bool:
    """Whether the outputs for uint8 (N, height, width) are other than probabilities: negative, or not summing to one.

    Raises FloatModelUnreadable if they are not finite.
    """
    scores = Classifier(interpreter, _numbers(interpreter), image, gives_logits=False).probabilities(pictures)
    if not np.isfinite(scores).all():
        raise FloatModelUnreadable(
            "the model answers NaN or infinity for ordinary pictures", "check its weights and its pixel range"
        )
    return not _probabilities(scores)


def _fit(interpreter: Interpreter, image: ImageSpec, probe: Dataset) -> RangeFit:
    classifier = Classifier(interpreter, _numbers(interpreter), image, gives_logits=False)
    raw = classifier.probabilities(fit_pictures(probe.images, image))
    if not np.isfinite(raw).all():
        return RangeFit(0.0, float("inf"))
    scores = raw if _probabilities(raw) else softmax(raw)
    of_truth = scores[np.arange(len(probe)), probe.labels]
    right = scores.argmax(axis=1) == probe.labels
    return RangeFit(float(right.mean()), float(-np.log(np.maximum(of_truth, 1e-12)).mean()))


def _probabilities(scores: NDArray[np.float32]) -> bool:
    sums = scores.sum(axis=1)
    return bool(scores.min() >= 0 and np.abs(sums - 1).max() < _SUM_TOLERANCE)


def _numbers(interpreter: Interpreter) -> tuple[str, ...]:
    """Labels to run a classifier with where only its numbers matter."""
    return tuple(str(number) for number in range(interpreter.output.shape[-1]))
