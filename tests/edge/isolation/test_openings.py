"""Ground seen through a handle or between straps is no garment; a print in the ground's colour is."""

from __future__ import annotations

import numpy as np
import pytest

from edge.isolation.garment import find_garment
from edge.isolation.openings import with_openings
from edge.isolation.scene import Scene
from edge.opencv import cv2

GROUNDS = ((250, 250, 250), (205, 214, 220), (120, 140, 110), (35, 30, 30))
GROUND, CLOTH = GROUNDS[2], (60, 40, 170)

BELOW_THE_HANDLE = (34, 56)


def paper(ground: tuple[int, int, int] = GROUND) -> np.ndarray:
    """Plain ground with a camera's slight noise: uint8 (112, 112, 3)."""
    noise = np.random.default_rng(0).integers(-1, 2, (112, 112, 1))
    return np.clip(np.array(ground) + noise, 0, 255).astype(np.uint8)


def bag(ground: tuple[int, int, int] = GROUND, cloth: tuple[int, int, int] = CLOTH) -> np.ndarray:
    """A bag with a handle, whose opening of 13 x 19 pixels is around BELOW_THE_HANDLE: 2 % of the frame."""
    pixels, clean = paper(ground), paper(ground)
    cv2.rectangle(pixels, (20, 42), (92, 92), cloth, -1)
    cv2.rectangle(pixels, (42, 24), (70, 44), cloth, -1)
    pixels[28:41, 46:65] = clean[28:41, 46:65]
    return pixels


def shirt(ground: tuple[int, int, int] = GROUND) -> np.ndarray:
    """A shirt with sleeves, without a print."""
    pixels = paper(ground)
    cv2.rectangle(pixels, (32, 20), (80, 96), CLOTH, -1)
    cv2.rectangle(pixels, (14, 22), (98, 42), CLOTH, -1)
    return pixels


@pytest.mark.parametrize("ground", GROUNDS)
def test_ground_under_a_handle_is_ground(ground: tuple[int, int, int]) -> None:
    """It belonged to the mask, being less than 3 % of the frame, and a network saw a bag with its handle filled."""
    garment = find_garment(bag(ground))
    (mask,) = garment.masks
    assert not mask[BELOW_THE_HANDLE]
    assert not mask[29:40, 47:64].any()
    assert mask[25:27, 44:68].all()  # the handle
    assert mask[46:90, 24:90].all()  # the bag
    assert garment.scene is Scene.GARMENT


def test_the_network_sees_black_there() -> None:
    (view,) = find_garment(bag()).views(56, 56)
    row, column = (34 - 24) * 56 // 73 + 2, 28
    assert view[row, column] == 0
    assert view[40, column] > 100


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize(
    "box",
    [
        (slice(44, 60), slice(46, 66)),
        (slice(50, 57), slice(35, 78)),
        (slice(46, 90), slice(53, 60)),
        (slice(46, 90), slice(68, 75)),
    ],
    ids=["square", "band from side to side", "stripe down the middle", "stripe along a side"],
)
def test_a_print_in_the_grounds_colour_is_no_opening(ground: tuple[int, int, int], box: tuple[slice, slice]) -> None:
    """Pixel by pixel it is ground; the cloth around it is wide."""
    plain, printed = shirt(ground), shirt(ground)
    printed[box] = paper(ground)[box]
    (without,), (mask,) = find_garment(plain).masks, find_garment(printed).masks
    middle = (box[0].start + box[0].stop) // 2, (box[1].start + box[1].stop) // 2
    assert without[middle] and mask[middle]


def test_a_garment_of_nearly_the_grounds_colour_stays_in_one_piece() -> None:
    """White on white: what is around the hole stands out too little to say that the hole is one."""
    garment = find_garment(bag((250, 250, 250), (240, 240, 241)))
    (mask,) = garment.masks
    assert mask[BELOW_THE_HANDLE]
    garment = find_garment(bag((250, 250, 250), (200, 200, 201)))
    assert not garment.masks[0][BELOW_THE_HANDLE]


def test_what_has_another_colour_is_no_opening() -> None:
    pixels = bag()
    pixels[28:41, 46:65] = np.clip(pixels[28:41, 46:65].astype(int) + 12, 0, 255)
    assert find_garment(pixels).masks[0][BELOW_THE_HANDLE]


def test_restless_ground_has_no_openings() -> None:
    """Colours there are those of both; the masks are the ones that networks were trained on."""
    noise = np.random.default_rng(1).integers(-12, 13, (112, 112, 1))
    pixels = np.clip(bag().astype(int) + noise, 0, 255).astype(np.uint8)
    assert len(find_garment(pixels).masks) == 3


def test_a_mask_without_openings_is_given_back_as_it_is() -> None:
    mask, calm = np.zeros((40, 50), bool), np.ones((40, 50), bool)
    distance = np.full((40, 50), 100, np.int16)
    mask[10:30, 10:40] = True
    calm[10:30, 10:40] = False
    assert with_openings(mask, calm, distance) is mask
    calm[10:14, 10:30] = True  # a bay that the mask has closed: it is one with the ground outside
    assert with_openings(mask, calm, distance) is mask


def test_something_of_a_mask_is_always_left() -> None:
    """Whoever draws a mask relies on it: what frames this opening is no part of the mask."""
    mask, calm = np.zeros((40, 50), bool), np.zeros((40, 50), bool)
    mask[9:15, 9:15] = True
    calm[10:14, 10:14] = True
    assert with_openings(mask, calm, np.full((40, 50), 100, np.int16)) is mask


def test_a_gap_in_a_band_is_an_opening_and_a_speck_in_it_is_none() -> None:
    """The band is nine pixels high and forty long, so four pixels count as narrow. A speck is 15 pixels of ground."""
    mask, calm = np.zeros((60, 60), bool), np.ones((60, 60), bool)
    distance = np.full((60, 60), 100, np.int16)
    mask[20:29, 10:50] = True
    calm[20:29, 10:50] = False
    calm[24, 20:35] = True
    assert with_openings(mask, calm, distance) is mask
    calm[24, 20:36] = True
    opened = with_openings(mask, calm, distance)
    assert not opened[23:26, 19:37].any()
    assert np.count_nonzero(opened) == 9 * 40 - 3 * 18
    mask[28:41, 10:50] = True  # with twelve rows of cloth below
    calm[28:41, 10:50] = False
    assert with_openings(mask, calm, distance) is mask
