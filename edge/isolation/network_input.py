"""A frame becomes the network's input. Exact arithmetic and INTER_AREA only: x86 and Arm agree to the bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.opencv import cv2
from edge.spec import ImageSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.isolation.garment import Garment

BLANK_CONTRAST = 8
"""An input whose brightest and darkest pixel differ by less is blank; every Fashion-MNIST image spans 254 or 255."""

BLACK = 3
"""Grey throughout, and darker than this along most of the border, no camera shows a garment."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the network gets to see of a frame."""

    pictures: NDArray[np.uint8]
    """(N, height, width): several views of one garment; none where nothing stands out from the ground."""
    garment: Garment | None
    """What was found; None where the frame is such a picture already."""


def see(pixels: NDArray[np.uint8], image: ImageSpec, views: int = 1) -> Seen:
    """The network's inputs for a frame: uint8 (H, W, 3) blue green red -> pictures uint8 (N, height, width).

    A picture that already has the model's size passes through untouched (its three channels are equal, and
    BGR2GRAY's integer weights sum to one). So does one of a data set whose size goes into the model's a whole number of
    times, but that its pixels are repeated. An enlarged one, grey on perfect black, is only shrunk. In any other, the
    garment is found (edge/isolation) and drawn in `views` ways.
    """
    if pixels.shape[:2] == (image.height, image.width):
        return Seen(_grey(pixels)[np.newaxis], None)
    if image.repeats(*pixels.shape[:2]):
        return Seen(image.enlarge(_grey(pixels))[np.newaxis], None)
    if _is_drawn(pixels):
        return Seen(_fitted(_grey(pixels), image)[np.newaxis], None)
    from edge.isolation.garment import find_garment  # 7 ms that a picture of the network's own size does not need

    garment = find_garment(pixels)
    if not garment.masks:
        return Seen(np.zeros((0, image.height, image.width), np.uint8), garment)
    return Seen(garment.views(image.height, image.width, views), garment)


def to_input(pixels: NDArray[np.uint8], image: ImageSpec) -> NDArray[np.uint8]:
    """The first view of a frame: uint8 (H, W, 3) blue green red -> uint8 (height, width); black where it is empty."""
    pictures = see(pixels, image).pictures
    return pictures[0] if len(pictures) else np.zeros((image.height, image.width), np.uint8)


def is_blank(grey: NDArray[np.uint8]) -> bool:
    """Whether a uint8 (H, W) picture has too little contrast to show anything."""
    return int(grey.max()) - int(grey.min()) < BLANK_CONTRAST


def _is_drawn(pixels: NDArray[np.uint8]) -> bool:
    """Whether a picture was not photographed, but drawn as Fashion-MNIST's are: in grey, on perfect black."""
    if not _has_no_colour(pixels[::16, ::16]):
        return False  # one look at every sixteenth pixel tells most photos
    from edge.isolation.ground import strip_parts

    border = strip_parts(pixels[..., 0])  # a garment that fills its picture touches the border, but never most of it
    dark = sum(np.count_nonzero(part <= BLACK) for part in border)
    return bool(dark > sum(part.size for part in border) // 2) and _has_no_colour(pixels)


def _has_no_colour(pixels: NDArray[np.uint8]) -> bool:
    blue, green, red = (pixels[..., channel] for channel in range(3))
    return bool((blue == green).all() and (green == red).all())


def _grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)


def _fitted(grey: NDArray[np.uint8], image: ImageSpec) -> NDArray[np.uint8]:
    """Widened or heightened with black to the model's aspect, then resized."""
    height, width = grey.shape
    wanted_width = max(width, round(height * image.width / image.height))
    wanted_height = max(height, round(width * image.height / image.width))
    left, top = (wanted_width - width) // 2, (wanted_height - height) // 2
    canvas = np.zeros((wanted_height, wanted_width), np.uint8)
    canvas[top : top + height, left : left + width] = grey
    # INTER_LINEAR differs by one between x86 and Arm; its exact variant does not.
    how = cv2.INTER_AREA if wanted_height >= image.height else cv2.INTER_LINEAR_EXACT
    return np.asarray(cv2.resize(canvas, (image.width, image.height), interpolation=how), np.uint8)
