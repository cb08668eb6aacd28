"""Images vary as asked, labels follow, and the generator alone decides."""

from __future__ import annotations

import numpy as np
import pytest

from train.augment.basic import Augmentation, cut_mixed, erased, flipped, mixed_up, one_hot, shifted

IMAGES = np.random.default_rng(1).integers(1, 256, (400, 28, 28), np.uint8)
TARGETS = one_hot(np.arange(400) % 10, 10, 0.0)
EVERYTHING = Augmentation(flip=0.5, shift=2, erase=0.5, cutmix=0.5, mixup=0.5)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_one_hot_targets_sum_to_one_and_smoothing_spreads() -> None:
    targets = one_hot(np.array([2, 0]), 4, 0.2)
    np.testing.assert_allclose(targets, [[0.05, 0.05, 0.85, 0.05], [0.85, 0.05, 0.05, 0.05]])
    assert targets.dtype == np.float32


def test_the_same_seed_gives_the_same_epoch_and_another_does_not() -> None:
    one, two, other = (EVERYTHING(IMAGES, TARGETS, rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])
    assert not np.array_equal(one[0], other[0])


def test_the_originals_stay_as_they_are() -> None:
    images, targets = IMAGES.copy(), TARGETS.copy()
    EVERYTHING(images, targets, rng())
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(targets, TARGETS)


def test_nothing_asked_changes_nothing() -> None:
    images, targets = Augmentation(flip=0, shift=0, erase=0, cutmix=0)(IMAGES, TARGETS, rng())
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(targets, TARGETS)


def test_about_half_are_mirrored_and_the_others_are_untouched() -> None:
    result = flipped(IMAGES, 0.5, rng())
    mirrored = np.array([np.array_equal(a, b[:, ::-1]) for a, b in zip(result, IMAGES, strict=True)])
    same = np.array([np.array_equal(a, b) for a, b in zip(result, IMAGES, strict=True)])
    assert (mirrored ^ same).all()
    assert 0.4 < mirrored.mean() < 0.6


def test_shifts_reach_every_place_and_bring_in_black() -> None:
    result = shifted(IMAGES, 2, rng())
    places = set()
    for before, after in zip(IMAGES, result, strict=True):
        padded = np.pad(before, 2)
        found = [
            (down, right)
            for down in range(5)
            for right in range(5)
            if np.array_equal(after, padded[down : down + 28, right : right + 28])
        ]
        assert len(found) == 1
        places.update(found)
    assert len(places) == 25


def test_erasing_covers_rectangles_of_the_asked_sizes() -> None:
    blank = np.zeros((500, 28, 28), np.uint8)
    result = erased(blank, 0.5, 4, 14, rng())
    touched = result.any(axis=(1, 2))
    assert 0.4 < touched.mean() < 0.6
    for image in result[touched]:
        rows, columns = np.nonzero(image)
        assert np.ptp(rows) + 1 <= 14
        assert np.ptp(columns) + 1 <= 14
        assert np.ptp(rows) + 1 >= 3  # of noise 4 high, an outer row may be black by chance
        inside = image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert (inside > 0).mean() > 0.9


def test_cutmix_mixes_targets_by_area() -> None:
    """Pictures that carry their own number, so that every pixel tells where it came from."""
    numbers = np.repeat(np.arange(200, dtype=np.uint8), 28 * 28).reshape(200, 28, 28)
    targets = one_hot(np.arange(200), 200, 0.0)
    images, mixed = cut_mixed(numbers, targets, 1.0, rng())
    np.testing.assert_allclose(mixed.sum(axis=1), 1, rtol=1e-5)
    for image, target in zip(images, mixed, strict=True):
        origins, counts = np.unique(image, return_counts=True)
        np.testing.assert_allclose(target[origins], counts / 784, atol=1e-6)
        assert len(origins) <= 2
    assert (mixed.max(axis=1) < 1).mean() > 0.9


def test_mixup_blends_targets_as_it_blends_pixels() -> None:
    """Pictures of one grey each: the blend's grey tells how much of each is in it."""
    greys = np.repeat(np.array([0, 250] * 100, np.uint8), 28 * 28).reshape(200, 28, 28)
    images, mixed = mixed_up(greys, one_hot(np.arange(200) % 2, 2, 0.0), 1.0, rng())
    np.testing.assert_allclose(mixed.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(images.mean(axis=(1, 2)), 250 * mixed[:, 1], atol=0.51)
    assert 0.3 < (mixed.max(axis=1) < 1).mean() < 0.7  # half of the partners are of the same grey
    assert (np.argmax(mixed, axis=1) == np.arange(200) % 2).all()


@pytest.mark.parametrize("count", [1, 3])
def test_few_images_are_enough(count: int) -> None:
    images, targets = EVERYTHING(IMAGES[:count], TARGETS[:count], rng())
    assert images.shape == (count, 28, 28)
    assert images.dtype == np.uint8
    assert targets.shape == (count, 10)
