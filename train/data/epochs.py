"""The input of an epoch: which images, in which order, augmented how, with which targets."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from edge.errors import TrainingFailed
from train.augment.basic import Images, Targets, Varying, one_hot
from train.data.hard_example_sampler import HardExampleSampler

PREDICTION_BATCH = 500


class Examples(Protocol):
    """What a model is fitted to: a Dataset, or what another network made of its images."""

    @property
    def images(self) -> NDArray[Any]:
        """The model's inputs, (N, ...)."""

    @property
    def labels(self) -> NDArray[np.uint8]:
        """Class numbers, uint8 (N,)."""

    @property
    def label_names(self) -> tuple[str, ...]:
        """The classes."""

    def __len__(self) -> int:
        """N."""


class EpochInput(NamedTuple):
    """An epoch's input in the order in which it is shown; at most as many as there are training images."""

    inputs: NDArray[Any]
    """(N, ...)"""
    targets: NDArray[Any]
    """(N,) class numbers or (N, classes)"""
    weights: NDArray[np.float32] | None = None
    """(N,) factors of the losses; None for all alike"""


class EpochBuilder(Protocol):
    """Makes an epoch's input from the training data; the same epoch always gets the same."""

    @property
    def identity(self) -> str:
        """What, beyond the settings, the epoch_builder depends on: a run is resumed only with the same."""
        ...

    def epoch(self, training: Examples, epoch: int) -> EpochInput:
        """What an epoch, counted from 0, shows."""
        ...

    def inputs(self, data: Examples) -> NDArray[Any]:
        """Images that are only measured, as the model takes them."""
        ...

    def targets(self, data: Examples) -> NDArray[Any]:
        """Targets of images that are only measured."""
        ...


@dataclass(frozen=True, slots=True)
class PlainEpochBuilder:
    """Every image once, as it is, with its class number as target."""

    seed: int
    identity: str = ""

    def epoch(self, training: Examples, epoch: int) -> EpochInput:
        """Inputs and class numbers (N,) in the epoch's order."""
        order = np.random.default_rng([self.seed, epoch]).permutation(len(training))
        return EpochInput(training.images[order], training.labels[order])

    def inputs(self, data: Examples) -> NDArray[Any]:
        """The images, (N, ...)."""
        return data.images

    def targets(self, data: Examples) -> NDArray[Any]:
        """Class numbers (N,)."""
        return data.labels


@dataclass(frozen=True, slots=True)
class Teacher:
    """A trained network whose probabilities others learn."""

    model: Any
    sha256: str


class Memory:
    """A teacher that is run once for each picture, for augmentations with few variants, which repeat."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._known: dict[bytes, NDArray[np.float32]] = {}

    def predict(self, images: Images, **options: Any) -> NDArray[np.float32]:
        """Probabilities float32 (N, classes) of bytes (N, height, width)."""
        keys = [image.tobytes() for image in images]
        new = [number for number, key in enumerate(keys) if key not in self._known]
        if new:
            for number, answer in zip(new, self._model.predict(images[new], **options), strict=True):
                self._known[keys[number]] = np.asarray(answer, np.float32)
        return np.stack([self._known[key] for key in keys])


@dataclass(frozen=True, slots=True)
class AugmentedEpochBuilder:
    """Varied images; the targets are smoothed classes, mixed with what teachers say of the same varied image.

    A teacher that sees the student's very input, over a long training: Beyer et al. 2022, arxiv.org/abs/2106.05237.
    """

    seed: int
    augmentation: Varying
    smoothing: float
    teachers: Sequence[Teacher] = ()
    teacher_share: float = 0.7
    choice: HardExampleSampler | None = None
    """Which images an epoch shows; None for all."""

    @property
    def identity(self) -> str:
        """The teachers, by content."""
        return ",".join(teacher.sha256[:12] for teacher in self.teachers)

    def epoch(self, training: Examples, epoch: int) -> EpochInput:
        """Images, targets float32 (N, classes) and weights of an epoch."""
        generator = np.random.default_rng([self.seed, epoch])
        if self.choice is not None:
            chosen, weights = self.choice(generator)
        else:
            chosen, weights = generator.permutation(len(training)), None
        targets = one_hot(training.labels[chosen], len(training.label_names), self.smoothing)
        images, targets = self.augmentation(training.images[chosen], targets, generator)
        if self.teachers:
            taught = np.mean([_probabilities(teacher.model, images) for teacher in self.teachers], axis=0)
            targets = (1 - self.teacher_share) * targets + self.teacher_share * taught.astype(np.float32)
        return EpochInput(images, targets, weights)

    def inputs(self, data: Examples) -> NDArray[Any]:
        """The images, (N, 28, 28)."""
        return data.images

    def targets(self, data: Examples) -> Targets:
        """One-hot float32 (N, classes), without smoothing."""
        return one_hot(data.labels, len(data.label_names), 0.0)


def read_teachers(
    paths: Sequence[Path], label_names: Sequence[str], augmentation: Varying, dtype: str = "float32"
) -> list[Teacher]:
    """Teachers from run folders or .keras files. Raises TrainingFailed where one does not fit the labels.

    Where `augmentation` only mirrors, a picture has two variants, and their answers are kept. `dtype` is the policy
    of all their layers but the last: a large teacher takes longer than its student.
    """
    teachers = [read_trained(path, len(label_names)) for path in paths]
    for teacher in teachers:
        *others, last = teacher.model.layers
        for layer in others:
            layer.dtype_policy = keras.DTypePolicy(dtype)
        if getattr(last, "activation", None) is keras.activations.linear:
            last.activation = keras.activations.softmax  # a camera model leaves it to the device
    if not augmentation.only_mirrors:
        return teachers
    return [replace(teacher, model=Memory(teacher.model)) for teacher in teachers]


def read_trained(path: Path, classes: int) -> Teacher:
    """The network of a run folder or a .keras file. Raises TrainingFailed."""
    path = path / "model.keras" if path.is_dir() else path
    hint = "expected a finished run folder of fmnist-train, or its model.keras"
    try:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        model = keras.saving.load_model(path, compile=False)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingFailed(f"{path} is no trained network: {error}", hint) from error
    if tuple(model.output_shape[1:]) != (classes,):
        raise TrainingFailed(f"{path} knows {model.output_shape[-1]} classes, the data have {classes}", hint)
    return Teacher(model, sha256)


def _probabilities(model: Any, images: Images) -> Targets:
    predict: Callable[..., Any] = model.predict
    return np.asarray(predict(images, batch_size=PREDICTION_BATCH, verbose=0), np.float32)
