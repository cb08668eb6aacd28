"""A garment in colour: its own colours inside, the ground's around it, in the order of the grey views."""

from __future__ import annotations

import numpy as np
import pytest

from edge.isolation.colour_rendering import render_in_colour
from edge.isolation.garment import find_garment
from edge.isolation.network_input import is_blank, see, to_input
from edge.isolation.rendering import MOST_VIEWS
from edge.opencv import cv2
from edge.spec import Colour, Framing, ImageSpec
from edge.testing import FakeSource
from tests.edge.isolation.drawn_frames import drawn, drawn_frames

GROUND = (12, 200, 99)
RGB = ImageSpec(96, 96, colour=Colour.RGB, framing=Framing.GARMENT_COLOUR, ground=GROUND)
BGR = ImageSpec(96, 96, colour=Colour.BGR, framing=Framing.GARMENT_COLOUR, ground=GROUND)
TALL = ImageSpec(64, 40, colour=Colour.RGB, framing=Framing.GARMENT_COLOUR, ground=GROUND)

FRAMES = [one for number, one in enumerate(drawn_frames()) if number % 4 == 0 or "worn" in one[0]]

GARMENT, CLOTH = (40, 60, 180), (230, 228, 225)
"""Blue green red."""


def shirt(height: int = 480, width: int = 640, top: int = 100, left: int = 200) -> np.ndarray:
    """A red thing, three quarters as wide as high, that is not its own mirror image."""
    frame = np.full((height, width, 3), CLOTH, np.uint8)
    frame[top : top + 240, left : left + 180] = GARMENT
    frame[top : top + 60, left + 90 : left + 180] = CLOTH
    return frame


def test_the_garments_colour_is_inside_and_the_grounds_is_outside() -> None:
    picture = to_input(shirt(), RGB)
    assert (picture[60, 48] == GARMENT[::-1]).all()
    assert (picture[:, :10] == GROUND).all()
    assert (picture[:, -10:] == GROUND).all()
    assert (picture[5:15, 55:80] == GROUND).all(), "the cloth beside the garment, within its box"
    flat = picture.reshape(-1, 3).astype(int)
    either = [np.abs(flat - colour).max(axis=1) <= 3 for colour in (GARMENT[::-1], GROUND)]
    assert (either[0] | either[1]).mean() > 0.95, "nothing of the cloth is left but along the outline"
    assert either[0].sum() > 3000


@pytest.mark.parametrize("spec", [RGB, TALL])
def test_the_longest_edge_fills_the_picture_and_the_middle_is_the_middle(spec: ImageSpec) -> None:
    for frame in (shirt(), shirt(700, 400, 440, 10)):
        inside = (to_input(frame, spec) != GROUND).any(axis=2)
        rows, columns = np.nonzero(inside)
        extent = np.array((np.ptp(rows) + 1, np.ptp(columns) + 1))
        assert (extent / (spec.height, spec.width)).max() >= 0.97
        assert abs(extent[0] / extent[1] - 240 / 180) < 0.06
        assert abs(rows.min() + rows.max() - (spec.height - 1)) <= 2
        assert abs(columns.min() + columns.max() - (spec.width - 1)) <= 2


def test_the_order_of_channels_is_that_which_is_said_everywhere_in_the_picture() -> None:
    for name, frame in FRAMES:
        one, other = see(frame, RGB, views=3).pictures, see(frame, BGR, views=3).pictures
        np.testing.assert_array_equal(one, other[..., ::-1], err_msg=name)


def test_views_come_as_the_grey_ones_do() -> None:
    """As many, of the torso as many again, each followed by its mirror image; fewer are the first of them."""
    worn = 0
    for name, frame in FRAMES:
        garment = find_garment(frame)
        grey = see(frame, ImageSpec(96, 96), views=6).pictures
        if frame.shape[:2] == (96, 96):
            continue
        pictures = see(frame, RGB, views=6).pictures
        assert len(pictures) == len(grey), name
        assert pictures.shape[1:] == (96, 96, 3)
        np.testing.assert_array_equal(pictures[1::2], pictures[::2, :, ::-1], err_msg=name)
        if garment.torso is not None:
            worn += 1
            assert len(pictures) == 12
            apart = np.abs(pictures[0].astype(int) - pictures[6]).max(axis=2)
            assert (apart > 10).mean() > 0.05, "the torso is not the whole"
        elif len(pictures):
            np.testing.assert_array_equal(see(frame, RGB, views=3).pictures, pictures[:3], err_msg=name)
    assert worn >= 3


