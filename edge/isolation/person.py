"""A worn garment without its wearer: head, skin and trousers taken away, where all of it is beyond doubt.

The head is found by its outline: narrow, upright, above wide shoulders. What colour skin has is read off the face, so
the rule knows neither a range of tones nor the light. Sizes are parts of the mask's bounding box.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.isolation.cleaning import central, cleaned, filled
from edge.isolation.ground import median_of
from edge.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_UPRIGHT, LEAST_HEIGHT, LEAST_WIDTH = 1.2, 20, 10
"""Heights to a width, and pixels: what is broader or smaller is nobody standing."""

LOWEST_CHIN, HIGHEST_CHIN = 0.42, 0.06
"""Of the rows, from above: the chin lies between."""

SHOULDERS_BEGIN, SHOULDERS_END = 0.07, 0.19
"""Of the rows, below the chin: all of these are as wide as shoulders."""

SHOULDERS = 1.3
"""Widths of a head: shoulders are at least so wide."""

LEAST_TALL = 0.9
"""Widths of a head: it is at least so tall, with its neck."""

NARROWEST_HEAD = 0.22
"""Of the mask's width: what is narrower is a strap or a hanger's hook."""

FACE = (40, 75)
"""Hundredths of a head, from above: neither hair nor beard."""

SKIN_LIGHTNESS, SKIN_LIGHTNESS_SHARE = 8, 6
"""Skin is lighter or darker than the face by so much at most, and by one in so many of the face's lightness."""

SKIN_COLOUR, SKIN_COLOUR_SHARE = 4, 32
"""The same of a and b: in more light colours lie further apart."""

RIM = 7
"""Pixels, less one, by two: so wide is the mask's rim, where thin arms beside sleeves mix with what is around them."""

