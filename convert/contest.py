"""Models of any kind, float or converted, on the same test pictures through the classifier of the device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from convert import source as sources
from convert.float_file import is_float
from convert.progress import Stages
from convert.quiet import captured
from convert.reading import read_source
from convert.settings import Settings
from edge import dataset
from edge.accuracy import Evaluation, evaluate
from edge.choices import Backend
from edge.classifier import Classifier, open_classifier
from edge.dataset import Dataset
from edge.interpreters import open_interpreter
from edge.model_file import bundled_models, read_model


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A model's answers: as it was named on the command line, with its file's size and what ran it."""

    name: str
    size_bytes: int
    runtime: str
    run: Evaluation


def enter(names: Sequence[str], data: Path | None, stream: TextIO) -> list[Entry]:
    """Run each model, a path or a bundled one's name, on all test pictures; `stream` gets progress.

    Raises the errors of edge.dataset.load, edge.model_file.read_model and convert.source.load.
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
    path = Path(name)
    if path.suffix not in {".keras", ".h5"} and (name in bundled_models() or not path.is_dir()):
        model = read_model(name)
        # A float file of other origin does not say its pixel range: it is measured, as for a conversion.
        if model.manifest is not None or not is_float(model):
            return open_classifier(model, open_interpreter(model, Backend.LITERT)), model.path.stat().st_size
    source = sources.load(path, test.label_names)
    training = dataset.load("train", data, progress=stages.download, reading=stages.reading)
    reading = read_source(Settings(path), source, source.interpreter, training)
    classifier = Classifier(source.interpreter, test.label_names, reading.image, reading.gives_logits)
    return classifier, source.size_bytes
