"""Whether a device computes right: its answers to labelled pictures, and its raw outputs beside those of x86."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.bench.pictures import load_slice, load_x86_outputs
from edge.bench.spread import Z999, wilson_interval
from edge.inference.accuracy import evaluate
from edge.inference.classifier import open_classifier
from edge.isolation.network_input import fit_pictures
from edge.spec import FASHION_MNIST_LABELS, Framing

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from edge.inference.classifier import Classifier
    from edge.inference.interpreters import Interpreter
    from edge.inference.model_file import Model
    from edge.spec import TensorSpec

MOST_STEPS = 16
"""By how many steps of int8 an output may differ: tflite-runtime's kernels differ by up to 11 from LiteRT's."""

MOST_OTHERS = 0.01
"""Share of pictures that may get another answer: tflite-runtime gives up to 0.3 % one, by ties."""


class Verdict(StrEnum):
    """What the answers say of the device."""

    AS_ON_X86 = "as on x86"
    AS_STATED = "as stated"
    """There is nothing to compare outputs with, but the accuracy fits what the model's file states."""
    NOT_KNOWN = "not known"
    """The model states no accuracy."""
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Correctness:
    """Answers to the slice: so many `right` of `images`; accuracy and the ends of its 95 % interval, 0..1.

    `stated` is the accuracy on the whole test set that the model's file states. `other_answers` counts pictures whose
    label is another than on x86, and `largest_step` is the greatest difference of an output in steps of int8; None for
    models that are not bundled.
    """

    images: int
    right: int
    accuracy: float
    low: float
    high: float
    stated: float | None
    other_answers: int | None
    largest_step: int | None
    verdict: Verdict


class _Recorder:
    """An interpreter that keeps what the one within gives out."""

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter
        self.name: str = interpreter.name
        self.input: TensorSpec = interpreter.input
        self.output: TensorSpec = interpreter.output
        self.outputs: list[NDArray[Any]] = []

    def run(self, batch: NDArray[Any]) -> NDArray[Any]:
        """Raw outputs of a batch of raw inputs."""
        self.outputs.append(self._interpreter.run(batch))
        return self.outputs[-1]


def check_answers(
    model: Model,
    interpreter: Interpreter,
    opened: Callable[[Model, Interpreter], Classifier] = open_classifier,
    progress: Callable[[int], None] | None = None,
) -> Correctness | None:
    """Classify the slice, and compare; None for a model of other classes, or that takes no isolated garments in grey.

    `opened` makes the classifier. `progress` is called with the number of pictures done.
    """
    pictures = load_slice()
    recorder = _Recorder(interpreter)
    classifier = opened(model, recorder)
    if not set(FASHION_MNIST_LABELS) <= set(classifier.labels):
        return None
    if classifier.image.framing is not Framing.GARMENT_GREY:
        return None
    numbers = np.array([classifier.labels.index(label) for label in FASHION_MNIST_LABELS])
    found = evaluate(classifier, pictures.images, numbers[pictures.labels], progress)
    right = int(np.sum(found.predicted == found.truth))
    low, high = wilson_interval(right, len(found.truth))
    stated = _stated_accuracy(model)
    beside = load_x86_outputs().get(model.sha256)
    others, steps = (None, None) if beside is None else _apart(np.concatenate(recorder.outputs), beside)
    return Correctness(
        images=len(found.truth),
        right=right,
        accuracy=round(found.accuracy, 4),
        low=round(low, 4),
        high=round(high, 4),
        stated=stated,
        other_answers=others,
        largest_step=steps,
        verdict=_verdict(right, len(found.truth), stated, others, steps),
    )


def raw_outputs(model: Model, interpreter: Interpreter, images: NDArray[np.uint8]) -> NDArray[Any]:
    """What the network gives out for the pictures of a data set, as it gives it: (N, classes), int8 of bundled models.

    uint8 (N, height, width), enlarged where the model is larger.
    """
    recorder = _Recorder(interpreter)
    classifier = open_classifier(model, recorder)
    classifier.probabilities(fit_pictures(images, classifier.image))
    return np.concatenate(recorder.outputs)


def _apart(outputs: NDArray[Any], beside: NDArray[Any]) -> tuple[int, int]:
    """How many answers differ, and by how many steps the outputs do at most: two int8 (N, classes)."""
    others = int(np.sum(outputs.argmax(axis=1) != beside.argmax(axis=1)))
    return others, int(np.abs(outputs.astype(np.int64) - beside.astype(np.int64)).max())


def _stated_accuracy(model: Model) -> float | None:
    """On Fashion-MNIST's test set, as the model's file states it."""
    accuracy = (model.manifest or {}).get("accuracy")
    stated = accuracy.get("int8") if isinstance(accuracy, dict) else None
    return float(stated) if isinstance(stated, float | int) and 0 <= stated <= 1 else None


def _verdict(right: int, of: int, stated: float | None, others: int | None, steps: int | None) -> Verdict:
    if others is not None and steps is not None:
        return Verdict.AS_ON_X86 if others <= MOST_OTHERS * of and steps <= MOST_STEPS else Verdict.WRONG
    if stated is None:
        return Verdict.NOT_KNOWN
    return Verdict.AS_STATED if wilson_interval(right, of, Z999)[1] >= stated else Verdict.WRONG
