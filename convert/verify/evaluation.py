"""Models of any kind, float or converted, on the same test pictures through the classifier of the device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from convert.inputs import readers
from convert.inputs.float_file import is_float
from convert.inputs.input_spec import infer_input_spec
from convert.progress import Stages
from convert.quiet import captured
from convert.settings import Settings
from convert.tflite.mediapipe_variant import open_grey, takes_rgb
from edge.choices import Backend
from edge.datasets import dataset
from edge.datasets.dataset import Dataset
from edge.inference.accuracy import Evaluation, evaluate
from edge.inference.classifier import Classifier, open_classifier
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import bundled_models, read_model


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A model's answers: as it was named on the command line, with its file's size and what ran it."""

    name: str
    size_bytes: int
    runtime: str
    run: Evaluation


def evaluate_models(names: Sequence[str], data: Path | None, stream: TextIO) -> list[Entry]:
    """Run each model, a path or a bundled one's name, on all test pictures; `stream` gets progress.

    Raises the errors of dataset.load, read_model and readers.load.
    """
    entries = []
    with captured(), Stages(stream) as stages:
        test = dataset.load("test", data, progress=stages.download, reading=stages.reading)
        for name in names:
            classifier, size = _open(name, data, test, stages)
            numbered = test.numbered_as(classifier.labels)
            with stages.stage(f"evaluate {Path(name).name}"[:40], len(test)) as advance:
                run = evaluate(classifier, numbered.images, numbered.labels.astype(np.int64), advance)
            entries.append(Entry(name, size, classifier.interpreter.name, run))
    return entries


def _open(name: str, data: Path | None, test: Dataset, stages: Stages) -> tuple[Classifier, int]:
    if needs_tensorflow(name):
        return _open_source(Path(name), data, test, stages)
    model = read_model(name)
    # A float file of other origin does not say its pixel range: it is measured, as for a conversion.
    if model.manifest is None and is_float(model):
        return _open_source(model.path, data, test, stages)
    interpreter = open_interpreter(model, Backend.LITERT)
    opening = open_grey if takes_rgb(interpreter.input) else open_classifier
    return opening(model, interpreter), model.path.stat().st_size


def needs_tensorflow(name: str) -> bool:
    """Whether a model's name is that of a Keras file or of a SavedModel's folder, which take TensorFlow to run."""
    path = Path(name)
    return path.suffix in {".keras", ".h5"} or (name not in bundled_models() and path.is_dir())


def _open_source(path: Path, data: Path | None, test: Dataset, stages: Stages) -> tuple[Classifier, int]:
    source = readers.load(path, test.label_names)
    training = dataset.load("train", data, progress=stages.download, reading=stages.reading)
    reading = infer_input_spec(Settings(path), source, source.interpreter, training)
    classifier = Classifier(source.interpreter, test.label_names, reading.image, reading.gives_logits)
    return classifier, source.size_bytes
