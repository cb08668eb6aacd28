"""Variations of training images, whole epochs at a time in NumPy: the same on every Keras backend, and seeded.

All functions take and give uint8 (N, height, width) grey and a NumPy generator, on which alone the result depends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
Targets = NDArray[np.float32]


class Varying(Protocol):
    """Varies an epoch's images and their targets alike."""

    @property
    def only_mirrors(self) -> bool:
        """Whether an image has two variants at most."""
        ...

    def __call__(self, images: Images, targets: Targets, generator: np.random.Generator) -> tuple[Images, Targets]:
        """Vary images uint8 (N, height, width) with targets float32 (N, classes); the inputs stay as they are."""
        ...


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How strongly training images are augmented: probabilities 0..1, lengths in pixels, 0 for none."""

    flip: float = 0.5
    shift: int = 2
    erase: float = 0.5
    erase_smallest: int = 4
    erase_largest: int = 14
    cutmix: float = 0.0
    mixup: float = 0.0

    @property
    def only_mirrors(self) -> bool:
        """Whether an image has two variants at most."""
        return not (self.shift or self.erase or self.cutmix or self.mixup)

    def __call__(self, images: Images, targets: Targets, generator: np.random.Generator) -> tuple[Images, Targets]:
        """Vary images uint8 (N, height, width) with targets float32 (N, classes); the inputs stay as they are."""
        varied = shifted(flipped(images, self.flip, generator), self.shift, generator)
        varied = erased(varied, self.erase, self.erase_smallest, self.erase_largest, generator)
        varied, targets = cut_mixed(varied, targets, self.cutmix, generator)
        return mixed_up(varied, targets, self.mixup, generator)


def one_hot(labels: NDArray[np.uint8], classes: int, smoothing: float) -> Targets:
    """Class numbers (N,) -> float32 (N, classes): 1 - smoothing on the class, the rest spread over all.

    Label smoothing: Szegedy et al. 2016, arxiv.org/abs/1512.00567, section 7.
    """
    targets = np.full((len(labels), classes), smoothing / classes, np.float32)
    targets[np.arange(len(labels)), labels] += np.float32(1 - smoothing)
    return targets


def flipped(images: Images, probability: float, generator: np.random.Generator) -> Images:
    """Mirror each image left to right with this probability."""
    chosen = generator.random(len(images)) < probability
    result = images.copy()
    result[chosen] = images[chosen, :, ::-1]
    return result


def shifted(images: Images, most: int, generator: np.random.Generator) -> Images:
    """Move each image by up to `most` pixels each way; black comes in."""
    if most == 0:
        return images
    count, height, width = images.shape
    padded = np.pad(images, ((0, 0), (most, most), (most, most)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    down, right = generator.integers(0, 2 * most + 1, (2, count))
    return np.ascontiguousarray(windows[np.arange(count), down, right])


def erased(images: Images, probability: float, smallest: int, largest: int, generator: np.random.Generator) -> Images:
    """Cover a rectangle of each image with noise, with this probability; its sides are `smallest` to `largest` pixels.

    Random erasing: Zhong et al. 2020, arxiv.org/abs/1708.04896.
    """
    count, height, width = images.shape
    chosen = np.flatnonzero(generator.random(count) < probability)
    sides = generator.integers(smallest, largest + 1, (2, len(chosen)))
    inside = _rectangles(sides[0], sides[1], height, width, generator)
    noise = generator.integers(0, 256, (len(chosen), height, width), np.uint8)
    result = images.copy()
    result[chosen] = np.where(inside, noise, images[chosen])
    return result


def cut_mixed(
    images: Images, targets: Targets, probability: float, generator: np.random.Generator
) -> tuple[Images, Targets]:
    """Paste a rectangle of another image into each, with this probability, and mix the targets by its area.

    CutMix: Yun et al. 2019, arxiv.org/abs/1905.04899; the area is uniform.
    """
    count, height, width = images.shape
    chosen = np.flatnonzero(generator.random(count) < probability)
    others = generator.permutation(count)[: len(chosen)]
    scale = np.sqrt(generator.random(len(chosen)))
    sides = np.rint(scale * height).astype(np.int64), np.rint(scale * width).astype(np.int64)
    inside = _rectangles(*sides, height, width, generator)
    share = inside.mean(axis=(1, 2), dtype=np.float32)[:, np.newaxis]
    mixed, mixed_targets = images.copy(), targets.copy()
    mixed[chosen] = np.where(inside, images[others], images[chosen])
    mixed_targets[chosen] = targets[chosen] * (1 - share) + targets[others] * share
    return mixed, mixed_targets


def mixed_up(
    images: Images, targets: Targets, probability: float, generator: np.random.Generator
) -> tuple[Images, Targets]:
    """Blend each image with another, with this probability, and its targets by the same share.

    mixup: Zhang et al. 2018, arxiv.org/abs/1710.09412; the other's share is uniform from 0 to a half.
    """
    if probability == 0:
        return images, targets
    count = len(images)
    chosen = np.flatnonzero(generator.random(count) < probability)
    others = generator.permutation(count)[: len(chosen)]
    share = generator.uniform(0, 0.5, len(chosen)).astype(np.float32)[:, np.newaxis]
    mixed, mixed_targets = images.copy(), targets.copy()
    blended = images[chosen] * (1 - share[:, np.newaxis]) + images[others] * share[:, np.newaxis]
    mixed[chosen] = np.rint(blended).astype(np.uint8)
    mixed_targets[chosen] = targets[chosen] * (1 - share) + targets[others] * share
    return mixed, mixed_targets


def _rectangles(
    heights: NDArray[np.int64], widths: NDArray[np.int64], height: int, width: int, generator: np.random.Generator
) -> NDArray[np.bool_]:
    """Masks bool (N, height, width) of rectangles of these sizes at random places inside."""
    top = (generator.random(len(heights)) * (height - heights + 1)).astype(np.int64)
    left = (generator.random(len(widths)) * (width - widths + 1)).astype(np.int64)
    rows, columns = np.arange(height), np.arange(width)
    in_rows = (rows >= top[:, np.newaxis]) & (rows < (top + heights)[:, np.newaxis])
    in_columns = (columns >= left[:, np.newaxis]) & (columns < (left + widths)[:, np.newaxis])
    return np.asarray(in_rows[:, :, np.newaxis] & in_columns[:, np.newaxis, :])
