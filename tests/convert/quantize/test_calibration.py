"""Calibration pictures: held out of training, balanced, repeatable."""

from __future__ import annotations

import numpy as np
import pytest

from convert.quantize.calibration import choose
from edge.datasets.dataset import Dataset, split_held_out
from edge.errors import BadOption


def numbers_of(pictures: np.ndarray, data: Dataset) -> list[int]:
    """Class numbers of pictures, found by their bytes."""
    known = {image.tobytes(): int(label) for image, label in zip(data.images, data.labels, strict=True)}
    return [known[picture.tobytes()] for picture in pictures]


@pytest.mark.parametrize("images", [1, 25, 200, 2000])
def test_they_are_held_out_and_balanced(training: Dataset, images: int) -> None:
    rest, reserve = split_held_out(training, 2000)
    chosen, scored = choose(training, 2000, images, seed=0)
    counts = np.bincount(numbers_of(chosen, reserve), minlength=10)  # a KeyError: not held out
    assert counts.sum() == images == len({picture.tobytes() for picture in chosen})
    assert counts.max() - counts.min() <= 1
    assert len(rest) == 58_000
    numbers_of(scored.images, reserve)


@pytest.mark.parametrize(("images", "scored"), [(200, 1800), (1000, 1000), (1001, 2000), (2000, 2000)])
def test_rules_are_compared_on_others_where_there_are_enough(training: Dataset, images: int, scored: int) -> None:
    chosen, others = choose(training, 2000, images, seed=0)
    assert len(others) == scored
    both = {picture.tobytes() for picture in chosen} & {picture.tobytes() for picture in others.images}
    assert bool(both) == (images > 1000)


def test_at_most_two_thousand_are_scored(training: Dataset) -> None:
    assert len(choose(training, 5000, 200, seed=0)[1]) == 2000


def test_the_seed_decides(training: Dataset) -> None:
    first, again, other = (choose(training, 2000, 50, seed)[0] for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_no_more_than_were_held_out(training: Dataset) -> None:
    with pytest.raises(BadOption, match="training held out 100"):
        choose(training, 100, 101, seed=0)
