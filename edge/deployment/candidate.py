"""A model that is to go into service: verified without a risk to the one that is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.errors import ModelDamaged, ModelUnsupported

if TYPE_CHECKING:
    from edge.inference.classifier import Classifier
    from edge.inference.model_file import Model

NICENESS = 10
"""The child's: the frames come first."""

OpenClassifier = Callable[["Model"], "Classifier"]
"""Opens a model as the running one was opened. Raises ModelError or BackendUnavailable."""


@dataclass(frozen=True, slots=True)
class InService:
    """A model and the classifier that runs it."""

    model: Model
    classifier: Classifier

    def is_same(self, model: Model) -> bool:
        """Whether a file has nothing new: neither in the flatbuffer nor in what is attached to it."""
        mine = self.model
        return (mine.flatbuffer, mine.manifest, mine.labels) == (model.flatbuffer, model.manifest, model.labels)


def verify(model: Model, running: InService) -> None:
    """Refuse what may harm the run, before this process opens it. Raises ModelError or BackendUnavailable.

    The file was read, so its hash is right. It is opened and run in a child process: what crashes, crashes there.
    """
    if model.manifest is None and running.model.manifest is not None:
        raise ModelUnsupported(
            f"{model.path} has no manifest, so nothing vouches for it",
            "a run that began with such a model may go on with one; convert quantize writes a manifest",
        )
    if not model.compiled_for_edgetpu:
        from edge.inference.interpreters import first_runtime
        from edge.inference.sandbox import try_unknown

        try_unknown(model, first_runtime(), NICENESS)


def check_answers(classifier: Classifier, running: InService) -> None:
    """Refuse a classifier that answers with other labels, or with no numbers. Its first run is over then, too.

    Raises ModelUnsupported or ModelDamaged.
    """
    new, old = set(classifier.labels), set(running.classifier.labels)
    if new != old:
        differing = ", ".join(sorted(new ^ old))
        raise ModelUnsupported(
            f"its labels are not those of the model in service: {differing[:120]}",
            "listeners and folders are made for the labels of the start: start anew to change them",
        )
    scores = classifier.probabilities(np.zeros((1, *classifier.image.shape), np.uint8))
    if not np.isfinite(scores).all():
        raise ModelDamaged("it answers with what is no number", "convert the model again")
