"""What a model does not say about itself, measured on pictures: its pixel range, and logits or probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.settings import PixelRange
from edge.datasets.dataset import Dataset, held_out
from edge.datasets.image_folders import FASHION_MNIST_IMAGE
from edge.errors import FloatModelUnreadable
from edge.inference import plain_model
from edge.inference.accuracy import Evaluation, batch_of
from edge.inference.classifier import Classifier, both_of, softmax
from edge.inference.interpreters import Interpreter
from edge.isolation.network_input import fit_pictures
from edge.spec import ImageSpec

RANGES: Mapping[PixelRange, ImageSpec] = {
    PixelRange(pixels.value): ImageSpec(low=low, high=high) for pixels, (low, high) in plain_model.RANGES.items()
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


def measure_range(
    interpreter: Interpreter, training: Dataset, image: ImageSpec = FASHION_MNIST_IMAGE
) -> tuple[ImageSpec, dict[PixelRange, RangeFit]]:
    """`image` in the pixel range with the least log loss on 1,000 training pictures, and the fit of each range.

    Log loss decides, not accuracy: a network of ReLUs answers nearly the same when all its inputs are 255 times
    too large, only far too sure of itself. Raises FloatModelUnreadable if it knows nothing in any range.
    """
    probe = probe_of(training)
    images = {pixels: in_range(image, pixels) for pixels in RANGES}
    fits = {pixels: _fit(interpreter, image, probe) for pixels, image in images.items()}
    best = min(fits, key=lambda pixels: fits[pixels].log_loss)
    if max(fit.accuracy for fit in fits.values()) < least_accuracy(probe.labels):
        tried = ", ".join(f"{fit.accuracy:.1%} for {pixels.value}" for pixels, fit in fits.items())
        raise FloatModelUnreadable(
            f"the pixel range cannot be measured, the model recognises hardly anything: {tried}",
            "if it is the right model, name its range with --pixels, and put other preprocessing into the model",
        )
    return images[best], fits


def in_range(image: ImageSpec, pixels: PixelRange) -> ImageSpec:
    """The same pictures in another pixel range."""
    return replace(image, low=RANGES[pixels].low, high=RANGES[pixels].high)


def probe_of(training: Dataset) -> Dataset:
    """About 1,000 pictures, equally many of each class; of more classes, one each."""
    classes = len(training.label_names)
    smallest = int(np.bincount(training.labels, minlength=classes).min())
    return training.subset(held_out(training, max(1, min(PROBE_IMAGES // classes, smallest))))


def predicted(interpreter: Interpreter, image: ImageSpec, pictures: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Class numbers (N,) that a model answers to uint8 (N, *image.shape), or what fits it."""
    raw = _scores(interpreter, image, pictures)
    best: NDArray[np.intp] = _as_probabilities(raw).argmax(axis=1)
    return best


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
    """Whether the outputs for uint8 (N, *image.shape) are other than probabilities: negative, or not summing to one.

    One output, the second of two labels' probability, is beyond one otherwise.

    Raises FloatModelUnreadable if they are not finite.
    """
    scores = _scores(interpreter, image, pictures)
    if not np.isfinite(scores).all():
        raise FloatModelUnreadable(
            "the model answers NaN or infinity for ordinary pictures", "check its weights and its pixel range"
        )
    return not _probabilities(scores)


def _fit(interpreter: Interpreter, image: ImageSpec, probe: Dataset) -> RangeFit:
    raw = _scores(interpreter, image, probe.images)
    if not np.isfinite(raw).all():
        return RangeFit(0.0, float("inf"))
    scores = _as_probabilities(raw)
    of_truth = scores[np.arange(len(probe)), probe.labels]
    right = scores.argmax(axis=1) == probe.labels
    return RangeFit(float(right.mean()), float(-np.log(np.maximum(of_truth, 1e-12)).mean()))


def _scores(interpreter: Interpreter, image: ImageSpec, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What a model answers, as it is: float32 (N, labels); of one output s, 1 - s and s."""
    classifier = Classifier(interpreter, _numbers(interpreter), image, gives_logits=False)
    batch = batch_of(image)
    parts = (pictures[start : start + batch] for start in range(0, len(pictures), batch))
    return np.concatenate([classifier.probabilities(fit_pictures(part, image)) for part in parts])


def _as_probabilities(raw: NDArray[np.float32]) -> NDArray[np.float32]:
    if _probabilities(raw):
        return raw
    from_one = raw.shape[1] == 2 and np.allclose(raw.sum(axis=1), 1, atol=_SUM_TOLERANCE)
    return both_of(raw[:, 1:], are_logits=True) if from_one else softmax(raw)


def _probabilities(scores: NDArray[np.float32]) -> bool:
    sums = scores.sum(axis=1)
    return bool(scores.min() >= 0 and np.abs(sums - 1).max() < _SUM_TOLERANCE)


def _numbers(interpreter: Interpreter) -> tuple[str, ...]:
    """Labels to run a classifier with where only its numbers matter."""
    return tuple(str(number) for number in range(max(2, interpreter.output.shape[-1])))
