"""People in garments of Fashion-MNIST before white paper: drawn, in every skin tone and light."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.opencv import cv2

Colour = tuple[int, int, int]
Picture = NDArray[np.uint8]

SKIN_TONES: dict[int, Colour] = {
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
LIGHTS = {"warm": (255, 225, 180), "neutral": (255, 255, 255), "cold": (205, 230, 255)}
"""What white looks like in it, red green blue: a bulb, a flash, shade."""
COLOURS: dict[str, Colour] = {
    "black": (28, 28, 30),
    "grey": (128, 128, 130),
    "white": (238, 238, 236),
    "beige": (215, 189, 155),
    "brown": (110, 75, 50),
    "rose": (230, 180, 175),
    "red": (170, 35, 40),
    "yellow": (225, 190, 60),
    "green": (50, 100, 60),
    "blue": (40, 70, 150),
    "sky": (150, 190, 225),
    "navy": (30, 35, 60),
}
"""Red green blue, of garments; some of them are of some people's skin."""
HAIR: tuple[Colour, ...] = ((28, 24, 24), (70, 50, 38), (150, 110, 70), (175, 172, 168))
BELOW: tuple[Colour, ...] = ((35, 40, 60), (80, 110, 150), (30, 30, 32), (190, 175, 150), (120, 120, 118))
DRESS = 3
WORN = (0, 2, DRESS, 4, 6)
"""Fashion-MNIST's tops and dresses: class numbers."""

HEIGHT, WIDTH, MIDDLE = 400, 300, 150


class Drawn(NamedTuple):
    """A figure and where its garment, its head and its bare skin can be seen."""

    pixels: Picture
    """(400, 300, 3), blue green red."""
    garment: NDArray[np.bool_]
    head: NDArray[np.bool_]
    skin: NDArray[np.bool_]
    """Below the head."""


