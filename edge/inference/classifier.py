"""A frame goes in, a prediction comes out. Training's check and the device run this same code."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from edge.errors import ModelUnsupported
from edge.frame import Decision, Frame, LabelScore, Prediction
from edge.inference.interpreters import Interpreter
from edge.inference.model_file import Model
from edge.isolation.network_input import Seen, is_blank, see
from edge.isolation.scene import Scene
from edge.spec import SURE, Framing, ImageSpec, ScoreCalibration

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.choices import PixelRange


HINTS = {
    "blank": "the picture is blank: is the lens covered, the light on?",
    Scene.EMPTY: "nothing stands out from the ground: put a garment there",
    Scene.FAINT: "hardly anything stands out from the ground: lay the garment on a ground of another colour",
    Scene.CUT_OFF: "the frame cuts the garment off, or the ground is restless: move the camera back, or use --roi",
    "unknown": "not sure what it is: lay it flat on an even ground of another colour",
    "unknown frame": "not sure what it is: show one thing, as large and as well lit as its training pictures show it",
}


class FrameClassifier(Protocol):
    """What classifies frames: a Classifier, or the one that is in service at the moment."""

    @property
    def image(self) -> ImageSpec:
        """The picture that the model wants."""
        ...

    @property
    def views(self) -> int:
        """How many views of a garment it sees at most."""
        ...

    @property
    def reject_below(self) -> float:
        """The score under which a decision is "unknown"."""
        ...

    def __call__(self, frame: Frame) -> Prediction:
        """Classify one frame."""
        ...


class Classifier:
    """A model, its labels and its interpreter: call it with a Frame.

    Normalising and quantising a byte depends on that byte alone, so encoding a picture is one look-up in a table of 256
    entries; so is what an output of eight bits stands for. Of a photo the network sees at most so many `views`, whose
    probabilities are averaged; below the score `score_calibration.reject_below` a frame's decision is "unknown".
    """

    def __init__(
        self,
        interpreter: Interpreter,
        labels: tuple[str, ...],
        image: ImageSpec,
        gives_logits: bool,
        score_calibration: ScoreCalibration = SURE,
        views: int = 1,
        model_sha256: str = "",
        manifest: Mapping[str, Any] | None = None,
    ) -> None:
        classes = int(np.prod(interpreter.output.shape[1:]))
        self._is_binary = classes == 1 and len(labels) == 2
        if len(labels) != classes and not self._is_binary:
            raise ModelUnsupported(
                f"the model has {classes} outputs, but there are {len(labels)} labels",
                "give matching --labels FILE",
            )
        if int(np.prod(interpreter.input.shape[1:])) != math.prod(image.shape):
            raise ModelUnsupported(
                f"expected one {image.colour} picture of {image.height}x{image.width}, the model takes "
                f"{interpreter.input.shape}",
            )
        self.labels = labels
        self.image = image
        self.interpreter = interpreter
        self.score_calibration = score_calibration
        self.views = views
        self.model_sha256 = model_sha256
        self.manifest = manifest
        self.last_seen: Seen | None = None
        """What the network saw of the newest frame, for those who show it; None of an unusable one."""
        self._gives_logits = gives_logits
        every_byte = np.arange(256, dtype=np.uint8)
        self._table = interpreter.input.encode(image.normalise(every_byte))
        output = interpreter.output
        self._values = output.decode(every_byte.view(output.dtype)) if output.dtype.itemsize == 1 else None

    @property
    def reject_below(self) -> float:
        """The score under which a frame's decision is "unknown"."""
        return self.score_calibration.reject_below

    def __call__(self, frame: Frame) -> Prediction:
        """Classify one frame; a blank or empty one gets no label, and an unusable one is not even looked at."""
        self.last_seen = None
        if frame.unusable_because is not None:
            return Prediction(
                frame.source,
                frame.index,
                Decision.NO_GARMENT,
                (),
                {"read": frame.read_ms, "preprocess": 0.0, "invoke": 0.0},
                hint=frame.unusable_because,
                time=datetime.now(UTC),
                age_ms=_age_ms(frame),
            )
        began = time.perf_counter()
        self.last_seen = seen = see(frame.pixels, self.image, self.views)
        ready = time.perf_counter()
        ranked, views = self._look_at(seen)
        done = time.perf_counter()
        return self.prediction(frame, seen, ranked, (ready - began) * 1e3, (done - ready) * 1e3, views)

    def prediction(
        self,
        frame: Frame,
        seen: Seen,
        ranked: tuple[LabelScore, ...],
        preprocess_ms: float,
        invoke_ms: float,
        views: int,
    ) -> Prediction:
        """What the ranked labels of a frame amount to; none where it shows nothing."""
        decision, hint = self._decide(seen, ranked)
        return Prediction(
            source=frame.source,
            frame=frame.index,
            decision=decision,
            ranked=ranked,
            latency_ms={"read": frame.read_ms, "preprocess": preprocess_ms, "invoke": invoke_ms},
            presence=None if seen.garment is None else seen.garment.presence,
            hint=hint,
            time=datetime.now(UTC),
            age_ms=_age_ms(frame),
            views=views,
        )

    def averaged(self, pictures: NDArray[np.uint8], kinds: int = 1) -> tuple[NDArray[np.float32], int]:
        """Mean calibrated probabilities of a garment's views, and how many of them were looked at.

        uint8 (N, *image.shape) -> float32 (classes,). The views are of so many `kinds`, one kind after the other:
        of the whole garment, and of the torso alone. They are looked at in rounds, one of each kind. The rest is left
        out as soon as all so far have the same best label, and a mean score of at least `early_exit` (Teerapittayanon
        et al. 2016, arxiv.org/abs/1709.01686, do so with the layers of a network) that is not "unknown" either.
        """
        calibration, rounds = self.score_calibration, len(pictures) // kinds
        enough = calibration.early_exit
        if enough is None or rounds == 1:
            scaled = calibration.scale(self.probabilities(pictures))
            mean: NDArray[np.float32] = scaled[0] if len(scaled) == 1 else scaled.mean(axis=0)
            return mean, len(pictures)
        enough = max(enough, calibration.reject_below)
        by_kind = pictures.reshape(kinds, rounds, *pictures.shape[1:])
        scores = np.empty((kinds, rounds, len(self.labels)), np.float32)
        best: set[int] = set()
        for number in range(rounds):
            scores[:, number] = calibration.scale(self.probabilities(by_kind[:, number]))
            best.update(scores[:, number].argmax(axis=1).tolist())
            mean = scores[:, : number + 1].reshape(-1, len(self.labels)).mean(axis=0)
            if len(best) == 1 and float(mean.max()) >= enough:
                break
        return mean, kinds * (number + 1)

    def probabilities(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Class probabilities of ready pictures: uint8 (N, *image.shape) -> float32 (N, classes).

        Of a single output, which is the second of two labels' probability, or its logit, both are made.
        """
        batch = self._table.take(pictures).reshape(len(pictures), *self.interpreter.input.shape[1:])
        raw = self.interpreter.run(batch)
        decoded = self.interpreter.output.decode(raw) if self._values is None else self._values.take(raw.view(np.uint8))
        scores = decoded.reshape(len(pictures), -1)
        if self._is_binary:
            return both_of(scores, self._gives_logits)
        return softmax(scores) if self._gives_logits else scores

    def _look_at(self, seen: Seen) -> tuple[tuple[LabelScore, ...], int]:
        """The ranked labels of what is seen, and how many views of it the network saw; none where it shows nothing."""
        if _shows_nothing(seen):
            return (), 0
        worn = seen.garment is not None and seen.garment.torso is not None
        mean, views = self.averaged(seen.pictures, 2 if worn else 1)
        return self.ranked(mean[np.newaxis])[0], views

    def _decide(self, seen: Seen, ranked: tuple[LabelScore, ...]) -> tuple[Decision, str | None]:
        """The decision, and the hint where it is no label."""
        if seen.garment is not None and seen.garment.scene is not Scene.GARMENT:
            return Decision.NO_GARMENT, HINTS[seen.garment.scene]
        if not ranked:
            return Decision.NO_GARMENT, HINTS["blank"]
        if ranked[0].score < self.score_calibration.reject_below:
            return Decision.UNKNOWN, HINTS["unknown" if self.image.framing.isolates else "unknown frame"]
        return Decision.GARMENT, None

    def ranked(self, scores: NDArray[np.float32]) -> list[tuple[LabelScore, ...]]:
        """The labels of each row of scores, float32 (N, classes), with the best first.

        Of equals the one with the smaller number comes first, as argmax has it.
        """
        order = (-scores).argsort(axis=1, kind="stable").tolist()
        return [
            tuple(LabelScore(self.labels[number], row[number]) for number in best_first)
            for best_first, row in zip(order, scores.tolist(), strict=True)
        ]


def _age_ms(frame: Frame) -> float | None:
    """Milliseconds since a live source's frame was captured; None for pictures, files and pipes."""
    return (time.monotonic() - frame.captured_at_s) * 1e3 if frame.is_live else None


def _shows_nothing(seen: Seen) -> bool:
    """Whether there is nothing to classify; what is faint or cut off is classified all the same."""
    if seen.garment is not None and seen.garment.scene is Scene.EMPTY:
        return True
    return is_blank(seen.pictures[0])


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities of logits along the last axis: float32 (N, classes) -> float32 (N, classes)."""
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: NDArray[np.float32] = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return probabilities


def both_of(scores: NDArray[np.float32], are_logits: bool) -> NDArray[np.float32]:
    """Probabilities of two labels from the second's, or from its logit: float32 (N, 1) -> float32 (N, 2)."""
    if are_logits:
        return softmax(np.concatenate([np.zeros_like(scores), scores], axis=1))
    return np.concatenate([1 - scores, scores], axis=1)


def open_classifier(
    model: Model,
    interpreter: Interpreter,
    labels: tuple[str, ...] = (),
    *,
    framing: Framing | None = None,
    pixels: PixelRange | None = None,
    views: int = 1,
    min_score: float | None = None,
) -> Classifier:
    """A classifier for a model; `labels` override those of the file, `min_score` its own `reject_below`.

    A plain .tflite without manifest gets its image spec from its metadata and tensors, unless `framing` and `pixels`
    say it, and the ten Fashion-MNIST labels if it takes grey garments and has ten outputs, with a warning
    (edge.inference.plain_model). Raises ModelUnsupported where that does not work out.
    """
    score_calibration = (
        model.score_calibration if min_score is None else replace(model.score_calibration, reject_below=min_score)
    )
    if model.image is None:
        from edge.inference.plain_model import assumed, gives_logits

        names, image = assumed(model, interpreter, labels, framing, pixels)
        logits = gives_logits(interpreter, image)
        return Classifier(interpreter, names, image, logits, score_calibration, views, model.sha256)
    if framing is not None or pixels is not None:
        raise ModelUnsupported(
            f"{model.path} has a manifest, which says what pictures it takes", "leave --framing and --pixels out"
        )
    return Classifier(
        interpreter,
        labels or model.labels,
        model.image,
        model.gives_logits,
        score_calibration,
        views,
        model.sha256,
        model.manifest,
    )
