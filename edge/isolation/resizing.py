"""A picture at another size, in exact arithmetic: the same to the bit on every processor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.isolation.shrinking import averaged, divided
from edge.opencv import cv2
from edge.spec import Resampling

if TYPE_CHECKING:
    from numpy.typing import NDArray


def resized(pixels: NDArray[np.uint8], height: int, width: int, resampling: Resampling) -> NDArray[np.uint8]:
    """A picture at another size: uint8 (H, W, 3) -> uint8 (height, width, 3); of the same size it comes back itself.

    BILINEAR takes the four nearest pixels, with half-pixel centres and no wider filter where it shrinks, as
    tf.image.resize and Keras do, but in bytes: the result is theirs, rounded, to within one level. AREA is the mean of
    what lies under a pixel.
    """
    if pixels.shape[:2] == (height, width):
        return pixels
    rows, columns = pixels.shape[:2]
    if resampling is Resampling.BILINEAR or height > rows or width > columns:
        # INTER_LINEAR differs by one between x86 and Arm; its exact variant does not.
        return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR_EXACT), np.uint8)
    factor = min(rows // height, columns // width)
    if factor > 1:
        pixels = divided(pixels, factor)
    return averaged(pixels, height, width)
