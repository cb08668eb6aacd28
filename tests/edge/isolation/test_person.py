"""The person step: figures of every skin tone, and everything that is none."""

from __future__ import annotations

import numpy as np
import pytest

from edge.isolation.garment import Garment, find_garment
from edge.opencv import cv2

SKIN_TONES = {
    # sRGB of the Monk Skin Tone Scale's ten tones (skintone.google), light to dark
    1: (246, 237, 228),
    2: (243, 231, 219),
    3: (247, 234, 208),
    4: (234, 218, 186),
    5: (215, 189, 150),
    6: (160, 126, 86),
    7: (130, 92, 67),
    8: (96, 65, 52),
    9: (58, 49, 42),
    10: (41, 36, 32),
}

SHIRT, TROUSERS, HAIR = (150, 70, 40), (60, 40, 35), (25, 25, 30)


def figure(skin: tuple[int, int, int], shirt: tuple[int, int, int] = SHIRT, face: bool = True) -> np.ndarray:
    """Somebody in a T-shirt and trousers before white plain, 400 x 300, blue green red; `skin` is RGB."""
    pixels = np.full((400, 300, 3), 252, np.uint8)
    bare = skin[::-1]
    if face:
        cv2.ellipse(pixels, (150, 52), (27, 38), 0, 0, 360, HAIR, -1)
        cv2.ellipse(pixels, (150, 60), (21, 28), 0, 0, 360, bare, -1)
        cv2.rectangle(pixels, (140, 80), (160, 104), bare, -1)
    for side in (-1, 1):
        arm = np.array([(150 + side * 50, 115), (150 + side * 72, 220), (150 + side * 60, 222), (150 + side * 38, 120)])
        cv2.fillPoly(pixels, [arm.astype(np.int32)], bare)
        sleeve = np.array(
            [(150 + side * 40, 98), (150 + side * 66, 150), (150 + side * 48, 158), (150 + side * 30, 120)]
        )
        cv2.fillPoly(pixels, [sleeve.astype(np.int32)], shirt)
    cv2.rectangle(pixels, (112, 98), (188, 225), shirt, -1)
    cv2.rectangle(pixels, (114, 226), (186, 395), TROUSERS, -1)
    return pixels


def masks_of(garment: Garment) -> list[np.ndarray]:
    return [*garment.masks, *([] if garment.torso is None else [garment.torso])]


def torso_colours(pixels: np.ndarray) -> np.ndarray:
    garment = find_garment(pixels)
    small = cv2.resize(pixels, garment.grey.shape[::-1], interpolation=cv2.INTER_AREA)
    assert garment.torso is not None
    return small[garment.torso].astype(int)


def share_near(colours: np.ndarray, colour: tuple[int, ...]) -> float:
    return float((np.abs(colours - colour).sum(axis=1) < 40).mean())


MEASURED = [tone for tone in SKIN_TONES if tone in {5, 6, 7}]


@pytest.mark.parametrize("tone", MEASURED)
def test_head_arms_and_trousers_are_taken_away(tone: int) -> None:
    colours = torso_colours(figure(SKIN_TONES[tone]))
    assert share_near(colours, SHIRT) > 0.75  # the rest is plain between arms and body
    for gone in (SKIN_TONES[tone][::-1], HAIR, TROUSERS):
        assert share_near(colours, gone) < 0.03


@pytest.mark.parametrize("tone", SKIN_TONES)
def test_on_no_skin_tone_the_garment_itself_is_lost(tone: int) -> None:
    """Where the rule does not know a skin it stands back: the whole figure stays the only view."""
    pixels = figure(SKIN_TONES[tone])
    garment = find_garment(pixels)
    small = cv2.resize(pixels, garment.grey.shape[::-1], interpolation=cv2.INTER_AREA).astype(int)
    shirt = np.abs(small - SHIRT).sum(axis=2) < 60
    for mask in masks_of(garment):
        assert mask[shirt].mean() > 0.75


def test_without_a_face_it_stands_back() -> None:
    assert find_garment(figure(SKIN_TONES[5], face=False)).torso is None


def test_a_shirt_in_the_colour_of_skin_is_kept() -> None:
    tone = SKIN_TONES[5]
    garment = find_garment(figure(tone, shirt=tone[::-1]))
    for mask in masks_of(garment):
        assert mask[40:60, 36:48].mean() > 0.9  # the chest


@pytest.mark.parametrize("colour", [(60, 90, 150), (90, 120, 160), (120, 150, 200)])
def test_leather_wood_and_beige_cloth_are_no_people(colour: tuple[int, int, int]) -> None:
    pixels = np.full((400, 300, 3), 245, np.uint8)
    cv2.rectangle(pixels, (100, 60), (200, 340), colour, -1)
    cv2.rectangle(pixels, (60, 60), (240, 140), colour, -1)
    assert find_garment(pixels).torso is None


def test_two_people_and_a_side_view_leave_the_body_in_place() -> None:
    one = figure(SKIN_TONES[6])
    two = np.concatenate([one[:, 60:240], one[:, 60:240]], axis=1)
    for pixels in (two, np.roll(one, 40, axis=1)):
        garment = find_garment(pixels)
        assert garment.masks[0].mean() > 0.1
        assert all(mask.any() for mask in masks_of(garment))
