"""A whole frame becomes the picture that a network takes: stretched, with borders, or its middle.

The sizes are those of Keras (keras.utils.image_dataset_from_directory), so that a network sees what it was trained on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.isolation.resizing import resized
from edge.opencv import cv2
from edge.spec import Colour, Framing, ImageSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray


def whole_frame(pixels: NDArray[np.uint8], image: ImageSpec) -> NDArray[np.uint8]:
    """The picture of a frame: uint8 (H, W, 3) blue green red -> uint8 image.shape, channels as `image.colour` says."""
    if image.framing is Framing.LETTERBOX:
        return in_colours_of(_bordered(pixels, image), image)
    if image.framing is Framing.CROP:
        pixels = _middle(pixels, image)
    return in_colours_of(resized(pixels, image.height, image.width, image.resampling), image)


def in_colours_of(pixels: NDArray[np.uint8], image: ImageSpec) -> NDArray[np.uint8]:
    """The same picture in the channels of `image`: uint8 (h, w, 3) blue green red -> uint8 (h, w) or (h, w, 3)."""
    match image.colour:
        case Colour.GREY:
            return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)
        case Colour.RGB:
            return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)
        case Colour.BGR:
            return np.ascontiguousarray(pixels)


def _middle(pixels: NDArray[np.uint8], image: ImageSpec) -> NDArray[np.uint8]:
    """The largest part with the picture's aspect, in the middle."""
    height, width = pixels.shape[:2]
    rows = max(1, min(height, width * image.height // image.width))
    columns = max(1, min(width, height * image.width // image.height))
    top, left = (height - rows) // 2, (width - columns) // 2
    return pixels[top : top + rows, left : left + columns]


def _bordered(pixels: NDArray[np.uint8], image: ImageSpec) -> NDArray[np.uint8]:
    """The frame as large as fits, in the middle of the ground's colour: uint8 (H, W, 3) -> (height, width, 3).

    Sizes are rounded as tf.image.resize_with_pad rounds them, in float32: it decides about a row. (The layer
    keras.layers.Resizing puts the borders on first: its pictures differ along the edges.)
    """
    size = np.array((image.height, image.width), np.float32)
    fitted = np.array(pixels.shape[:2], np.float32)
    fitted /= (fitted / size).max()
    rows, columns = (max(1, int(side)) for side in fitted)
    top, left = (max(0, int(side)) for side in (size - fitted) / np.float32(2))
    canvas = np.empty((image.height, image.width, 3), np.uint8)
    canvas[:] = image.ground[::-1]
    canvas[top : top + rows, left : left + columns] = resized(pixels, rows, columns, image.resampling)
    return canvas
