"""Models of any kind, float or converted, on the same test pictures through the classifier of the device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

import numpy as np

from convert.inputs import readers
from convert.inputs.float_file import is_float
from convert.inputs.framing import frame
from convert.inputs.input_spec import infer_input_spec
from convert.picture_options import PictureOptions
from convert.progress import Stages
from convert.quiet import captured
from convert.settings import Settings
from convert.verify.opening import open_for
from edge.datasets import dataset
from edge.datasets.dataset import Dataset
from edge.datasets.idx_files import Split
from edge.inference.accuracy import Evaluation, evaluate
from edge.inference.classifier import Classifier
from edge.inference.model_file import bundled_models, read_model
from edge.spec import ImageSpec


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A model's answers: as it was named on the command line, with its file's size and what ran it."""

    name: str
    size_bytes: int
    runtime: str
    run: Evaluation


def evaluate_models(names: Sequence[str], data: Path | None, told: PictureOptions, stream: TextIO) -> list[Entry]:
    """Run each model, a path or a bundled one's name, on all test pictures; `stream` gets progress.

    Each sees them as its file says, or else as `told`, in the same order: that of the first, or of their files where
    models see them otherwise. Raises the errors of dataset.load, read_model and readers.load.
    """
    entries = []
    with captured(), Stages(stream) as stages:
        pictures = _Pictures(data, stages)
        opened = [_open(name, pictures, told) for name in names]
        pictures.sort_by_file = len({_seen_as(classifier.image) for classifier, _ in opened}) > 1
        for name, (classifier, size) in zip(names, opened, strict=True):
            numbered = pictures.load("test", classifier.image).numbered_as(classifier.labels)
            with stages.stage(f"evaluate {Path(name).name}"[:40], len(numbered)) as advance:
                run = evaluate(classifier, numbered.images, numbered.labels.astype(np.int64), advance)
            entries.append(Entry(name, size, classifier.interpreter.name, run))
    return entries


class _Pictures:
    """One's data set, read for each way in which a model sees it."""

    def __init__(self, data: Path | None, stages: Stages) -> None:
        self.data = data
        self.labels = dataset.find_labels(data)
        self.sort_by_file = False
        self._stages = stages
        self._read: dict[ImageSpec, Dataset] = {}

    def load(self, split: Split, image: ImageSpec) -> Dataset:
        """A split as a model sees it. Raises what dataset.load does."""
        known = _seen_as(image)
        if split == "test" and known in self._read:
            return self._read[known]
        stages = self._stages
        found = dataset.load(split, self.data, progress=stages.download, reading=stages.reading, image=image)
        if split == "train":
            return found
        if self.sort_by_file and found.files:
            found = found.subset(np.array(sorted(range(len(found)), key=lambda number: found.files[number])))
        self._read[known] = found
        return found


def _seen_as(image: ImageSpec) -> ImageSpec:
    """What of a spec decides about its pictures: not their range."""
    return replace(image, low=0.0, high=255.0)


def _open(name: str, pictures: _Pictures, told: PictureOptions) -> tuple[Classifier, int]:
    if needs_tensorflow(name):
        return _open_source(Path(name), pictures, told)
    model = read_model(name)
    # A float file of other origin does not say its pixel range: it is measured, as for a conversion.
    if model.manifest is None and is_float(model):
        return _open_source(model.path, pictures, told)
    return open_for(model, told), model.path.stat().st_size


def needs_tensorflow(name: str) -> bool:
    """Whether a model's name is that of a Keras file or of a SavedModel's folder, which take TensorFlow to run."""
    path = Path(name)
    return path.suffix in {".keras", ".h5"} or (name not in bundled_models() and path.is_dir())


def _open_source(path: Path, pictures: _Pictures, told: PictureOptions) -> tuple[Classifier, int]:
    source = readers.load(path, pictures.labels)
    image, _ = frame(told, source, pictures.labels)
    training = pictures.load("train", image)
    reading = infer_input_spec(Settings(path), source, source.interpreter, training, image)
    classifier = Classifier(source.interpreter, pictures.labels, reading.image, reading.gives_logits)
    return classifier, source.size_bytes
