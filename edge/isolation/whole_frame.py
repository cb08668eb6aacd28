"""A whole frame becomes the picture that a network takes: stretched, with borders, or its middle.

The sizes are those of Keras (keras.utils.image_dataset_from_directory), so that a network sees what it was trained on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.isolation.resizing import resized
from edge.opencv import MAX_PIXELS, cv2
from edge.spec import Colour, Framing, ImageSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray


def whole_frame(pixels: NDArray[np.uint8], image: ImageSpec) -> NDArray[np.uint8]:
    """The picture of a frame: uint8 (H, W, 3) blue green red -> uint8 image.shape, channels as `image.colour` says."""
    match image.framing:
        case Framing.CROP:
            pixels = _middle(pixels, image)
        case Framing.LETTERBOX:
            pixels = _bordered(pixels, image)
    return in_colours_of(resized(pixels, image.height, image.width, image.resampling), image)


def in_colours_of(pixels: NDArray[np.uint8], image: ImageSpec) -> NDArray[np.uint8]:
    """The same picture in the channels of `image`: uint8 (h, w, 3) blue green red -> uint8 (h, w) or (h, w, 3)."""
    match image.colour:
        case Colour.GREY:
            return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)
        case Colour.RGB:
            return np.ascontiguousarray(pixels[..., ::-1])
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
    """The frame with borders of the ground's colour, so that it has the picture's aspect."""
    height, width = pixels.shape[:2]
    rows = max(height, width * image.height // image.width)
    columns = max(width, height * image.width // image.height)
    if rows * columns > MAX_PIXELS:  # a strip: the same, made smaller first
        scale = min(image.height / height, image.width / width)
        height, width = max(1, round(height * scale)), max(1, round(width * scale))
        pixels = resized(pixels, height, width, image.resampling)
        rows, columns = image.height, image.width
    canvas = np.empty((rows, columns, 3), np.uint8)
    canvas[:] = image.ground[::-1]
    top, left = (rows - height) // 2, (columns - width) // 2
    canvas[top : top + height, left : left + width] = pixels
    return canvas
