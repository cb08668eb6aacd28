"""Parts of one's photos for a learning curve: which sizes there are, and that each lies within the next."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from train.data.nested_subsets import nested_subset, sizes_of
from train.data.photos import Photo, Photos, gathered


def photos_of(**folders: int) -> Photos:
    """So many photos of each folder, every one another; folders that begin with an underscore are of no class."""
    rng = np.random.default_rng(0)
    found, rows = [], []
    for number, (name, count) in enumerate(folders.items()):
        for each in range(count):
            pictures = rng.integers(0, 256, (2, 28, 28)).astype(np.uint8)
            found.append(Photo(pictures, pictures, name, f"{name}/{each}.jpg"))
            rows.append(np.arange(10) == (-1 if name.startswith("_") else number))
    return gathered(found, np.stack(rows))


@pytest.mark.parametrize(
    ("folders", "sizes"),
    [
        ({"shirt": 1}, (1,)),
        ({"shirt": 2, "dress": 2}, (2,)),
        ({"shirt": 12, "dress": 12, "_unknown": 300}, (2, 5, 10, 12)),
        ({"shirt": 20, "dress": 20, "bag": 3}, (2, 5, 10, 20)),
        ({"shirt": 60, "dress": 4, "bag": 4}, (2, 60)),
        ({"shirt": 70, "dress": 51}, (2, 5, 10, 20, 50, 70)),
        ({"_unknown": 5}, ()),
    ],
)
def test_there_are_as_many_points_as_half_the_folders_have_photos_for(
    folders: dict[str, int], sizes: tuple[int, ...]
) -> None:
    assert sizes_of(photos_of(**folders)) == sizes


def test_each_part_lies_within_the_next() -> None:
    photos = photos_of(shirt=30, dress=4, _unknown=11)
    within: set[str] = set()
    for size in (2, 5, 10, 30):
        part = nested_subset(photos, size, seed=3)
        files = {photo.path for photo in part.photos}
        assert within < files
        assert Counter(photo.folder for photo in part.photos) == {
            "shirt": min(size, 30),
            "dress": min(size, 4),
            "_unknown": min(size, 11),
        }
        for photo, row in zip(part.photos, part.classes, strict=True):
            assert row.any() == (photo.folder != "_unknown")
        within = files
    assert nested_subset(photos, 30, seed=3).sha256 == photos.sha256


def test_the_seed_and_the_content_choose_not_the_order() -> None:
    photos = photos_of(shirt=30, dress=30)
    turned = photos.subset(np.arange(len(photos))[::-1])
    first, again, other = nested_subset(photos, 5, 1), nested_subset(turned, 5, 1), nested_subset(photos, 5, 2)
    assert {photo.path for photo in first.photos} == {photo.path for photo in again.photos}
    assert {photo.path for photo in first.photos} != {photo.path for photo in other.photos}
