"""CIE L*a*b* in 8 bits, equal to OpenCV's cvtColor to the bit for every colour.

OpenCV fills tables of 6 MB before its first conversion, which takes a third of the start with a photo and stays in
memory. The two small tables that its 8-bit conversion really needs are filled here.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from edge.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TO_XYZ = np.array([[778, 1541, 1777, 2048], [296, 2929, 871, 2048], [3575, 448, 73, 2048]], np.float32) / 4096
"""Linear blue, green, red -> X, Y, Z of the white point D65 (sRGB, IEC 61966-2-1), and a half to round by."""

_LINEAR_STEPS = 255 * 8
_ROOT_STEPS = 1 << 15
_ROUNDED_OTHERWISE = {49: -1, 628: 1}
"""Entries of the cube roots that lie within 0.0002 of a half: OpenCV's floats round them the other way."""

_HALF = _ROOT_STEPS // 2
_TO_LAB = (
    np.array(
        [
            [0, 296, 0, _HALF - 1336934],
            [500, -500, 0, 128 * _ROOT_STEPS + _HALF],
            [0, 200, -200, 128 * _ROOT_STEPS + _HALF],
        ],
        np.float32,
    )
    / _ROOT_STEPS
)


def bgr_to_lab(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8 (H, W, 3) blue green red -> uint8 (3, H, W): L* scaled to 0..255, a* and b* plus 128.

    As cv2.cvtColor(pixels, cv2.COLOR_BGR2Lab) has them. Each sum is a whole number of 4096ths below 2^11, or of
    16384ths below 2^9: exact in float32, in any order, and cut off to whole numbers.
    """
    linear, roots = _tables()
    xyz = cv2.transform(cv2.LUT(pixels, linear), _TO_XYZ).astype(np.int16)
    lab = cv2.transform(roots.take(xyz, mode="wrap"), _TO_LAB).astype(np.uint8)
    return np.asarray(cv2.split(lab), np.uint8)


@cache
def _tables() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Byte -> linear light, float32 (256,); X, Y or Z -> its cube root, float32 (2041,): whole numbers."""
    share = np.arange(256) / 255
    light = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    ratio = np.arange(_LINEAR_STEPS + 1) / _LINEAR_STEPS
    root = np.where(ratio < 216 / 24389, ratio * (841 / 108) + 16 / 116, np.cbrt(ratio))
    roots = np.rint(_ROOT_STEPS * root).astype(np.float32)
    for entry, step in _ROUNDED_OTHERWISE.items():
        roots[entry] += step
    return np.rint(_LINEAR_STEPS * light).astype(np.float32), roots
