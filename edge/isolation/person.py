"""A worn garment without its wearer: head, skin and trousers taken away, where all of it is beyond doubt.

The head is found by its outline: narrow, upright, above wide shoulders. What colour skin has is read off the face, so
the rule knows neither a range of tones nor the light. Sizes are parts of the mask's bounding box.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.isolation.cleaning import cleaned, filled
from edge.isolation.ground import median_of
from edge.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOWEST_CHIN, HIGHEST_CHIN = 0.42, 0.06
"""Of the rows, from above: the chin lies between."""

SHOULDERS_BEGIN, SHOULDERS_END = 0.07, 0.19
"""Of the rows, below the chin: all of these are as wide as shoulders."""

SHOULDERS = 1.3
"""Widths of a head: shoulders are at least so wide."""

MUCH_SKIN = 0.2
"""Of the torso: more of it in a skin's colour is a beige or red garment."""

HEM_EXPLAINS, HEM_DISTANCE = 0.45, 18
"""A hem parts two colours: so much of the variance lies between them, and they differ by so much in Lab."""

HIGHEST_HEM = 0.4
"""Of the rows below the chin: a shirt's hem lies lower, on whoever is shown down to the feet."""

LEAST_LEFT = 0.20
"""Of the mask: with less left, the step has gone wrong."""


class Box:  # these are no dataclasses or named tuples: making such classes would be a fifth of what a first photo costs
    """A mask's bounding box: first row and column, height and width, and its number of pixels."""

    __slots__ = ("area", "height", "left", "top", "width")

    def __init__(self, top: int, left: int, height: int, width: int, area: int) -> None:
        self.top, self.left, self.height, self.width, self.area = top, left, height, width, area

    @property
    def middle(self) -> float:
        """Its middle column."""
        return self.left + (self.width - 1) / 2


class Head:
    """Where a head is: its first row and the first below its chin, its middle column and its width."""

    __slots__ = ("chin", "middle", "top", "width")

    def __init__(self, top: int, chin: int, middle: int, width: int) -> None:
        self.top, self.chin, self.middle, self.width = top, chin, middle, width


class Worn:
    """What the person step found.

    `torso` is the garment on the upper body, (h, w); `skin` the face and what else has its colour, (h, w), None where
    the garment has it, too.
    """

    __slots__ = ("skin", "torso")

    def __init__(self, torso: NDArray[np.bool_], skin: NDArray[np.bool_] | None) -> None:
        self.torso, self.skin = torso, skin


def without_wearer(lab: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Worn | None:
    """A worn garment without its wearer: uint8 (3, h, w) Lab, bool (h, w) mask of both.

    None where there is no head with shoulders under it, or too little is left.
    """
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    if height < 1.2 * width or height < 20 or width < 10:
        return None
    box = Box(top, left, height, width, int(np.count_nonzero(mask)))
    head = _head(mask, box)
    if head is None:
        return None
    skin = _like_face(lab, head)
    body = filled(mask, round(0.4 * box.area), (box.middle, 0.15 * box.width))
    body[: head.chin] = False
    beige = _beige(skin, body, box, head)
    if not beige:
        body &= ~skin
    hem = _hem(lab, body, box, head)
    if hem is not None:
        body[hem:] = False
    body = cleaned(body)
    if np.count_nonzero(body) < LEAST_LEFT * box.area:
        return None
    return Worn(body, None if beige else skin)


def _head(mask: NDArray[np.bool_], box: Box) -> Head | None:
    """A head by its outline: the chin is where the rows below are widest, measured by those above. None without one."""
    rows = mask[box.top : box.top + box.height]
    widths = np.count_nonzero(rows, axis=1).tolist()
    begin, end = (max(1, int(part * box.height)) for part in (SHOULDERS_BEGIN, SHOULDERS_END))
    above, best, chin, width = 0, 0.0, 0, 0
    for row in range(1, int(LOWEST_CHIN * box.height) + 1):
        above = max(above, widths[row - 1])
        if row < HIGHEST_CHIN * box.height or row < 0.9 * above:
            continue
        shoulders = min(widths[row + begin : row + end + 1])
        if shoulders > best * above:
            best, chin, width = shoulders / above, row, above
    if best < SHOULDERS or width < 0.22 * box.width:
        return None
    first = next(row for row, one in enumerate(widths) if 3 * one >= width)
    middle, count = _middle(rows[first:chin])
    shoulders, _ = _middle(rows[chin + begin : chin + end + 1])
    if 10 * abs(middle - shoulders) > box.width or 2 * count < width * (chin - first):
        return None
    return Head(box.top + first, box.top + chin, middle, width)


def _middle(rows: NDArray[np.bool_]) -> tuple[int, int]:
    """The mean column of a mask's pixels, and how many there are."""
    columns = np.count_nonzero(rows, axis=0)
    count = int(columns.sum())
    return int((columns * np.arange(len(columns))).sum()) // count, count


def _like_face(lab: NDArray[np.uint8], head: Head) -> NDArray[np.bool_]:
    """Where the colour is a face's, in more and in less light."""
    tall = head.chin - head.top
    rows = slice(head.top + 2 * tall // 5, max(head.top + 3 * tall // 4, head.top + 2 * tall // 5 + 1))
    reach = max(1, head.width // 5)
    columns = slice(max(0, head.middle - reach), head.middle + reach + 1)
    face = median_of(lab[:, rows, columns].reshape(3, -1)).tolist()
    lightness = 8 + face[0] // 6
    colour = 4 + face[0] // 32
    near = [
        cv2.inRange(plane, np.array([value - far]), np.array([value + far]))
        for plane, value, far in zip(lab, face, (lightness, colour, colour), strict=True)
    ]
    found = cv2.bitwise_and(cv2.bitwise_and(near[0], near[1]), near[2])
    found = cv2.erode(found, np.ones((3, 3), np.uint8))
    return np.asarray(cv2.dilate(found, np.ones((5, 5), np.uint8)), np.uint8) > 0


def _beige(skin: NDArray[np.bool_], body: NDArray[np.bool_], box: Box, head: Head) -> bool:
    """Whether the garment itself has the colour of skin."""
    length = box.top + box.height - head.chin
    rows = slice(head.chin + int(0.15 * length), head.chin + max(1, int(0.5 * length)))
    columns = _around(head.middle, 0.18 * box.width)
    inside = np.count_nonzero(body[rows, columns])
    return bool(np.count_nonzero(skin[rows, columns] & body[rows, columns]) > MUCH_SKIN * inside)


def _hem(lab: NDArray[np.uint8], body: NDArray[np.bool_], box: Box, head: Head) -> int | None:
    """The first row below the garment's hem: where the colours above and below differ most. None without a hem."""
    columns = _around(head.middle, 0.22 * box.width)
    counts = body[:, columns].sum(axis=1)
    rows = np.flatnonzero(counts > 2)
    rows = rows[rows > head.chin + 1]
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
