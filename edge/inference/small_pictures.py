"""Pictures of the network's own size, some at a time: NumPy's calls take as long for sixteen of them as for one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from edge.frame import Frame, Prediction
from edge.isolation.network_input import BLANK_CONTRAST, see

if TYPE_CHECKING:
    from edge.inference.classifier import Classifier


def classify_together(classifier: Classifier, frames: Sequence[Frame]) -> list[Prediction]:
    """As the classifier has it of each frame. If all are ready pictures, most is done for all at once.

    Ready are those of the network's own size, and those whose pixels are only repeated.

    Of such frames each is given an equal share of the milliseconds.
    """
    ready_made = (
        one.unusable_because is None and classifier.image.repeats(*one.pixels.shape[:2]) > 0 for one in frames
    )
    if len(frames) < 2 or not all(ready_made):
        return [classifier(frame) for frame in frames]
    began = time.perf_counter()
    seen = [see(frame.pixels, classifier.image) for frame in frames]
    pictures = np.concatenate([one.pictures for one in seen])
    flat = pictures.reshape(len(frames), -1)
    contrasts = (flat.max(axis=1) - flat.min(axis=1)).tolist()
    ready = time.perf_counter()
    scores = classifier.score_calibration.scale(classifier.probabilities(pictures))
    ranked = classifier.ranked(scores)
    done = time.perf_counter()
    preprocess_ms, invoke_ms = (1e3 * spent_s / len(frames) for spent_s in (ready - began, done - ready))
    blank = [contrast < BLANK_CONTRAST for contrast in contrasts]
    return [
        classifier.prediction(frame, what, () if is_blank else labels, preprocess_ms, invoke_ms, 0 if is_blank else 1)
        for frame, what, labels, is_blank in zip(frames, seen, ranked, blank, strict=True)
    ]
