"""CIE L*a*b* in 8 bits, equal to OpenCV's cvtColor to the bit for every colour.

OpenCV fills tables of 6 MB before its first conversion, which takes a third of the start with a photo and stays in
memory. The two small tables that its 8-bit conversion really needs are filled here.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TO_XYZ = np.array([[778, 1541, 1777], [296, 2929, 871], [3575, 448, 73]], np.float32)
"""Linear blue, green, red -> X, Y, Z of the white point D65, in 4096ths (sRGB, IEC 61966-2-1)."""

_LINEAR_STEPS = 255 * 8
_ROOT_STEPS = 1 << 15
_ROUNDED_OTHERWISE = {49: -1, 628: 1}
"""Entries of the cube roots that lie within 0.0002 of a half: OpenCV's floats round them the other way."""


def bgr_to_lab(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8 (H, W, 3) blue green red -> uint8 (H, W, 3): L* scaled to 0..255, a* and b* plus 128.

    As cv2.cvtColor(pixels, cv2.COLOR_BGR2Lab) has it. Sums stay below 2^24: exact in float32, in any order.
    """
    linear, roots = _tables()
    height, width = pixels.shape[:2]
    xyz = (linear[pixels.reshape(-1, 3)] @ _TO_XYZ.T + np.float32(2048)).astype(np.int32) >> 12
    x, y, z = (roots[xyz[:, number]] for number in range(3))
    lab = np.empty((height * width, 3), np.uint8)
    half = 1 << 14
    lab[:, 0] = (296 * y - (1336934 - half)) >> 15
    lab[:, 1] = (500 * (x - y) + ((128 << 15) + half)) >> 15
    lab[:, 2] = (200 * (y - z) + ((128 << 15) + half)) >> 15
    return lab.reshape(height, width, 3)


@cache
def _tables() -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Byte -> linear light, float32 (256,) of whole numbers; X, Y or Z -> its cube root, int32 (2041,)."""
    share = np.arange(256) / 255
    light = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    ratio = np.arange(_LINEAR_STEPS + 1) / _LINEAR_STEPS
    root = np.where(ratio < 216 / 24389, ratio * (841 / 108) + 16 / 116, np.cbrt(ratio))
    roots = np.rint(_ROOT_STEPS * root).astype(np.int32)
    for entry, step in _ROUNDED_OTHERWISE.items():
        roots[entry] += step
    return np.rint(_LINEAR_STEPS * light).astype(np.float32), roots