def person(
    garment: Picture, label: int, skin: Colour, colour: Colour, light: Colour, seed: int, head: bool = True
) -> Drawn:
    """Somebody in a top or dress uint8 (28, 28) of Fashion-MNIST that has this label; colours are red green blue."""
    rng = np.random.default_rng(seed)
    figure = _Figure(skin)
    top = int(rng.integers(8, 22))
    tall = int(rng.integers(62, 82))
    shoulders = top + int(tall * 1.12) if head else int(rng.integers(6, 30))
    shown, alpha, shade = _enlarged(garment, label, rng, HEIGHT - 6 - shoulders)
    bottom, wide = shoulders + shown[0], shown[1]
    hair = HAIR[int(rng.integers(len(HAIR)))]
    below = BELOW[int(rng.integers(len(BELOW)))]
    long_hair = bool(rng.random() < 0.35)
    if head and long_hair:
        figure.ellipse("hair", (MIDDLE, top + tall // 2 + 8), (int(tall * 0.42), int(tall * 0.62)), hair)
    figure.rectangle("skin", (MIDDLE - tall // 6, shoulders - 16, MIDDLE + tall // 6, shoulders + 26), skin)
    figure.arms(shoulders, skin, rng)
    if label == DRESS:
        for side in (-1, 1):
            column = MIDDLE + side * int(rng.integers(14, 20))
            figure.rectangle("skin", (column - 10, bottom - 30, column + 10, HEIGHT - 4), skin)
    else:
        figure.legs(bottom - 8, int(min(wide * 0.32, 42)), below)
    if head:
        if not long_hair:
            figure.ellipse("hair", (MIDDLE, top + int(tall * 0.46)), (int(tall * 0.36), int(tall * 0.48)), hair)
        figure.ellipse("head", (MIDDLE, top + int(tall * 0.58)), (int(tall * 0.29), int(tall * 0.42)), skin)
        figure.features(top, tall)
    figure.clothe(alpha, shade, colour, shoulders)
    return figure.finished(light, rng)


def cut_off_at_the_hips(figure: Drawn) -> Drawn:
    """A figure of which the frame shows nothing from a little below the garment's hem."""
    last = int(np.flatnonzero(figure.garment.any(axis=1))[-1]) + 12
    return Drawn(
        np.ascontiguousarray(figure.pixels[:last]), figure.garment[:last], figure.head[:last], figure.skin[:last]
    )


def _enlarged(
    garment: Picture, label: int, rng: np.random.Generator, most: int
) -> tuple[tuple[int, int], NDArray[np.bool_], NDArray[np.float64]]:
    """Height and width, shape and shade (h, w) of a garment cut out and enlarged to a figure's size."""
    rows, columns = (np.flatnonzero((garment > 24).any(axis=axis)) for axis in (1, 0))
    cut = garment[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    high = int(rng.integers(175, 230)) if label == DRESS else int(rng.integers(135, 170))
    high = min(high, most)
    wide = min(max(int(high * cut.shape[1] / cut.shape[0]), 60 if label == DRESS else 100), 200)
    large = cv2.resize(cut, (wide, high), interpolation=cv2.INTER_LINEAR_EXACT)
    alpha = cv2.morphologyEx((large > 24).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8)) > 0
    shade = 1 + 0.35 * (float(large[alpha].mean()) - large.astype(np.float64)) / 128
    return (high, wide), np.asarray(alpha, np.bool_), np.clip(shade, 0.6, 1.25)


class _Figure:
    """Paper that is drawn on, and what every pixel of it is."""

    def __init__(self, skin: Colour) -> None:
        self.pixels = np.full((HEIGHT, WIDTH, 3), 250, np.float64)
        self.kinds = np.zeros((HEIGHT, WIDTH), "<U7")
        self.skin_colour = skin

    def paint(self, kind: str, where: NDArray[np.generic], colour: Colour | NDArray[np.float64]) -> None:
        inside = where > 0  # type: ignore[operator]
        self.pixels[inside] = colour
        self.kinds[inside] = kind

    def ellipse(self, kind: str, middle: tuple[int, int], radii: tuple[int, int], colour: Colour) -> None:
        self.paint(kind, cv2.ellipse(self.blank(), middle, radii, 0, 0, 360, 1, -1), colour)

    def rectangle(self, kind: str, box: tuple[int, int, int, int], colour: Colour) -> None:
        self.paint(kind, cv2.rectangle(self.blank(), box[:2], box[2:], 1, -1), colour)

    def blank(self) -> Picture:
        return np.zeros((HEIGHT, WIDTH), np.uint8)

    def arms(self, top: int, skin: Colour, rng: np.random.Generator) -> None:
        outward = rng.integers(-6, 14)
        for side in (-1, 1):
            points = np.array(
                [
                    (MIDDLE + side * 36, top + 18),
                    (MIDDLE + side * (52 + outward // 2), top + 85),
                    (MIDDLE + side * (50 + outward), top + 160),
                ],
                np.int32,
            )
            line = cv2.polylines(self.blank(), [points], isClosed=False, color=1, thickness=int(rng.integers(15, 21)))
            self.paint("skin", line, skin)

    def legs(self, top: int, reach: int, colour: Colour) -> None:
        box = np.array(
            [(MIDDLE - reach, top), (MIDDLE + reach, top), (MIDDLE + reach - 4, 396), (MIDDLE - reach + 4, 396)],
            np.int32,
        )
        self.paint("legs", cv2.fillPoly(self.blank(), [box], 1), colour)

    def features(self, top: int, tall: int) -> None:
        eyes = top + int(tall * 0.55)
        for side in (-1, 1):
            column = MIDDLE + side * int(tall * 0.12)
            self.ellipse("head", (column, eyes), (4, 2), (60, 50, 48))
        red, green, blue = (int(value * 0.72) for value in self.skin_colour)
        self.ellipse("head", (MIDDLE, top + int(tall * 0.84)), (6, 2), (min(255, red + 20), green, blue))

    def clothe(self, alpha: NDArray[np.bool_], shade: NDArray[np.float64], colour: Colour, top: int) -> None:
        high, wide = alpha.shape
        left = MIDDLE - wide // 2
        whole = np.zeros((HEIGHT, WIDTH), np.bool_)
        whole[top : top + high, left : left + wide] = alpha
        shaded = np.clip(shade[..., np.newaxis] * colour, 0, 255)
        self.paint("garment", whole, shaded[alpha])

    def finished(self, light: Colour, rng: np.random.Generator) -> Drawn:
        """Lit from one side, in coloured light, a little blurred, with noise."""
        side = 1 if rng.random() < 0.5 else -1
        slope = 1 + side * 0.12 * (np.arange(WIDTH) - MIDDLE) / MIDDLE - 0.06
        lit = self.pixels * np.where(self.kinds == "", 1.0, np.broadcast_to(slope, (HEIGHT, WIDTH)))[..., np.newaxis]
        lit = lit * np.array(light) / 255
        lit = cv2.blur(lit, (3, 3)) + rng.normal(0, 1.5, lit.shape)
        pixels = np.clip(lit[..., ::-1], 0, 255).astype(np.uint8)
        kinds = self.kinds
        return Drawn(pixels, kinds == "garment", (kinds == "head") | (kinds == "hair"), kinds == "skin")
