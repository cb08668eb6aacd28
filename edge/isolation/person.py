"""A worn garment without its wearer: head, skin and trousers taken away, where all of it is beyond doubt.

The rule looks for a face first and stands back without one: a plain rule of skin colour takes wood, leather and beige
cloth for skin. Sizes are parts of the mask's bounding box.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from edge.isolation.cleaning import cleaned, filled
from edge.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

SKIN_LOW, SKIN_HIGH = (50, 136, 80), (255, 176, 127)
"""Luma, Cr and Cb of skin under ordinary light, light to dark (Chai and Ngan 1999, 10.1109/76.767122, widened)."""

SEARCHED = 0.36
"""A face is sought in so much of the rows, from above."""

MUCH_SKIN = 0.35
"""Of the torso: more of it in a skin's colour is a beige or red garment."""

HEM_EXPLAINS, HEM_DISTANCE = 0.45, 18
"""A hem parts two colours: so much of the variance lies between them, and they differ by so much in Lab."""

HIGHEST_HEM = 0.4
"""Of the rows below the chin: a shirt's hem lies lower, on whoever is shown down to the feet."""

LEAST_LEFT = 0.20
"""Of the mask: with less left, the step has gone wrong."""


class Box(NamedTuple):  # a dataclass would cost a first photo 3 of 12 million instructions
    """A mask's bounding box: first row and column, height and width, and its number of pixels."""

    top: int
    left: int
    height: int
    width: int
    area: int

    @property
    def middle(self) -> float:
        """Its middle column."""
        return self.left + (self.width - 1) / 2


def torso_mask(small: NDArray[np.uint8], lab: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """The garment on a person's upper body: uint8 (h, w, 3) BGR, (3, h, w) Lab, bool (h, w) -> bool (h, w).

    None where there is no face with shoulders under it, or too little is left.
    """
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    if height < 0.9 * width or height < 20 or width < 10:
        return None
    box = Box(top, left, height, width, int(np.count_nonzero(mask)))
    searched = slice(max(0, top - 2), top + int(SEARCHED * height) + 2)  # what the opening looks at
    if not _skin(small[searched], mask[searched]).any():
        return None
    skin = _skin(small, mask)
    face = _face(skin, box)
    if face is None:
        return None
    middle, chin = face
    if not _narrower_than_shoulders(mask, box, chin):
        return None
    body = filled(mask, round(0.4 * box.area), (box.middle, 0.15 * box.width))
    body[: chin + 1] = False
    if not _beige(skin, body, box, middle, chin):
        body &= ~skin
    hem = _hem(lab, body, box, middle, chin)
    if hem is not None:
        body[hem:] = False
    body = cleaned(body)
    return body if body.sum() >= LEAST_LEFT * box.area else None


def _skin(small: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    colours = cv2.cvtColor(small, cv2.COLOR_BGR2YCrCb)
    found = cv2.inRange(colours, np.array(SKIN_LOW), np.array(SKIN_HIGH))
    found = cv2.bitwise_and(found, found, mask=mask.view(np.uint8))
    return np.asarray(cv2.morphologyEx(found, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8) > 0


def _face(skin: NDArray[np.bool_], box: Box) -> tuple[float, int] | None:
    """Middle column and chin row of a face: a compact patch of skin high up in the middle. None without one."""
    searched = skin[box.top : box.top + int(SEARCHED * box.height)].view(np.uint8)
    if not searched.any():
        return None
    _, numbers, stats, centroids = cv2.connectedComponentsWithStats(searched, connectivity=8)
    number = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    _, first, wide, tall, area = (int(value) for value in stats[number])
    column, row = centroids[number]
    if not (
        abs(column - box.middle) <= 0.2 * box.width + 2
        and row <= 0.30 * box.height
        and first <= 0.22 * box.height
        and 0.006 * box.area <= area <= 0.16 * box.area
        and wide < 0.62 * box.width
        and 0.5 * wide <= tall <= 3.2 * wide
        and area > 0.35 * wide * tall
    ):
        return None
    widths = np.sort((numbers[first : first + tall] == number).sum(axis=1))
    typical = int(widths[(3 * (len(widths) - 1)) // 4])
    chin = min(first + tall - 1, first + int(1.75 * typical), int(0.34 * box.height))
    return float(column), box.top + chin


def _narrower_than_shoulders(mask: NDArray[np.bool_], box: Box, chin: int) -> bool:
    head = np.sort(mask[box.top : chin].sum(axis=1))
    below = np.sort(mask[chin : chin + max(1, int(0.3 * box.height))].sum(axis=1))
    if not (len(head) and len(below)):
        return False
    return bool(head[len(head) // 2] <= 0.62 * below[(4 * (len(below) - 1)) // 5])


def _beige(skin: NDArray[np.bool_], body: NDArray[np.bool_], box: Box, middle: float, chin: int) -> bool:
    """Whether the garment itself has the colour of skin."""
    length = box.top + box.height - chin
    rows = slice(chin + int(0.15 * length), chin + max(1, int(0.5 * length)))
    columns = _around(middle, 0.18 * box.width)
    inside = np.count_nonzero(body[rows, columns])
    return bool(np.count_nonzero(skin[rows, columns] & body[rows, columns]) > MUCH_SKIN * inside)


def _hem(lab: NDArray[np.uint8], body: NDArray[np.bool_], box: Box, middle: float, chin: int) -> int | None:
    """The first row below the garment's hem: where the colours above and below differ most. None without a hem."""
    columns = _around(middle, 0.22 * box.width)
    counts = body[:, columns].sum(axis=1)
    rows = np.flatnonzero(counts > 2)
    rows = rows[rows > chin + 2]
    if len(rows) <= 14:
        return None
    sums = np.where(body[rows, columns], lab[:, rows, columns], 0).sum(axis=2, dtype=np.int64).T
    means = sums / counts[rows, np.newaxis]
    total = float(((means - means.mean(axis=0)) ** 2).sum())
    best, found = 0.0, None
    upto = np.cumsum(means, axis=0)
    number = len(rows)
    for cut in range(int(HIGHEST_HEM * number), number - 2):
        apart = upto[cut - 1] / cut - (upto[-1] - upto[cut - 1]) / (number - cut)
        square = float((apart * apart).sum())
        between = square * cut * (number - cut) / number
        if between > best:
            best, found = between, (int(rows[cut]), square)
    if found is None or best < HEM_EXPLAINS * total or found[1] < HEM_DISTANCE**2:
        return None
    return found[0]


def _around(middle: float, reach: float) -> slice:
    return slice(max(0, int(middle - reach)), int(middle + reach) + 1)
