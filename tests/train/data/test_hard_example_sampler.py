"""Which images count as easy, and how an epoch shows a part of them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras")

from edge.datasets.dataset import load
from train.augment.basic import Augmentation
from train.data.epochs import AugmentedEpochBuilder
from train.data.hard_example_sampler import EASY, HardExampleSampler, choose, margins


def test_an_image_that_looks_like_its_class_is_easier_than_one_with_a_wrong_label(data_dir: Path) -> None:
    data = load("train", data_dir)
    labels = data.labels.copy()
    wrong = np.arange(0, len(labels), 20)
    labels[wrong] = (labels[wrong] + 1) % 10
    found = margins(data.images, labels, 10)
    assert found.dtype == np.float32
    right = np.setdiff1d(np.arange(len(labels)), wrong)
    # A mislabelled image is harder than nearly every other one.
    below = (found[wrong][:, np.newaxis] < found[right]).mean()
    assert below > 0.9
    np.testing.assert_array_equal(found, margins(data.images, labels, 10))


def test_an_epoch_shows_every_hard_image_and_a_part_of_the_easy_ones_with_the_weight_of_all() -> None:
    choice = HardExampleSampler(hard=np.arange(40), easy=np.arange(40, 100), part=0.25)
    assert len(choice) == 55
    shown, weights = choice(np.random.default_rng(1))
    assert sorted(set(shown) & set(range(40))) == list(range(40))
    assert len(set(shown)) == 55
    easy = shown >= 40
    assert weights[easy].sum() / weights[~easy].sum() == pytest.approx(60 / 40)
    assert weights.mean() == pytest.approx(1)
    assert not np.array_equal(np.sort(shown), np.sort(choice(np.random.default_rng(2))[0]))


def test_all_of_the_easy_images_means_no_choice(data_dir: Path) -> None:
    data = load("train", data_dir)
    assert choose(data.images, data.labels, 10, 1.0) is None
    choice = choose(data.images, data.labels, 10, 0.0)
    assert choice is not None
    assert len(choice) == len(data) - math.floor(EASY * len(data))


def test_a_lesson_keeps_images_targets_and_weights_together(data_dir: Path) -> None:
    data = load("train", data_dir)
    choice = choose(data.images, data.labels, 10, 0.5)
    still = Augmentation(flip=0, shift=0, erase=0, cutmix=0)
    images, targets, weights = AugmentedEpochBuilder(0, still, smoothing=0.0, choice=choice).epoch(data, 3)
    assert choice is not None
    assert len(images) == len(targets) == len(choice)
    assert weights is not None
    places = {image.tobytes(): number for number, image in enumerate(data.images)}
    easy = set(choice.easy.tolist())
    for image, target, weight in zip(images, targets, weights, strict=True):
        number = places[image.tobytes()]
        assert target.argmax() == data.labels[number]
        assert (weight > 1) == (number in easy)