def test_the_colour_view_shows_the_garment_where_the_grey_one_does() -> None:
    """To a pixel or two: the masks are the same, the frame is at its own size instead of the working one."""
    apart = []
    for name, frame in FRAMES:
        grey, colour = see(frame, ImageSpec(96, 96), views=1), see(frame, RGB, views=1)
        if grey.garment is None or not len(grey.pictures):
            continue
        inside = grey.pictures[0] >= 8
        shown = (np.abs(colour.pictures[0].astype(int) - GROUND).max(axis=2)) > 20
        apart.append((inside != shown).mean())
        assert is_blank(colour.pictures[0]) or shown.any(), name
    assert len(apart) > 20
    assert np.median(apart) < 0.1


def test_an_empty_frame_has_no_pictures_and_black_as_its_input() -> None:
    frame = np.full((120, 160, 3), 130, np.uint8)
    assert see(frame, RGB, views=6).pictures.shape == (0, 96, 96, 3)
    assert not to_input(frame, RGB).any()


def test_pictures_of_the_models_size_and_drawn_ones_pass_through() -> None:
    """Of the data set's own pictures enlarged, grey on black, only the size changes, and black stays black."""
    pixels = np.random.default_rng(0).integers(0, 256, (96, 96, 3)).astype(np.uint8)
    np.testing.assert_array_equal(to_input(pixels, RGB), pixels[..., ::-1])
    drawn_one = np.zeros((200, 200, 3), np.uint8)
    drawn_one[60:140, 60:140] = 180
    seen = see(drawn_one, RGB)
    assert seen.garment is None
    assert not seen.pictures[0][:20].any()
    assert (seen.pictures[0][48, 48] == 180).all()


def test_more_of_a_frame_in_colour_is_seen_than_the_masks_have_pixels() -> None:
    """The colours come from the frame at its own size: stripes that its working size cannot hold are there."""
    frame = shirt()
    inside = (frame == GARMENT).all(axis=2)
    frame[::4][inside[::4]] = (250, 250, 20)
    frame[1::4][inside[1::4]] = (250, 250, 20)
    large = ImageSpec(240, 240, colour=Colour.BGR, framing=Framing.GARMENT_COLOUR)
    picture = to_input(frame, large).astype(int)
    assert np.abs(np.diff(picture[60:230, 120], axis=0)).max() > 100


@pytest.mark.parametrize("scale", [1, 3])
def test_a_mask_of_a_single_pixel_is_drawn(scale: int) -> None:
    mask = np.zeros((40, 50), np.bool_)
    mask[39, 49] = True
    frame = np.full((40 * scale, 50 * scale, 3), (1, 2, 3), np.uint8)
    pictures = render_in_colour(frame, (mask,), RGB, MOST_VIEWS)
    assert pictures.shape == (MOST_VIEWS, 96, 96, 3)
    assert (pictures[0][48, 48] == (3, 2, 1)).all()


def test_a_thin_garment_of_an_odd_frame_is_drawn() -> None:
    for height, width in ((1500, 31), (31, 1500), (113, 900)):
        frame = np.full((height, width, 3), CLOTH, np.uint8)
        frame[height // 4 : -height // 4, width // 4 : -width // 4] = GARMENT
        assert see(frame, TALL, views=6).pictures.shape[1:] == (64, 40, 3)


def test_saturation_goes_around_no_corner() -> None:
    """White on a white ground and black on a black one stay what they are; nothing wraps around."""
    for ground, garment in (((255, 255, 255), 250), ((0, 0, 0), 4)):
        spec = ImageSpec(96, 96, colour=Colour.RGB, framing=Framing.GARMENT_COLOUR, ground=ground)
        frame = np.full((300, 300, 3), 128, np.uint8)
        frame[80:220, 90:210] = garment
        levels = np.unique(to_input(frame, spec))
        assert (np.abs(levels.astype(int) - ground[0]) <= 6).mean() > 0.0
        assert set(levels.tolist()) >= {ground[0], garment}


def test_a_frame_stays_as_it_is() -> None:
    frame = FakeSource.draw(2)
    before = frame.copy()
    see(frame, RGB, views=6)
    np.testing.assert_array_equal(frame, before)


def test_the_mean_colour_is_that_of_the_garment_in_the_frame() -> None:
    """Areas are averaged, not sampled: noise on the garment vanishes from a small picture, its mean stays."""
    frame = shirt().astype(int)
    noisy = np.clip(frame + np.random.default_rng(1).integers(-30, 31, frame.shape), 0, 255).astype(np.uint8)
    small = ImageSpec(32, 32, colour=Colour.BGR, framing=Framing.GARMENT_COLOUR)
    middle = to_input(noisy, small)[14:28, 12:20].reshape(-1, 3).astype(float)
    np.testing.assert_allclose(middle.mean(axis=0), GARMENT, atol=2)
    assert middle.std(axis=0).max() < 6
    grey = cv2.cvtColor(to_input(drawn("plain", 480, 640, 0), small), cv2.COLOR_BGR2GRAY)
    assert np.ptp(grey) > 8
