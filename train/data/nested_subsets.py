"""Smaller and smaller parts of one's photos, each within the next: what a learning curve is trained on."""

from __future__ import annotations

import hashlib

import numpy as np

from train.data.photos import Photos

SIZES = (2, 5, 10, 20, 50)
"""Photos of each folder."""


def sizes_of(photos: Photos) -> tuple[int, ...]:
    """How many photos of each folder the parts have: SIZES, as far as half the folders of garments have as many; all.

    The last is the size of the largest folder, which stands for all photos.
    """
    known = [photo.folder for photo, is_known in zip(photos.photos, photos.known, strict=True) if is_known]
    if not known:
        return ()
    members = np.unique(known, return_counts=True)[1]
    sizes = [size for size in SIZES if size <= np.median(members)]
    largest = int(members.max())
    return tuple(sizes) if sizes and sizes[-1] == largest else (*sizes, largest)


def nested_subset(photos: Photos, size: int, seed: int) -> Photos:
    """So many photos of each folder, or all of a smaller one. A smaller subset by the same seed is part of this one.

    The seed and a photo's content decide, so a new name moves none.
    """
    start = f"{seed} ".encode()
    digests = [hashlib.sha256(start + photo.variants.tobytes()).digest() for photo in photos.photos]
    order = sorted(range(len(photos)), key=digests.__getitem__)
    taken: dict[str, int] = {}
    chosen = []
    for number in order:
        folder = photos.photos[number].folder
        taken[folder] = taken.get(folder, 0) + 1
        if taken[folder] <= size:
            chosen.append(number)
    return photos.subset(np.array(sorted(chosen), np.intp))
