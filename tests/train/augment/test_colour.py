"""Variations in colour: the same for a seed, gentle, and none where none is asked for."""

import numpy as np
import pytest

from train.augment.colour import ColourAugmentation


@pytest.fixture
def images():
    """Eight smooth pictures, wider than tall, in one colour each beside a brighter left half."""
    rng = np.random.default_rng(0)
    pictures = np.empty((8, 30, 44, 3), np.uint8)
    for one in pictures:
        one[:] = rng.integers(60, 160, 3)
        one[:, :22] += 40
    return pictures


def varied(images, strength=1.0, seed=0):
    return ColourAugmentation(strength).varied(images, np.random.default_rng(seed))


def test_the_seed_decides_and_the_input_stays(images):
    before = images.copy()
    np.testing.assert_array_equal(varied(images), varied(images))
    assert not np.array_equal(varied(images), varied(images, seed=1))
    np.testing.assert_array_equal(images, before)
    assert varied(images).shape == images.shape
    assert varied(images).dtype == np.uint8


def test_strength_nought_changes_nothing(images):
    np.testing.assert_array_equal(varied(images, 0), images)
    assert ColourAugmentation(0).only_mirrors
    assert not ColourAugmentation().only_mirrors


def test_about_half_are_mirrored(images):
    many = np.concatenate([images] * 50)
    left = varied(many).astype(float)
    brighter = left[:, :, :15].mean(axis=(1, 2, 3)) > left[:, :, -15:].mean(axis=(1, 2, 3))
    assert 0.4 < brighter.mean() < 0.6


def test_colours_stay_what_they_are_called():
    """Red stays redder than green and blue, and so on for each of the three."""
    for channel in range(3):
        pure = np.full((200, 12, 12, 3), 70, np.uint8)
        pure[..., channel] = 190
        means = varied(pure).mean(axis=(1, 2))
        assert (means.argmax(axis=1) == channel).all()


def test_greys_stay_grey():
    grey = np.repeat(np.random.default_rng(0).integers(0, 256, (20, 16, 16, 1)), 3, axis=3).astype(np.uint8)
    result = varied(grey).astype(int)
    assert np.abs(result - result.mean(axis=3, keepdims=True)).max() <= 1


def test_the_order_of_channels_does_not_matter(images):
    """Hue turns the other way, which is as likely: in mean over many, both orders get the same."""
    many = np.concatenate([images] * 100)
    one, other = varied(many).mean(axis=(0, 1, 2)), varied(many[..., ::-1])[..., ::-1].mean(axis=(0, 1, 2))
    np.testing.assert_allclose(one, other, atol=2)


def test_no_black_comes_in_at_the_borders():
    bright = np.full((50, 20, 20, 3), 200, np.uint8)
    assert varied(bright).min(axis=(1, 2, 3)).min() > 60
    assert (np.ptp(varied(bright), axis=(1, 2)) == 0).all()
