"""A frame becomes the network's input. Integer arithmetic and INTER_AREA only: x86 and Arm agree to the bit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.opencv import cv2
from edge.spec import ImageSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLANK_CONTRAST = 8
"""An input whose brightest and darkest pixel differ by less is blank; every Fashion-MNIST image spans 254 or 255."""


def to_input(pixels: NDArray[np.uint8], image: ImageSpec) -> NDArray[np.uint8]:
    """Grey picture of the model's size: uint8 (H, W, 3) blue green red -> uint8 (height, width).

    A picture that already has the model's size passes through untouched (its three channels are equal, and
    BGR2GRAY's integer weights sum to one). Any other is fitted into a square of its border's brightness,
    shrunk by area averaging, and negated where its ground is bright: Fashion-MNIST shows garments on black
    (Xiao et al. 2017, arxiv.org/abs/1708.07747, section 2).
    """
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)
    if grey.shape == (image.height, image.width):
        return grey
    ground = border_brightness(grey)
    fitted = _resize(_pad(grey, ground, image.width / image.height), image)
    return 255 - fitted if ground > 127 else fitted


def is_blank(grey: NDArray[np.uint8]) -> bool:
    """Whether a uint8 (H, W) picture has too little contrast to show anything."""
    return int(grey.max()) - int(grey.min()) < BLANK_CONTRAST


def border_brightness(grey: NDArray[np.uint8]) -> int:
    """Median brightness of the outermost pixels of a uint8 (H, W) picture."""
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    return int(np.sort(border)[border.size // 2])


def _pad(grey: NDArray[np.uint8], ground: int, aspect: float) -> NDArray[np.uint8]:
    """Widen or heighten a picture to `aspect` = width / height with pixels of the ground's brightness."""
    height, width = grey.shape
    wanted_width = max(width, round(height * aspect))
    wanted_height = max(height, round(width / aspect))
    left, top = (wanted_width - width) // 2, (wanted_height - height) // 2
    canvas = np.full((wanted_height, wanted_width), ground, np.uint8)
    canvas[top : top + height, left : left + width] = grey
    return canvas


def _resize(grey: NDArray[np.uint8], image: ImageSpec) -> NDArray[np.uint8]:
    shrinks = grey.shape[0] >= image.height
    # INTER_LINEAR differs by one between x86 and Arm; its exact variant does not.
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR_EXACT
    return np.asarray(cv2.resize(grey, (image.width, image.height), interpolation=how), np.uint8)
