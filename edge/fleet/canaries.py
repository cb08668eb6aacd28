"""Two models on the same labelled pictures: the one that runs, and the one that is to run. Needs NumPy and OpenCV.

The pictures are whole frames of this device, CLASS/*.jpg, as `classify --keep` stores them and a person sorts them; or
the pictures of Fashion-MNIST that ship with the package.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge.bench.pictures import load_slice
from edge.errors import BadOption, SourceError
from edge.frame import Decision
from edge.inference.model_file import sha256
from edge.isolation.network_input import fit_pictures
from edge.sources.grammar import Input, Kind, read_picture
from edge.sources.liveness import marked
from edge.sources.pictures import IMAGE_SUFFIXES
from edge.spec import FASHION_MNIST_LABELS, Framing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.inference.classifier import Classifier

MOST = 1000
"""Of more pictures these are measured; a Pi takes half a minute for so many photos."""

AT_A_TIME = 10
"""Bundled pictures that a network sees together; of all at once a Pi's memory would feel it."""


@dataclass(frozen=True, slots=True)
class Canary:
    """A picture, and the label that a person gave it."""

    path: Path
    label: str


def canaries_in(folder: Path, labels: tuple[str, ...]) -> list[Canary]:
    """The pictures in the class folders of some labels: at most MOST, chosen by their names' hashes. Raises BadOption.

    Folders of other names do not count, and neither do _unsorted and _unknown.
    """
    from edge.datasets.image_folders import class_folders  # with OpenSSL, 4 MB that the bundled pictures do without

    found: list[Canary] = []
    for label, name in class_folders(labels).items():
        try:
            files = [path for path in (folder / name).iterdir() if path.suffix.lower() in IMAGE_SUFFIXES]
        except FileNotFoundError:
            continue
        except OSError as error:
            raise BadOption(f"--canaries {folder / name}: {error.strerror}") from error
        found += [Canary(path, label) for path in files if not path.name.startswith(".")]
    if not found:
        raise BadOption(f"--canaries {folder}: there is no picture in it", "CLASS/*.jpg, with the model's labels")
    return sorted(found, key=lambda one: sha256(f"{one.label}/{one.path.name}".encode()))[:MOST]


def right_answers(classifier: Classifier, canaries: list[Canary] | None) -> NDArray[np.bool_] | None:
    """Which pictures a model names as the person did: bool (N,).

    Frames are classified as `classify` does it; unknown is a wrong answer, and so is a picture that cannot be read.
    Without canaries the bundled pictures are taken where the model is made for such; None otherwise.
    """
    if canaries is None:
        return _right_on_slice(classifier)
    return np.array([_is_right(classifier, canary) for canary in canaries], bool)


def _is_right(classifier: Classifier, canary: Canary) -> bool:
    try:
        prediction = classifier(marked(read_picture(Input(Kind.IMAGE, str(canary.path)))))
    except SourceError:
        return False
    best = prediction.best
    return prediction.decision is Decision.GARMENT and best is not None and best.label == canary.label


def _right_on_slice(classifier: Classifier) -> NDArray[np.bool_] | None:
    if not set(FASHION_MNIST_LABELS) <= set(classifier.labels) or classifier.image.framing is not Framing.GARMENT_GREY:
        return None
    pictures = load_slice()
    numbers = np.array([classifier.labels.index(label) for label in FASHION_MNIST_LABELS])
    parts = [pictures.images[start : start + AT_A_TIME] for start in range(0, len(pictures.images), AT_A_TIME)]
    scores = np.concatenate([classifier.probabilities(fit_pictures(part, classifier.image)) for part in parts])
    finite = np.isfinite(scores).all(axis=1)
    return np.asarray((np.nan_to_num(scores).argmax(axis=1) == numbers[pictures.labels]) & finite, bool)
