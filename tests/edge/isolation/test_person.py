"""The person step: figures of every skin tone, and everything that is none."""

from __future__ import annotations

import numpy as np
import pytest

from edge.isolation.garment import SKIN_GREY, Garment, find_garment
from edge.opencv import cv2
from tests.edge.isolation.drawn_frames import SAMPLES
from train.augment.drawn_people import COLOURS, LIGHTS, SKIN_TONES, WORN, Drawn, cut_off_at_the_hips, person

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


@pytest.mark.parametrize("tone", SKIN_TONES)
def test_head_arms_and_trousers_are_taken_away(tone: int) -> None:
    colours = torso_colours(figure(SKIN_TONES[tone]))
    assert share_near(colours, SHIRT) > 0.65  # the rest is plain between arms and body
    for gone in (SKIN_TONES[tone][::-1], HAIR, TROUSERS):
        assert share_near(colours, gone) < 0.07  # closing gaps brings three columns of dark arms back


@pytest.mark.parametrize("tone", SKIN_TONES)
def test_skin_is_drawn_alike_whatever_its_tone(tone: int) -> None:
    garment = find_garment(figure(SKIN_TONES[tone]))
    assert (garment.grey[14:20, 40:44] == SKIN_GREY).mean() > 0.9  # the face
    assert not (garment.grey[30:60, 36:48] == SKIN_GREY).any()  # the chest


@pytest.mark.parametrize("tone", SKIN_TONES)
def test_in_grey_the_outline_still_tells(tone: int) -> None:
    grey = cv2.cvtColor(figure(SKIN_TONES[tone]), cv2.COLOR_BGR2GRAY)
    garment = find_garment(np.repeat(grey[:, :, np.newaxis], 3, axis=2))
    assert garment.torso is not None
    assert not garment.torso[:20].any()


FIGURES = 12
"""Of each tone in each light, all in other garments, colours, poses and hair."""


@pytest.fixture(scope="module")
def found() -> dict[int, list[tuple[Drawn, Garment]]]:
    """Of each tone the figures in all lights, every third cut off at the hips, and what was made of them."""
    return {
        tone: [(drawn, find_garment(drawn.pixels)) for light in LIGHTS for drawn in dressed(tone, light)]
        for tone in SKIN_TONES
    }


def dressed(tone: int, light: str, number: int = FIGURES, head: bool = True) -> list[Drawn]:
    with np.load(SAMPLES / "fashion_mnist_300.npz") as file:
        images, labels = file["images"], file["labels"]
    worn = [int(index) for index in np.flatnonzero(np.isin(labels, WORN))][:number]
    colours = list(COLOURS.values())
    people = []
    for place, index in enumerate(worn):
        colour = colours[place % len(colours)]
        one = person(images[index], int(labels[index]), SKIN_TONES[tone], colour, LIGHTS[light], index, head)
        if place % 3 == 0:
            one = cut_off_at_the_hips(one)
        people.append(one)
    return people


def seen_share(mask: np.ndarray, where: np.ndarray) -> float:
    """Which part of `where` a mask at working size covers."""
    small = cv2.resize(where.astype(np.uint8) * 255, mask.shape[::-1], interpolation=cv2.INTER_AREA) > 127
    return float((mask & small).sum() / max(1, small.sum()))


def test_it_fires_on_people_of_every_tone_alike(found: dict[int, list[tuple[Drawn, Garment]]]) -> None:
    fired = {tone: np.mean([one.torso is not None for _, one in figures]) for tone, figures in found.items()}
    assert min(fired.values()) >= 0.97
    assert max(fired.values()) - min(fired.values()) <= 0.03


def test_of_every_tone_the_head_goes_and_the_garment_stays(found: dict[int, list[tuple[Drawn, Garment]]]) -> None:
    """The tones differ by little, too: of the garment by 3 hundredths, of the skin that is left by 10."""
    kept, left, covered = [], [], []
    for figures in found.values():
        fired = [(drawn, one, one.torso) for drawn, one in figures if one.torso is not None]
        assert max(seen_share(torso, drawn.head) for drawn, _, torso in fired) < 0.15
        left.append(np.mean([seen_share(torso, drawn.skin) for drawn, _, torso in fired]))
        kept.append(np.mean([seen_share(torso, drawn.garment) for drawn, _, torso in fired]))
        covered.append(np.mean([seen_share(one.grey == SKIN_GREY, drawn.garment) for drawn, one, _ in fired]))
    assert min(kept) > 0.94
    assert max(kept) - min(kept) < 0.03
    assert max(left) - min(left) < 0.1
    assert max(covered) < 0.04


@pytest.mark.parametrize("tone", SKIN_TONES)
def test_without_a_head_in_the_frame_it_stands_back(tone: int) -> None:
    for drawn in dressed(tone, "neutral", 4, head=False):
        assert find_garment(drawn.pixels).torso is None


@pytest.mark.parametrize("tone", SKIN_TONES)
def test_on_no_skin_tone_the_garment_itself_is_lost(tone: int) -> None:
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
