"""Finds out whether there is a garment in a frame, and which pixels are its own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from edge.isolation.cleaning import cleaned
from edge.isolation.ground import differing, edge_share, paper_mask, strip_of
from edge.isolation.person import torso_mask
from edge.isolation.rendering import render_views
from edge.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORKING_SIZE = 112
"""Pixels of a frame's longer side while the garment is sought: four for one of the network's input."""

LEAST_OF_FRAME = 0.03
"""A smaller mask is no garment that a network could tell."""

MOST_OF_EDGE = 0.35
"""A mask that covers more of the frame's edge is ground, or a garment that the frame cuts off."""


LEAST_CONTRAST = 6.0
"""In Lab: noise and folds of an empty ground differ by less (0 to 5), garments by 9 and more."""

LIKELY_CONTRAST = 10.0
"""In Lab: what differs more from its ground than this is rather a garment than a fold of the ground."""

LIKELY_SHARE = 0.15
"""Of the frame: garments that people show to a camera are rarely smaller."""


class Scene(StrEnum):
    """What a frame shows."""

    GARMENT = "garment"
    EMPTY = "empty"
    """Nothing stands out from the ground."""
    CUT_OFF = "cut_off"
    """What stands out runs over the frame's edge."""


@dataclass(frozen=True, slots=True, eq=False)
class Garment:
    """What was found in a frame, at working size: at most WORKING_SIZE pixels along the longer side."""

    grey: NDArray[np.uint8]
    """(h, w)"""
    masks: tuple[NDArray[np.bool_], ...]
    """Each (h, w): the whole of it; and, where a person wears it, what the person step left. None where empty."""
    scene: Scene
    contrast: float
    """How far the garment's colour is from its ground's, in Lab."""
    edge_share: float
    """Part of the frame's edge that the mask covers, 0..1."""

    @property
    def presence(self) -> float:
        """How sure it is that there is a garment, 0..1: large, of another colour than its ground, and not cut off."""
        if not self.masks:
            return 0.0
        colour = self.contrast / (self.contrast + LIKELY_CONTRAST)
        size = math.sqrt(min(1.0, float(self.masks[0].mean()) / LIKELY_SHARE))
        return colour * size * max(0.0, 1 - self.edge_share)

    def views(self, height: int, width: int, views: int = 1) -> NDArray[np.uint8]:
        """The network's inputs: uint8 (views of each mask, height, width). Raises ValueError where there is no mask."""
        return np.concatenate([render_views(self.grey, mask, height, width, views) for mask in self.masks])


def find_garment(pixels: NDArray[np.uint8]) -> Garment:
    """Find the garment in a frame: uint8 (H, W, 3) blue green red, lying on, hanging before or worn before a ground."""
    small = shrunk(pixels)
    height, width = small.shape[:2]
    lab = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2Lab), np.uint8)
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)
    strip = strip_of(height, width)
    mask = cleaned(differing(lab, strip))
    if not mask.any():
        return Garment(grey, (), Scene.EMPTY, 0.0, 0.0)
    paper = paper_mask(lab, strip, mask)
    mask = mask if paper is None else paper
    torso = torso_mask(small, lab, mask)
    masks = (mask,) if torso is None else (mask, torso)
    share = edge_share(mask)
    contrast = _contrast(lab, mask)
    return Garment(grey, masks, _scene(mask, share, contrast), contrast, share)


def shrunk(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A frame at working size: uint8 (H, W, 3) -> uint8 (h, w, 3); smaller ones stay as they are."""
    height, width = pixels.shape[:2]
    longest = max(height, width)
    if longest <= WORKING_SIZE:
        return pixels
    factor = longest // (2 * WORKING_SIZE)
    if factor > 1:  # whole factors are ten times as fast, and are left with two pixels for one
        pixels = pixels[: max(factor, height - height % factor), : max(factor, width - width % factor)]
        half = max(1, pixels.shape[1] // factor), max(1, pixels.shape[0] // factor)
        pixels = np.asarray(cv2.resize(pixels, half, interpolation=cv2.INTER_AREA), np.uint8)
    size = max(1, round(width * WORKING_SIZE / longest)), max(1, round(height * WORKING_SIZE / longest))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _scene(mask: NDArray[np.bool_], share: float, contrast: float) -> Scene:
    if mask.mean() < LEAST_OF_FRAME or contrast < LEAST_CONTRAST:
        return Scene.EMPTY
    return Scene.CUT_OFF if share > MOST_OF_EDGE else Scene.GARMENT


def _contrast(lab: NDArray[np.uint8], mask: NDArray[np.bool_]) -> float:
    """Distance of the mean colours inside and outside."""
    if mask.all():
        return 0.0
    bits = mask.astype(np.uint8)
    apart = [one - other for one, other in zip(cv2.mean(lab, bits)[:3], cv2.mean(lab, 1 - bits)[:3], strict=True)]
    return math.sqrt(sum(difference * difference for difference in apart))
