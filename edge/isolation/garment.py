"""Finds out whether there is a garment in a frame, and which pixels are its own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.isolation.cleaning import cleaned
from edge.isolation.colours import ColourCounts, Counts, has_no_colour
from edge.isolation.ground import (
    border_of,
    difference,
    edge_share,
    enclosed_by_edges,
    median_of,
    plain_background_mask,
    threshold_of,
)
from edge.isolation.lab import bgr_to_lab
from edge.isolation.person import without_wearer
from edge.isolation.rendering import render_views
from edge.isolation.scene import Scene
from edge.isolation.shrinking import shrunk
from edge.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

REDRAWN = 2
"""So often the mask is refined by the colours that it and its ground hold. Without: 2.5 points fewer of 2,631 photos
are right, 2.3 in groups, with a network that has seen none; once: 0.4 and 0.5 fewer; three times: no more."""

LEVEL, TIGHT_LEVEL = 140, 190
"""Of certainty, 0..255, that part garment from ground. Where the ground is restless or has nearly the garment's
colour, one of three masks is often the right one: from what differs from the border, and from what edges enclose, this
one at both levels. With three levels of the first (90, too) 0.6 points fewer of 2,631 photos are right, 1.1 in groups,
with a network that has seen none; of 809 on a ground less than 50 levels lighter or darker 1.5 and 2.0."""

MIDDLE_LEVEL = 128
"""Between one drawing and the next."""

LEAST_OF_FRAME = 0.03
"""A smaller mask is no garment that a network could tell."""

LIKELY_CONTRAST = 10.0
"""In Lab: what differs more from its ground than this is rather a garment than a fold of the ground (0 to 5)."""

SLIGHTEST = 0.375
"""What stands out less by its colours is noise."""

LEAST_DISTINCT = 0.58
"""What stands out less, by its colours and by how little of it the frame cuts off, is rather ground: of 2,631 photos
of garments this takes 0.9 % for that, of 129 patches of empty ground 74 %."""

LIKELY_SHARE = 0.15
"""Of the frame: garments that people show to a camera are rarely smaller."""

SKIN_GREY = 163
"""A wearer's skin is drawn so, whatever its tone: negated .36, the middle of what the networks were trained with."""


@dataclass(frozen=True, slots=True, eq=False, repr=False, match_args=False)
class Garment:
    """What was found in a frame, at working size: at most WORKING_SIZE pixels along the longer side."""

    grey: NDArray[np.uint8]
    """(h, w): lightness; a wearer's skin as SKIN_GREY"""
    masks: tuple[NDArray[np.bool_], ...]
    """The whole of it, each (h, w): as it is, as edges enclose it, and the latter tighter. None where empty."""
    torso: NDArray[np.bool_] | None
    """(h, w): where a person wears it, what the person step left."""
    scene: Scene
    distinctness: float
    """How surely its colours are others than its ground's, 0..1."""
    edge_share: float
    """Part of the frame's edge that the mask covers, 0..1."""

    @property
    def presence(self) -> float:
        """How sure it is that there is a garment, 0..1: large, of another colour than its ground, and not cut off."""
        if not self.masks:
            return 0.0
        size = math.sqrt(min(1.0, np.count_nonzero(self.masks[0]) / self.masks[0].size / LIKELY_SHARE))
        return self.distinctness * (1 - self.edge_share) * size

    def views(self, height: int, width: int, views: int = 1) -> NDArray[np.uint8]:
        """The network's inputs: uint8 (views, height, width), as many again of the torso; none without a mask."""
        if not self.masks:
            return np.zeros((0, height, width), np.uint8)
        whole = render_views(self.grey, self.masks, height, width, views)
        if self.torso is None:
            return whole
        return np.concatenate([whole, render_views(self.grey, (self.torso,), height, width, views)])


def find_garment(pixels: NDArray[np.uint8]) -> Garment:
    """Find the garment in a frame: uint8 (H, W, 3) blue green red, lying on, hanging before or worn before a ground."""
    small = shrunk(pixels)
    lab = bgr_to_lab(small)
    is_grey = has_no_colour(lab)
    if is_grey:  # only then: a first photo in colour need not pay for what it does not use
        from edge.isolation.lightness import LightnessCounts, evenly_lit

        lab = evenly_lit(lab)
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)
    border = border_of(lab)
    median = median_of(border)
    levels = difference(lab, border, median)
    mask = cleaned(levels > threshold_of(levels))
    if not mask.any():
        return Garment(grey, (), None, Scene.EMPTY, 0.0, 0.0)
    plain = plain_background_mask(lab, border, median, mask)
    counts = LightnessCounts(lab) if is_grey else ColourCounts(lab)
    masks = _refined(counts, lab, mask) if plain is None else plain[:1]
    share = edge_share(masks[0])
    distinctness = max(_apart(lab, masks[0]), 1 - counts.overlap(masks[0]))
    worn = without_wearer(lab, masks[0])
    torso = None
    if worn is not None:
        torso = worn.torso
        grey[worn.skin] = SKIN_GREY
    scene = _scene(masks[0], share, distinctness)
    if plain is not None:
        masks = plain[1:]  # only now: a head is found by an outline without gaps
    return Garment(grey, masks, torso, scene, distinctness, share)


def _refined(counts: Counts, lab: NDArray[np.uint8], mask: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], ...]:
    """The masks by what first ones and their ground hold; the first by the border, if nothing is left of any."""
    by_border = _redrawn(counts, mask)
    by_edges = _redrawn(counts, enclosed_by_edges(lab))
    drawn = (by_border > LEVEL, by_edges > LEVEL, by_edges > TIGHT_LEVEL)
    masks = tuple(found for found in map(cleaned, drawn) if found.any())
    return masks or (mask,)


def _redrawn(counts: Counts, mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """How surely each pixel is the garment's, by a mask and by those drawn from it: uint8 (h, w), 255 surest."""
    levels = counts.garment_levels(mask)
    for _ in range(REDRAWN - 1):
        drawn = cleaned(levels > MIDDLE_LEVEL)
        if not drawn.any():
            return levels
        levels = counts.garment_levels(drawn)
    return levels


def _scene(mask: NDArray[np.bool_], share: float, distinctness: float) -> Scene:
    if np.count_nonzero(mask) < LEAST_OF_FRAME * mask.size or distinctness < SLIGHTEST:
        return Scene.EMPTY
    if distinctness < LEAST_DISTINCT:
        return Scene.FAINT
    return Scene.GARMENT if distinctness * (1 - share) >= LEAST_DISTINCT else Scene.CUT_OFF


def _apart(lab: NDArray[np.uint8], mask: NDArray[np.bool_]) -> float:
    """How far apart the mean colours inside and outside are, 0..1: half at LIKELY_CONTRAST."""
    if mask.all():
        return 0.0
    count = np.count_nonzero(mask)
    within = lab & np.negative(mask.view(np.uint8))  # all bits, or none
    contrast = 0.0
    for plane, inside in zip(lab, within, strict=True):
        whole, part = cv2.sumElems(plane)[0], cv2.sumElems(inside)[0]
        contrast += (part / count - (whole - part) / (mask.size - count)) ** 2
    contrast = math.sqrt(contrast)
    return contrast / (contrast + LIKELY_CONTRAST)
