"""What an epoch of `fmnist-train adapt` shows: photos, images of Fashion-MNIST and pictures of no class, in each batch.

A target is float32 (classes + 1,): 1 for each class that counts as right, 0 for others; last, the share of the loss
that asks for knowing nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from edge.isolation.network_input import fit_pictures
from train.augment import outliers
from train.augment.basic import Images, Targets, flipped, one_hot
from train.augment.camera import CameraAugmentation
from train.augment.pose import change_contrast, spoil_mask, tilt
from train.augment.worn import filled, worn
from train.data.adapt_settings import GARMENTS, GREY, OUTLIERS, PHOTOS, SMOOTHING, STEPS_PER_EPOCH
from train.data.epochs import EpochInput, Examples
from train.data.photos import Photos

FAR = 1e9
"""Taken from the logits of classes that are not right: nothing of their probability is left."""

LEANING = 2.0
"""The power of their probabilities by which several right classes share a target."""

BALANCE = 0.75
"""Folders are shown as often as their size to the power of a quarter says: 1 for all alike, 0 by size."""


# Registered under the name that older checkpoints hold.
@keras.saving.register_keras_serializable("fmnist_edge", "one_of_them")  # type: ignore[untyped-decorator]
def partial_label_crossentropy(targets: Any, logits: Any) -> Any:
    """Cross-entropy with the right class; for a share of each, with an even answer.

    Of several right classes, the one that the network itself leans to, the more it leans: their part of the target is
    the square of what they get. Merely asking for one of them leaves the answer spread over all, too unsure to be
    told from a wrong one. Partial labels: Lv et al. 2020, arxiv.org/abs/2002.08053, there without the square.
    """
    classes, none = targets[:, :-1], targets[:, -1]
    logarithms = ops.log_softmax(ops.cast(logits, "float32"), axis=-1)
    parts = ops.stop_gradient(ops.softmax(LEANING * logarithms + FAR * (classes - 1), axis=-1))
    return -(1 - none) * ops.sum(parts * logarithms, axis=-1) - none * ops.mean(logarithms, axis=-1)


@keras.saving.register_keras_serializable("fmnist_edge", "said_one_of_them")  # type: ignore[untyped-decorator]
def partial_label_accuracy(targets: Any, logits: Any) -> Any:
    """1 where the answer is one of the right classes, else 0; never for pictures of no class."""
    said = ops.one_hot(ops.argmax(logits, axis=-1), targets.shape[-1] - 1)
    return ops.max(targets[:, :-1] * ops.cast(said, targets.dtype), axis=-1)


@dataclass(frozen=True, slots=True)
class AdaptEpochBuilder:
    """Batches of PHOTOS, GARMENTS and OUTLIERS, in every step as many of each."""

    seed: int
    photos: Photos
    worn: float

    @property
    def identity(self) -> str:
        """The photos, by content."""
        return self.photos.sha256[:12]

    def epoch(self, training: Examples, epoch: int) -> EpochInput:
        """Pictures uint8 (N, pixels, pixels), targets float32 (N, classes + 1), in the order of the steps."""
        generator = np.random.default_rng([self.seed, epoch])
        classes = len(training.label_names)
        photos, photo_targets = self._photos(STEPS_PER_EPOCH * PHOTOS, generator)
        wanted = STEPS_PER_EPOCH * GARMENTS
        chosen = generator.choice(len(training), wanted, replace=len(training) < wanted)
        labels = training.labels[chosen]
        garments, _ = CameraAugmentation()(training.images[chosen], one_hot(labels, classes, 0.0), generator)
        strange = outliers.outliers(training.images[chosen], labels, STEPS_PER_EPOCH * OUTLIERS, generator)
        image = self.photos.image
        parts = (
            (photos, photo_targets),
            (fit_pictures(garments, image), targets_of(one_hot(labels, classes, 0.0) > 0)),
            (fit_pictures(strange, image), targets_of(np.zeros((len(strange), classes), np.bool_))),
        )
        in_steps = [
            np.concatenate([part[which].reshape(STEPS_PER_EPOCH, -1, *part[which].shape[1:]) for part in parts], axis=1)
            for which in range(2)
        ]
        inputs, targets = (part.reshape(-1, *part.shape[2:]) for part in in_steps)
        return EpochInput(inputs, targets)

    def inputs(self, data: Examples) -> Images:
        """Images that are only measured: uint8 (N, pixels, pixels)."""
        return fit_pictures(data.images, self.photos.image)

    def targets(self, data: Examples) -> Targets:
        """Of images that are only measured: float32 (N, classes + 1), without smoothing."""
        return targets_of(one_hot(data.labels, len(data.label_names), 0.0) > 0, smoothing=0.0)

    def _photos(self, count: int, generator: np.random.Generator) -> tuple[Images, Targets]:
        """Photos at random, of small folders more often; a part of them in grey; a part worn, the others tilted."""
        folders = np.array([photo.folder for photo in self.photos.photos])
        names, members = np.unique(folders, return_counts=True)
        weights = (members**-BALANCE)[np.searchsorted(names, folders)]
        chosen = generator.choice(len(folders), count, p=weights / weights.sum())
        grey = generator.random(count) < GREY
        variants = [
            self.photos.photos[number].variants_in(generator, without_colour)
            for number, without_colour in zip(chosen, grey, strict=True)
        ]
        which = generator.random(count)
        pictures = np.stack([one[int(part * len(one))] for one, part in zip(variants, which, strict=True)])
        classes = self.photos.classes[chosen]
        return self._varied(pictures, classes, generator), targets_of(classes)

    def _varied(self, pictures: Images, classes: NDArray[np.bool_], generator: np.random.Generator) -> Images:
        known = classes.any(axis=1)
        way = generator.random(len(pictures))
        on_people = np.flatnonzero(known & (way < self.worn))
        spoilt = np.flatnonzero(way > (1 + self.worn) / 2)
        result = tilt(flipped(pictures, 0.5, generator), generator, 0.7)
        result[spoilt] = spoil_mask(change_contrast(result[spoilt], generator), generator)
        # Of several classes one at random: it decides how a garment is worn, and all of shoes are worn alike.
        labels = (generator.random(classes.shape) * classes).argmax(axis=1).astype(np.uint8)
        result[on_people] = worn(pictures[on_people], labels[on_people], generator)
        return filled(result, pictures)


def targets_of(classes: NDArray[np.bool_], smoothing: float = SMOOTHING) -> Targets:
    """Targets of right classes bool (N, classes): float32 (N, classes + 1)."""
    none = np.where(classes.any(axis=1), smoothing, 1.0)
    return np.concatenate([classes, none[:, np.newaxis]], axis=1).astype(np.float32)
