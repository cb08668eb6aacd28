"""What an int8 model answers to the test pictures of a folder, and which files they are."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.datasets.dataset import Dataset
from edge.errors import SourceError
from edge.frame import Decision
from edge.inference.classifier import open_classifier
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import read_model
from edge.isolation.network_input import to_input
from edge.sources.pictures import IMAGE_SUFFIXES, read_image
from edge.spec import ImageSpec
from train.evaluation.device_answers import DeviceAnswers
from train.settings import evaluation_batch


def answers_to_pictures(int8: Path, test: Dataset, folder: Path) -> DeviceAnswers:
    """An int8 model's answers to test pictures that were read from `folder` for it; one whose file is gone has none."""
    model = read_model(str(int8))
    classifier = open_classifier(model, open_interpreter(model))
    size = evaluation_batch(classifier.image.shape)
    batches = [classifier.probabilities(test.images[at : at + size]) for at in range(0, len(test), size)]
    scores = classifier.score_calibration.scale(np.concatenate(batches))
    accepted = scores.max(axis=1) >= classifier.reject_below
    classes = np.arange(len(test.label_names)) == test.labels[:, np.newaxis]
    files = _files(folder, test, classifier.image)
    paths = tuple(files.get(_digest(picture), "") for picture in test.images)
    decisions = tuple(Decision.GARMENT if one else Decision.UNKNOWN for one in accepted)
    return DeviceAnswers(scores, classes, paths, (), classifier.labels, decisions)


def _files(folder: Path, test: Dataset, image: ImageSpec) -> dict[bytes, str]:
    """The file, as seen from the folder, that each of the test pictures was made of."""
    wanted = {_digest(picture) for picture in test.images}
    found: dict[bytes, str] = {}
    root = folder / "test" if (folder / "test").is_dir() else folder
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() not in IMAGE_SUFFIXES:
            continue
        try:
            digest = _digest(to_input(read_image(path), image))
        except SourceError:
            continue
        if digest in wanted:
            found.setdefault(digest, str(path.relative_to(folder)))
    return found


def _digest(picture: NDArray[np.uint8]) -> bytes:
    return hashlib.sha256(picture.tobytes()).digest()
