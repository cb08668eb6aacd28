"""One picture that shows a decision: the frame with the garment's outline, what the network saw, what it said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.frame import Decision, Frame, Prediction
from edge.isolation.shrinking import shrunk
from edge.opencv import cv2
from edge.spec import Colour

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.isolation.network_input import Seen

HEIGHT = 336
"""Of the sheet, in pixels: twelve for each of the network's 28, six for each of 56."""

TEXT_WIDTH = 330
OUTLINES = ((60, 60, 255), (80, 220, 80))
"""Colours, blue green red: of the whole garment, and of what the person step left."""

WHITE, GREY, DARK = (255, 255, 255), (150, 150, 150), (28, 28, 28)


def draw_sheet(
    frame: Frame, seen: Seen, prediction: Prediction, heat: NDArray[np.float32] | None = None
) -> NDArray[np.uint8]:
    """Draw a decision: uint8 (336, W, 3) blue green red. `heat` float32 (height, width) is laid over the last panel."""
    views = first_views(seen)
    panels = [_outlined(frame, seen), *(_scaled(view) for view in views)]
    if heat is not None and views:
        panels.append(_heated(np.ascontiguousarray(views[0]), heat))
    panels.append(_text(prediction))
    gap = np.full((HEIGHT, 4, 3), DARK, np.uint8)
    return np.concatenate([piece for panel in panels for piece in (panel, gap)][:-1], axis=1)


def _outlined(frame: Frame, seen: Seen) -> NDArray[np.uint8]:
    small = shrunk(frame.pixels)
    scale = HEIGHT / max(small.shape[:2])
    size = max(1, round(small.shape[1] * scale)), max(1, round(small.shape[0] * scale))
    shown = np.asarray(cv2.resize(frame.pixels, size, interpolation=cv2.INTER_AREA), np.uint8).copy()
    draw_outlines(shown, seen)
    return _fitted(shown)


def draw_outlines(picture: NDArray[np.uint8], seen: Seen) -> None:
    """Draw the garment's outlines into a frame of any size: uint8 (H, W, 3) blue green red."""
    size = picture.shape[1], picture.shape[0]
    for mask, colour in zip(_outlines(seen), OUTLINES, strict=False):
        large = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        outlines, _ = cv2.findContours(large, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, outlines, -1, colour, 2)


def _outlines(seen: Seen) -> list[NDArray[np.bool_]]:
    """The garment's first mask, and the torso's."""
    if seen.garment is None:
        return []
    return [*seen.garment.masks[:1], *([] if seen.garment.torso is None else [seen.garment.torso])]


def first_views(seen: Seen) -> list[NDArray[np.uint8]]:
    """The first view of the whole, and the first of the torso: each uint8 (height, width, 3) blue green red."""
    shown = max(1, len(_outlines(seen)))
    return [_in_colours(one, seen.colour) for one in seen.pictures[:: max(1, len(seen.pictures) // shown)]]


def _in_colours(picture: NDArray[np.uint8], colour: Colour) -> NDArray[np.uint8]:
    """A network's input, uint8 (h, w) or (h, w, 3) in the channels of `colour`, as (h, w, 3) blue green red."""
    match colour:
        case Colour.GREY:
            return np.repeat(picture[..., np.newaxis], 3, axis=2)
        case Colour.RGB:
            return picture[..., ::-1]
        case Colour.BGR:
            return picture


def _heated(picture: NDArray[np.uint8], heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The picture, (h, w, 3), under the heat map: red where the answer rests, blue where hiding it would help.

    It is shown in grey, or its own colours would mix with the map's.
    """
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)
    most = max(float(np.abs(heat).max()), 1e-6)
    levels = (127.5 + 127.5 * heat / most).astype(np.uint8)
    colours = np.asarray(cv2.applyColorMap(levels, cv2.COLORMAP_TURBO), np.uint8)
    mixed = 0.45 * grey[..., np.newaxis] + 0.55 * colours
    return _scaled(mixed.astype(np.uint8))


def _scaled(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A view in colours, uint8 (height, width, 3), as large as fits: each pixel a square, or resized where it is large.

    Whole squares would leave much room of a view with more than a third of the sheet's height.
    """
    longest = max(picture.shape)
    scale = HEIGHT // longest
    if scale * longest == HEIGHT or scale > 2:
        return _fitted(picture.repeat(scale, axis=0).repeat(scale, axis=1))
    size = (max(1, HEIGHT * side // longest) for side in (picture.shape[1], picture.shape[0]))
    how = cv2.INTER_LINEAR if scale else cv2.INTER_AREA
    return _fitted(np.asarray(cv2.resize(np.ascontiguousarray(picture), tuple(size), interpolation=how), np.uint8))


def _text(prediction: Prediction) -> NDArray[np.uint8]:
    panel = np.full((HEIGHT, TEXT_WIDTH, 3), DARK, np.uint8)
    title = prediction.decision.replace("_", " ")
    if prediction.decision is Decision.GARMENT and prediction.best is not None:
        title = prediction.best.label
    _write(panel, title, 40, 0.9, WHITE)
    for row, one in enumerate(prediction.ranked[:3]):
        top = 80 + 50 * row
        cv2.rectangle(panel, (14, top + 8), (14 + round(300 * one.score), top + 18), (190, 140, 60), -1)
        _write(panel, f"{one.label}  {one.score:.1%}", top, 0.55, WHITE)
    if prediction.presence is not None:
        _write(panel, f"presence {prediction.presence:.2f}", 240, 0.5, GREY)
    for row, line in enumerate(_wrapped(prediction.hint or "", 40)):
        _write(panel, line, 270 + 20 * row, 0.45, GREY)
    return panel


def _write(panel: NDArray[np.uint8], text: str, baseline: int, size: float, colour: tuple[int, int, int]) -> None:
    plain = text.encode("ascii", "replace").decode()  # OpenCV's font has no other letters
    cv2.putText(panel, plain, (14, baseline), cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)


def _wrapped(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width)


def _fitted(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Centred in HEIGHT rows."""
    height, width = picture.shape[:2]
    panel = np.full((HEIGHT, width, 3), DARK, np.uint8)
    top = (HEIGHT - height) // 2
    panel[top : top + height] = picture[:HEIGHT]
    return panel
