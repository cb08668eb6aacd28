"""Openings of a garment on a plain ground: between straps, under a bag's handle, between arm and body.

A print in the ground's colour looks the same, pixel by pixel. What lies around tells them apart: an opening is framed
by something narrow, a strap or a handle, with ground behind it; a print lies in cloth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_CALM = 16
"""Pixels in the ground's colour whose neighbours have it, too: of fewer, an opening cannot be told from a highlight.

This and the three below were chosen on 4,000 drawn pictures of Fashion-MNIST's training images (docs/camera.md): they
open 197 of 324 with an opening so large, of these 127 of 163 bags and 65 of 117 sandals, and 17 of 1,000 prints."""

LEAST_CONTRAST = 36
"""What is around an opening differs from the ground by so much, summed over Lab: never white cloth on white."""

NARROW = 10
"""Hundredths of the mask's longer side: what frames an opening is at most so wide ..."""

MOSTLY = 70
"""... along so many hundredths of it: below a handle is the bag."""

_SQUARE_3, _SQUARE_5 = np.ones((3, 3), np.uint8), np.ones((5, 5), np.uint8)


def with_openings(mask: NDArray[np.bool_], calm: NDArray[np.bool_], distance: NDArray[np.int16]) -> NDArray[np.bool_]:
    """A mask without what is an opening: bool (h, w), the same mask where none is, or nothing but openings.

    `calm`, bool (h, w), are pixels that have the ground's colour, and so have all around them; `distance`, int16
    (h, w), is how much each differs from the ground, summed over Lab.
    """
    inside = calm & mask
    if np.count_nonzero(inside) < LEAST_CALM:
        return mask
    _, numbers = cv2.connectedComponents(calm.view(np.uint8), connectivity=4)
    areas = np.bincount(numbers[inside])
    opened = mask
    for number in np.flatnonzero(areas >= LEAST_CALM).tolist():
        part = numbers == number
        if np.count_nonzero(part) > areas[number]:  # it goes on outside: ground beside the garment
            continue
        # The mask begins a pixel from the last calm one outside, too.
        hole = np.asarray(cv2.dilate(part.view(np.uint8), _SQUARE_3), np.bool_)
        if _is_framed(hole, mask, distance):
            opened = opened & ~hole
    return opened if opened.any() else mask


def _is_framed(hole: NDArray[np.bool_], mask: NDArray[np.bool_], distance: NDArray[np.int16]) -> bool:
    """Whether something narrow that differs from the ground is around a hole: bool (h, w), with the mask as it was."""
    frame = np.asarray(cv2.dilate(hole.view(np.uint8), _SQUARE_5), np.bool_) & ~hole
    pixels = np.count_nonzero(frame)
    if int(distance[frame].sum(dtype=np.int64)) < LEAST_CONTRAST * pixels:
        return False
    _, _, width, height = cv2.boundingRect(mask.view(np.uint8))
    across = 2 * (max(width, height) * NARROW // 100) + 1
    near_ground = np.asarray(cv2.dilate((~mask).view(np.uint8), np.ones((across, across), np.uint8)), np.bool_)
    return bool(100 * np.count_nonzero(near_ground & frame) >= MOSTLY * pixels)