MUCH_SKIN = 0.2
"""Of the chest: with more of it in a skin's colour, cloth cannot be told from skin."""

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

    `torso` is the garment on the upper body, (h, w); `skin` the face and what else has its colour, (h, w), the face
    alone where the garment has it, too.
    """

    __slots__ = ("skin", "torso")

    def __init__(self, torso: NDArray[np.bool_], skin: NDArray[np.bool_]) -> None:
        self.torso, self.skin = torso, skin


def without_wearer(lab: NDArray[np.uint8], mask: NDArray[np.bool_]) -> Worn | None:
    """A worn garment without its wearer: uint8 (3, h, w) Lab, bool (h, w) mask of both.

    None where there is no head with shoulders under it, or too little is left. Cloth that cannot be told
    from skin is kept.
    """
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    if height < LEAST_UPRIGHT * width or height < LEAST_HEIGHT or width < LEAST_WIDTH:
        return None
    box = Box(top, left, height, width, int(np.count_nonzero(mask)))
    head = _head(mask, box)
    if head is None:
        return None
    body = filled(mask, round(0.4 * box.area), (box.middle, 0.15 * box.width))
    body[: head.chin] = False
    chest = _chest(box, head)
    worn = body[chest]
    if not worn.any():
        return None
    skin = _skin(lab, mask, _face(lab, head), median_of(lab[:, *chest][:, worn]).tolist())
    if np.count_nonzero(skin[chest] & worn) > MUCH_SKIN * np.count_nonzero(worn):
        skin[head.chin :] = False
    body &= ~skin
    hem = _hem(lab, body, box, head)
    if hem is not None:
        body[hem:] = False
    body = central(cleaned(body) & ~skin)  # closing gaps brings thin arms back
    if np.count_nonzero(body) < LEAST_LEFT * box.area:
        return None
    return Worn(body, skin)


def _head(mask: NDArray[np.bool_], box: Box) -> Head | None:
    """A head by its outline: the chin is where the rows below are widest, measured by those above. None without one."""
    rows = mask[box.top : box.top + box.height]
    widths = np.count_nonzero(rows, axis=1).tolist()
    begin, end = (max(1, int(part * box.height)) for part in (SHOULDERS_BEGIN, SHOULDERS_END))
    above, best, chin, width = 0, 0.0, 0, 0
    for row in range(1, int(LOWEST_CHIN * box.height) + 1):
        above = max(above, widths[row - 1])
        if row < HIGHEST_CHIN * box.height or row < LEAST_TALL * above:
            continue
        shoulders = min(widths[row + begin : row + end + 1])
        if shoulders > best * above:
            best, chin, width = shoulders / above, row, above
    if best < SHOULDERS or width < NARROWEST_HEAD * box.width:
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


def _face(lab: NDArray[np.uint8], head: Head) -> list[int]:
    """A face's colour: the median of L, a and b."""
    tall = head.chin - head.top
    first, last = (head.top + part * tall // 100 for part in FACE)
    columns = _around(head.middle, max(1, head.width // 5))
    colour: list[int] = median_of(lab[:, first : max(last, first + 1), columns].reshape(3, -1)).tolist()
    return colour


def _chest(box: Box, head: Head) -> tuple[slice, slice]:
    """The rows and columns below a head that cloth covers, if anything does."""
    length = box.top + box.height - head.chin
    rows = slice(head.chin + int(0.15 * length), head.chin + max(1, int(0.5 * length)))
    return rows, _around(head.middle, 0.18 * box.width)


def _skin(lab: NDArray[np.uint8], mask: NDArray[np.bool_], face: list[int], cloth: list[int]) -> NDArray[np.bool_]:
    """Where a mask holds skin: what has the face's colour, in more and in less light, rather than the cloth's.

    Colours are compared along the line through both: what lies on the face's third of it is skin, in patches of two
    pixels at least, and so are the two pixels around them that lie on its half. Edges mix the colours that they part:
    in the mask's rim skin's colour may differ by twice as much, and be lighter by a third of the way to the cloth.
    """
    lightness = SKIN_LIGHTNESS + face[0] // SKIN_LIGHTNESS_SHARE
    colour = SKIN_COLOUR + face[0] // SKIN_COLOUR_SHARE
    reach = (lightness, colour, colour)
    found = mask.view(np.uint8) * np.uint8(255)
    rim = found ^ np.asarray(
        cv2.erode(found, np.ones((RIM, RIM), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    )
    lightest = face[0] + max(lightness, (cloth[0] - face[0]) // 3)
    found &= _between(lab[0], face[0] - lightness, face[0] + lightness)
    rim &= _between(lab[0], face[0] - lightness, lightest)
    for plane, value in zip(lab[1:], face[1:], strict=True):
        found &= _between(plane, value - colour, value + colour)
        rim &= _between(plane, value - 2 * colour, value + 2 * colour)
    found |= rim
    steps = _steps(face, cloth, reach)
    at_face, at_cloth = (sum(step * value for step, value in zip(steps, those, strict=True)) for those in (face, cloth))
    along = np.multiply(lab[0], steps[0], dtype=np.int32)  # whole numbers, their sums below 2^31
    along += np.multiply(lab[1], steps[1], dtype=np.int32)
    along += np.multiply(lab[2], steps[2], dtype=np.int32)
    found[3 * along < 2 * at_face + at_cloth] = 0
    found = np.asarray(cv2.erode(found, np.ones((2, 2), np.uint8), anchor=(1, 1)), np.uint8)
    found = np.asarray(cv2.dilate(found, np.ones((2, 2), np.uint8), anchor=(0, 0)), np.uint8)
    around = np.asarray(cv2.dilate(found, np.ones((5, 5), np.uint8)), np.uint8)
    around[2 * along < at_face + at_cloth] = 0
    return ((found | around) > 0) & mask


def _steps(face: list[int], cloth: list[int], reach: tuple[int, int, int]) -> list[int]:
    """By how much L, a and b each tell skin from cloth, in units of their reach; not at all where both are alike."""
    apart = [one - other for one, other in zip(face, cloth, strict=True)]
    if all(3 * abs(one) < far for one, far in zip(apart, reach, strict=True)):
        return [0, 0, 0]
    lightness, colour, _ = reach
    return [apart[0] * colour * colour, apart[1] * lightness * lightness, apart[2] * lightness * lightness]


def _between(plane: NDArray[np.uint8], low: int, high: int) -> NDArray[np.uint8]:
    """255 where a plane's values lie between two, both included."""
    return np.asarray(cv2.inRange(plane, np.array([low]), np.array([high])), np.uint8)


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
