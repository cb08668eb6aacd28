"""A frame becomes the network's input, in exact arithmetic: x86 and Arm agree to the bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.errors import ModelUnsupported
from edge.opencv import cv2
from edge.spec import Colour, Framing, ImageSpec

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
    """(N, height, width) or (N, height, width, 3): several views of one garment, or one of a whole frame; none where
    nothing stands out from the ground."""
    garment: Garment | None
    """What was found; None where the frame is such a picture already, or nothing was sought."""
    colour: Colour = Colour.GREY
    """Channels of the pictures."""


def see(pixels: NDArray[np.uint8], image: ImageSpec, views: int = 1) -> Seen:
    """The network's inputs for a frame: uint8 (H, W, 3) blue green red -> pictures uint8 (N, *image.shape).

    As `image.framing` says. A whole frame is one picture. Where the garment is isolated, a picture that already has the
    model's size passes through untouched (in grey: its three channels are equal, and BGR2GRAY's integer weights sum to
    one). So does one of a data set whose size goes into the model's a whole number of times, but that its pixels are
    repeated. An enlarged one, grey on perfect black, is only shrunk. In any other, the garment is found
    (edge/isolation) and drawn in `views` ways.
    """
    if image.framing is not Framing.GARMENT_GREY:
        return _see_otherwise(pixels, image, views)
    if pixels.shape[:2] == (image.height, image.width):
        return Seen(_grey(pixels)[np.newaxis], None)
    times = image.repeats(*pixels.shape[:2])
    if times:
        return Seen(_repeated(_grey(pixels)[np.newaxis], times), None)
    if _is_drawn(pixels):
        return Seen(_fitted(_grey(pixels), image)[np.newaxis], None)
    from edge.isolation.garment import find_garment  # 7 ms that a picture of the network's own size does not need

    garment = find_garment(pixels)
    if not garment.masks:
        return Seen(np.zeros((0, image.height, image.width), np.uint8), garment)
    return Seen(garment.views(image.height, image.width, views), garment)


def to_input(pixels: NDArray[np.uint8], image: ImageSpec) -> NDArray[np.uint8]:
    """The first view of a frame: uint8 (H, W, 3) blue green red -> uint8 image.shape; black where it is empty."""
    pictures = see(pixels, image).pictures
    return pictures[0] if len(pictures) else np.zeros(image.shape, np.uint8)


def fit_pictures(pictures: NDArray[np.uint8], image: ImageSpec) -> NDArray[np.uint8]:
    """A data set's pictures as a model takes them: uint8 (N, h, w) grey, or such ones -> uint8 (N, *image.shape).

    Those that have the model's form come back themselves. Of smaller ones whose size goes into the model's a whole
    number of times each pixel is repeated; the others are seen as frames are.
    """
    if pictures.shape[1:] == image.shape:
        return pictures
    if pictures.ndim != 3:
        raise ModelUnsupported(
            f"the model takes pictures of {image.shape}, the data set's are {pictures.shape[1:]}",
            "read the pictures for this model",
        )
    times = image.repeats(*pictures.shape[1:])
    if times:
        return _repeated(pictures, times)
    frames = np.repeat(pictures[..., np.newaxis], 3, axis=3)
    return np.stack([to_input(frame, image) for frame in frames])


def is_blank(picture: NDArray[np.uint8]) -> bool:
    """Whether a uint8 (H, W) or (H, W, 3) picture has too little contrast to show anything."""
    if picture.ndim == 2:
        return int(picture.max()) - int(picture.min()) < BLANK_CONTRAST
    for seen in (picture[::8, ::8], picture):  # one look at some pixels tells most: all of them take ten times as long
        spans = seen.max(axis=(0, 1)).astype(np.int32) - seen.min(axis=(0, 1))
        if (spans >= BLANK_CONTRAST).any():
            return False
    return True


def _see_otherwise(pixels: NDArray[np.uint8], image: ImageSpec, views: int) -> Seen:
    """A whole frame, or the garment in colour."""
    from edge.isolation.whole_frame import in_colours_of, whole_frame

    if not image.framing.isolates:
        return Seen(whole_frame(pixels, image)[np.newaxis], None, image.colour)
    if pixels.shape[:2] == (image.height, image.width):
        return Seen(in_colours_of(pixels, image)[np.newaxis], None, image.colour)
    if _is_drawn(pixels):
        fitted = np.repeat(_fitted(_grey(pixels), image)[..., np.newaxis], 3, axis=2)
        return Seen(fitted[np.newaxis], None, image.colour)
    from edge.isolation.colour_rendering import render_in_colour
    from edge.isolation.garment import find_garment

    garment = find_garment(pixels)
    if not garment.masks:
        return Seen(np.zeros((0, *image.shape), np.uint8), garment, image.colour)
    found = (garment.masks, (garment.torso,)) if garment.torso is not None else (garment.masks,)
    views_of_all = np.concatenate([render_in_colour(pixels, masks, image, views) for masks in found])
    return Seen(views_of_all, garment, image.colour)


def _repeated(pictures: NDArray[np.uint8], times: int) -> NDArray[np.uint8]:
    """Each pixel so many times both ways: uint8 (N, h, w) -> uint8 (N, times * h, times * w)."""
    return pictures.repeat(times, axis=-2).repeat(times, axis=-1)


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
