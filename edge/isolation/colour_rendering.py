"""A masked garment in colour, on a ground of one colour: what a network of isolated garments in colour sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from edge.isolation.rendering import SCALES
from edge.isolation.resizing import resized
from edge.isolation.whole_frame import in_colours_of
from edge.opencv import cv2
from edge.spec import ImageSpec, Resampling

if TYPE_CHECKING:
    from numpy.typing import NDArray


def render_in_colour(
    pixels: NDArray[np.uint8], masks: Sequence[NDArray[np.bool_]], image: ImageSpec, views: int
) -> NDArray[np.uint8]:
    """Views of a masked garment, in colour: uint8 (views, *image.shape).

    `pixels` are a frame's, uint8 (H, W, 3) blue green red. The `masks`, bool (h, w), are at working size
    (edge.isolation.shrinking), with a pixel set each. In the order of edge.isolation.rendering.render_views: by each
    mask, then smaller and larger by each mask, each view followed by its mirror image, the bounding box's longest edge
    as long as one of SCALES of the picture, in the middle. Around the garment is `image.ground`.
    """
    rendered = np.empty((views, *image.shape), np.uint8)
    for number in range((views + 1) // 2):
        view = _drawn(pixels, masks[number % len(masks)], image, SCALES[number // len(masks) % len(SCALES)])
        rendered[2 * number] = view
        if 2 * number + 1 < views:
            rendered[2 * number + 1] = view[:, ::-1]
    return rendered


def _drawn(pixels: NDArray[np.uint8], mask: NDArray[np.bool_], image: ImageSpec, scale: float) -> NDArray[np.uint8]:
    bits = mask.view(np.uint8)
    left, top, wide, tall = cv2.boundingRect(bits)
    rows, columns = mask.shape
    height, width = pixels.shape[:2]
    # A pixel of the mask stands for so many of the frame's: those that begin in it.
    first_row, last_row = top * height // rows, max(top * height // rows + 1, (top + tall) * height // rows)
    first, last = left * width // columns, max(left * width // columns + 1, (left + wide) * width // columns)
    cut = pixels[first_row:last_row, first:last]
    scale *= min(image.height / cut.shape[0], image.width / cut.shape[1])
    size = max(1, int(cut.shape[0] * scale + 0.5)), max(1, int(cut.shape[1] * scale + 0.5))
    colours = resized(cut, *size, Resampling.AREA)
    bits = bits[top : top + tall, left : left + wide]
    inside = cv2.resize(255 * bits, size[::-1], interpolation=cv2.INTER_LINEAR_EXACT)
    covered = np.asarray(inside, np.uint16)[..., np.newaxis]
    ground = np.array(image.ground[::-1], np.uint16)
    mixed = colours * covered  # at most 255 * 255, and with the ground's part no more
    mixed += ground * (255 - covered)
    mixed += 127
    mixed //= 255
    return in_colours_of(_placed(mixed.astype(np.uint8), image), image)


def _placed(garment: NDArray[np.uint8], image: ImageSpec) -> NDArray[np.uint8]:
    """In the middle of a picture of the ground's colour; what does not fit is cut off on both sides."""
    canvas = np.empty((image.height, image.width, 3), np.uint8)
    canvas[:] = image.ground[::-1]
    rows, columns = min(garment.shape[0], image.height), min(garment.shape[1], image.width)
    top, left = (garment.shape[0] - rows) // 2, (garment.shape[1] - columns) // 2
    down, across = (image.height - rows) // 2, (image.width - columns) // 2
    canvas[down : down + rows, across : across + columns] = garment[top : top + rows, left : left + columns]
    return canvas
