"""Float against int8 on the same pictures, both through the classifier that runs on the device."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from convert.progress import Advance
from convert.settings import Settings
from edge.choices import Backend
from edge.datasets.dataset import Dataset
from edge.datasets.download import CONTENTS
from edge.datasets.idx_files import IDX_MAGIC
from edge.inference.accuracy import Evaluation, PairedAccuracy, compare, evaluate
from edge.inference.classifier import Classifier, open_classifier
from edge.inference.interpreters import Interpreter, open_interpreter
from edge.inference.model_file import Model


@dataclass(frozen=True, slots=True, eq=False)
class AccuracyParity:
    """Both models' answers to the same pictures, compared; `runtime` names what ran the int8 model."""

    float_run: Evaluation
    int8_run: Evaluation
    paired: PairedAccuracy
    runtime: str

    @classmethod
    def of(cls, float_run: Evaluation, int8_run: Evaluation, runtime: str) -> AccuracyParity:
        """Pair two runs."""
        return cls(float_run, int8_run, compare(float_run, int8_run), runtime)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ConvertedModel:
    """A converted model, and how it pairs with its float parent on the `test` pictures.

    `content` is the model file, whether it was written or not; `flatbuffer` is its network alone, without metadata.
    """

    settings: Settings
    model: Model
    content: bytes
    flatbuffer: bytes
    test: Dataset
    parity: AccuracyParity

    @property
    def within_budget(self) -> bool:
        """Whether it loses no more than --max-drop points."""
        return self.parity.paired.drop <= self.settings.max_drop


def name_data(test: Dataset) -> str:
    """What the manifest calls the test pictures: Fashion-MNIST's only if they are, byte for byte.

    Others get a digest, which tells two sets of them apart; no folder, for the manifest is published.

    The digests are of IDX files: magic number, three sizes, pixels (edge.datasets.idx_files).
    """
    header = np.array([IDX_MAGIC[3], *test.images.shape], ">u4").tobytes()
    hashed = hashlib.sha256(header)
    hashed.update(np.ascontiguousarray(test.images).data)
    digest = hashed.hexdigest()
    if digest == CONTENTS["t10k-images-idx3-ubyte"].sha256:
        return "Fashion-MNIST test"
    return f"pictures of the user's own: {len(test.label_names)} classes, SHA-256 of the pixels {digest[:12]}"


def run_float(interpreter: Interpreter, model: Model, test: Dataset, progress: Advance) -> Evaluation:
    """Answers of the float model, with the labels, pixel range and scores of the int8 model's manifest."""
    assert model.image is not None
    classifier = Classifier(interpreter, model.labels, model.image, model.gives_logits)
    return evaluate(classifier, test.images, test.labels.astype(np.int64), progress)


def run_int8(model: Model, test: Dataset, progress: Advance) -> tuple[Evaluation, str]:
    """Answers of the int8 model as the device gives them, and the runtime's name."""
    classifier = open_classifier(model, open_interpreter(model, Backend.LITERT))
    run = evaluate(classifier, test.images, test.labels.astype(np.int64), progress)
    return run, classifier.interpreter.name
