"""The mix keeps its shares, its inputs and its targets; outliers are what no class is."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import edge
from edge.sources.pictures import read_image
from edge.spec import FASHION_MNIST_LABELS
from train.augment.basic import Augmentation, one_hot
from train.augment.camera import PIECE, CameraAugmentation, heavily
from train.augment.layers import cut_out
from train.augment.outliers import KINDS, hats, outliers, shorts, shuffled, skirts

NOTHING = Augmentation(flip=0, shift=0, erase=0)
SAMPLES = Path(edge.__file__).parent / "samples"
ONE_OF_EACH = np.stack(
    [read_image(SAMPLES / f"{re.sub('[^a-z]+', '-', name.lower())}.png")[:, :, 0] for name in FASHION_MNIST_LABELS]
)
IMAGES = np.tile(ONE_OF_EACH, (40, 1, 1))
LABELS = (np.arange(400) % 10).astype(np.uint8)
TARGETS = one_hot(LABELS, 10, 0.05)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def changed(images: np.ndarray, originals: np.ndarray) -> np.ndarray:
    return (images != originals).any(axis=(1, 2))


def test_the_same_seed_gives_the_same_pictures_and_another_does_not() -> None:
    one, two, other = (CameraAugmentation()(IMAGES, TARGETS, rng(seed))[0] for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


def test_the_originals_stay_and_the_targets_go_with_them() -> None:
    images, targets = IMAGES.copy(), TARGETS.copy()
    varied, same = CameraAugmentation()(images, targets, rng())
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(targets, TARGETS)
    np.testing.assert_array_equal(same, TARGETS)
    assert varied.shape == IMAGES.shape
    assert varied.dtype == np.uint8
    assert same.dtype == np.float32
    assert not np.shares_memory(same, targets)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_few_images_are_enough(count: int) -> None:
    images, targets = CameraAugmentation()(IMAGES[:count], TARGETS[:count], rng())
    assert images.shape == (count, 28, 28)
    assert targets.shape == (count, 10)


def test_more_than_a_piece_keeps_its_order() -> None:
    order = rng().permutation(2 * PIECE) % 400
    many, targets = IMAGES[order], TARGETS[order]
    images, same = CameraAugmentation(1, 0, 0, NOTHING)(many, targets, rng())
    np.testing.assert_array_equal(images, many)
    np.testing.assert_array_equal(same, targets)


def test_the_shares_are_as_asked() -> None:
    """With a light way that changes nothing, what changed is the rest."""
    many, targets = np.tile(IMAGES, (5, 1, 1)), np.tile(TARGETS, (5, 1))
    images, _ = CameraAugmentation(gently=NOTHING)(many, targets, rng())
    assert abs(changed(images, many).mean() - 0.65) < 0.05
    images, _ = CameraAugmentation(0.0, 0.0, 2.0)(many, targets, rng())
    assert changed(images, many).all()


def test_the_light_way_may_mix_targets_of_its_own_pictures_alone() -> None:
    mixing = Augmentation(flip=0, shift=0, erase=0, mixup=1.0)
    _, targets = CameraAugmentation(0.5, 0.5, 0.0, mixing)(IMAGES, TARGETS, rng())
    mixed = (np.abs(targets - TARGETS) > 1e-6).any(axis=1).mean()
    assert 0.35 < mixed < 0.55
    np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-5)


def test_no_picture_becomes_empty() -> None:
    dim = (IMAGES > 0).astype(np.uint8) * 12
    for originals in (IMAGES, dim):
        images, _ = CameraAugmentation()(originals, TARGETS, rng())
        assert ((images > 5).mean(axis=(1, 2)) > 0.02).all()


def test_even_a_blank_picture_comes_through() -> None:
    blank = np.zeros((100, 28, 28), np.uint8)
    images, _ = CameraAugmentation()(blank, TARGETS[:100], rng())
    assert images.shape == blank.shape


def test_the_heavy_way_spreads_sleeves_and_doubles_shoes() -> None:
    images = heavily(IMAGES, LABELS, rng())
    pullovers, sneakers = images[LABELS == 2] > 30, images[LABELS == 7] > 30
    np.testing.assert_array_equal(IMAGES, np.tile(ONE_OF_EACH, (40, 1, 1)))
    assert len(np.unique(pullovers.sum(axis=(1, 2)))) > 10
    heights = np.array([np.ptp(np.flatnonzero(image.any(axis=1))) for image in sneakers])
    assert (heights > 18).mean() > 0.15  # pairs that stand: the sample is 11 high


@pytest.mark.parametrize("shares", [(0, 0, 0), (-0.1, 1, 0)])
def test_shares_that_make_no_sense_are_refused(shares: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="expected shares"):
        CameraAugmentation(*shares)


def test_it_does_more_than_mirror() -> None:
    assert not CameraAugmentation().only_mirrors


def test_outliers_are_as_many_as_asked_never_empty_and_the_generator_decides() -> None:
    one, two, other = (CameraAugmentation().outliers(IMAGES, LABELS, 500, rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)
    assert one.shape == (500, 28, 28)
    assert one.dtype == np.uint8
    assert ((one > 5).mean(axis=(1, 2)) > 0.02).all()
    np.testing.assert_array_equal(IMAGES, np.tile(ONE_OF_EACH, (40, 1, 1)))


@pytest.mark.parametrize("count", [0, 1])
def test_few_outliers_and_missing_classes_do(count: int) -> None:
    only_bags = LABELS == 8
    for seed in range(20):
        assert outliers(IMAGES[only_bags], LABELS[only_bags], count, rng(seed)).shape == (count, 28, 28)


def test_outliers_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="expected some images"):
        outliers(IMAGES[:0], LABELS[:0], 3, rng())


def test_no_outlier_is_a_picture_of_its_class() -> None:
    made = outliers(IMAGES, LABELS, 300, rng()).reshape(300, -1).astype(np.float32)
    known = ONE_OF_EACH.reshape(10, -1).astype(np.float32)
    distances = np.abs(made[:, np.newaxis] - known).mean(axis=2)
    assert distances.min() > 3


def test_shorts_have_lost_their_legs_and_skirts_their_top() -> None:
    """A garment that tells its own height: dark at the top, bright at the hem."""
    ramp = np.zeros((100, 28, 28), np.uint8)
    ramp[:, 1:27, 7:21] = np.linspace(60, 250, 26).astype(np.uint8)[:, np.newaxis]
    above, below = shorts(cut_out(ramp), rng()), skirts(cut_out(ramp), rng())
    tone_above = above.light[above.cover > 0.95]
    tone_below = below.light[below.cover > 0.95]
    assert tone_above.max() < (60 + 0.6 * 190) / 255
    assert tone_below.min() > (60 + 0.42 * 190) / 255


def test_hats_are_round_above_and_fill_the_frame() -> None:
    made = hats(cut_out(IMAGES), rng()).cover > 0.5
    longest = np.maximum(made.any(axis=1).sum(axis=1), made.any(axis=2).sum(axis=1))
    assert (longest >= 26).all()
    first = made.any(axis=2).argmax(axis=1)
    upper = made[np.arange(400), first].sum(axis=1)
    middle = made[np.arange(400), np.minimum(first + 6, 27)].sum(axis=1)
    assert (middle > upper).mean() > 0.95


def test_shuffled_garments_keep_their_pixels_in_another_order() -> None:
    layer = cut_out(IMAGES)
    made = shuffled(layer, rng())
    np.testing.assert_allclose(made.light.sum(axis=(1, 2)), layer.light.sum(axis=(1, 2)), rtol=1e-4)
    numbered = cut_out(np.repeat(np.repeat(np.array([[[50, 100], [150, 200]]], np.uint8), 14, 1), 14, 2).repeat(200, 0))
    assert (shuffled(numbered, rng()).light != numbered.light).any(axis=(1, 2)).all()


def test_every_kind_of_outlier_is_made_and_shares_sum_to_one() -> None:
    assert abs(sum(share for _, _, share in KINDS) - 1) < 1e-9
    for make, _, _ in KINDS:
        layer = make(cut_out(ONE_OF_EACH), rng())
        assert layer.light.shape == (10, 28, 28)
        assert (layer.cover.mean(axis=(1, 2)) > 0.03).all(), make.__name__
        assert (layer.light <= layer.cover + 1e-4).all(), make.__name__
