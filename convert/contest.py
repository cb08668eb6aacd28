"""Models of either kind, .keras or .tflite, on the same test pictures through the classifier of the device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from convert.mediapipe_variant import open_grey, takes_rgb
from convert.progress import Stages
from convert.quiet import captured
from convert.settings import Settings
from edge import dataset
from edge.accuracy import Evaluation, evaluate
from edge.choices import Backend
from edge.classifier import Classifier, open_classifier
from edge.dataset import Dataset
from edge.interpreters import open_interpreter
from edge.model_file import read_model


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A model's answers: as it was named on the command line, with its file's size and what ran it."""

    name: str
    size_bytes: int
    runtime: str
    run: Evaluation


def enter(names: Sequence[str], data: Path | None, stream: TextIO) -> list[Entry]:
    """Run each model, a path or a bundled one's name, on all test pictures; `stream` gets progress.

    Raises the errors of edge.dataset.load, edge.model_file.read_model and convert.keras_file.load.
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
    if is_keras(name):
        return _open_keras(Path(name), data, test, stages)
    model = read_model(name)
    interpreter = open_interpreter(model, Backend.LITERT)
    opening = open_grey if takes_rgb(interpreter.input) else open_classifier
    return opening(model, interpreter), model.path.stat().st_size


def is_keras(name: str) -> bool:
    """Whether a model's name is that of a Keras file, which takes TensorFlow to run."""
    return Path(name).suffix in {".keras", ".h5"}


def _open_keras(path: Path, data: Path | None, test: Dataset, stages: Stages) -> tuple[Classifier, int]:
    from convert import keras_file
    from convert.conversion import read_source
    from convert.keras_interpreter import KerasInterpreter

    source = keras_file.load(path, test.label_names)
    interpreter = KerasInterpreter(source.model)
    training = dataset.load("train", data, progress=stages.download, reading=stages.reading)
    reading = read_source(Settings(path), source, interpreter, training)
    return Classifier(interpreter, test.label_names, reading.image, reading.gives_logits), source.size_bytes
