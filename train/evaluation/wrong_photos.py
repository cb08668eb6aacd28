"""The photos that a model gets wrong: as a list, and as sheets that show what the network saw of each."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from edge.errors import SourceError
from edge.frame import Decision
from edge.isolation.network_input import Seen, see
from edge.opencv import cv2
from edge.output.view_sheet import draw_outlines, first_views
from edge.printable import printable
from edge.sources.pictures import read_image
from edge.spec import ImageSpec
from train.evaluation.device_answers import DeviceAnswers
from train.evaluation.mistakes import percentage
from train.evaluation.plots import DPI, save
from train.fitting.run_folder import replacing

COLUMNS, ROWS = 5, 12
"""Of a page."""

BOX = 168
"""Pixels: the longer side of a photo, and six for each of the network's; three where it saw the torso, too."""

GAP, TEXT, TITLE = 16, 52, 44
"""Pixels: between tiles, below a tile's pictures, above the first row."""

GARMENTS_IN_GREY = ImageSpec()

TILE_WIDTH = 2 * BOX + 6
LETTERS = 46
"""So many fit below a tile."""


@dataclass(frozen=True, slots=True)
class WrongPhoto:
    """A row of wrong.csv: the file, the right labels, the best label, its score 0..1, and what the device says."""

    file: str
    truth: str
    answer: str
    score: float
    decision: str


def wrong_photos(answers: DeviceAnswers) -> list[WrongPhoto]:
    """The wrong ones, surest first.

    Wrong is a garment with another best label, whether the device shows it or calls it unknown; what is none of the
    classes and is shown as one; and, last, where the device sees nothing at all.
    """
    best, scores = answers.scores.argmax(axis=1), answers.scores.max(axis=1)
    accepted = np.array([decision is Decision.GARMENT for decision in answers.decisions], np.bool_)
    known = answers.classes.any(axis=1)
    wrong = np.flatnonzero(~answers.right & (known | accepted))
    found = [
        WrongPhoto(
            answers.paths[number],
            " or ".join(answers.labels[label] for label in np.flatnonzero(answers.classes[number])) or "none of these",
            answers.labels[best[number]],
            round(float(scores[number]), 4),
            str(answers.decisions[number]),
        )
        for number in wrong[np.argsort(-scores[wrong], kind="stable")]
    ]
    nothing = str(Decision.NO_GARMENT)
    return found + [WrongPhoto(path, Path(path).parts[0], "", 0.0, nothing) for path in answers.left_out]


def write_list(wrong: Sequence[WrongPhoto], path: Path) -> None:
    """Write wrong.csv, whole or not at all. Raises OutputFailed."""
    with (
        replacing(path) as partial,
        partial.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(field.name for field in fields(WrongPhoto))
        writer.writerows(astuple(one) for one in wrong)


def draw_wrong(
    wrong: Sequence[WrongPhoto], photos: Path, measured: int, folder: Path, image: ImageSpec = GARMENTS_IN_GREY
) -> list[Path]:
    """Draw `folder`/wrong.png, or wrong-1.png and so on, and remove those of earlier; give their paths.

    `photos` is the folder that the files lie in; `measured` says of how many these are the wrong ones. A photo that is
    gone by now has an empty place. `image` is what the network sees. Raises OutputFailed.
    """
    on_page = COLUMNS * ROWS
    pages = [wrong[first : first + on_page] for first in range(0, len(wrong), on_page)]
    numbers = [""] if len(pages) == 1 else [f"-{number}" for number in range(1, len(pages) + 1)]
    names = [folder / f"wrong{number}.png" for number in numbers]
    for number, (page, name) in enumerate(zip(pages, names, strict=True), 1):
        which = f"{len(wrong)} of {measured} photos are wrong" + (f", page {number} of {len(pages)}" * (len(pages) > 1))
        title = f"{which}; surest first: photo and outline, what the network saw, truth → answer and score"
        _draw_page(page, photos, title, name, image)
    for old in folder.glob("wrong*.png"):
        if old not in names and re.fullmatch(r"wrong(-\d+)?\.png", old.name):
            old.unlink(missing_ok=True)
    return names


def _draw_page(page: Sequence[WrongPhoto], photos: Path, title: str, path: Path, image: ImageSpec) -> None:
    rows, columns = -(-len(page) // COLUMNS), COLUMNS
    height = TITLE + rows * (BOX + TEXT)
    canvas = np.full((height, GAP + columns * (TILE_WIDTH + GAP), 3), 255, np.uint8)
    figure = Figure(figsize=(canvas.shape[1] / DPI, height / DPI))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.text(GAP, TITLE / 2, title, fontsize=10, va="center", parse_math=False)
    for place, one in enumerate(page):
        top, left = TITLE + place // columns * (BOX + TEXT), GAP + place % columns * (TILE_WIDTH + GAP)
        canvas[top : top + BOX, left : left + TILE_WIDTH] = tile(photos / one.file, image)
        axes.text(left, top + BOX + 12, _short(_answer(one)), fontsize=8, va="center", parse_math=False)
        name = _short(one.file, from_end=True)
        axes.text(left, top + BOX + 29, name, fontsize=6.5, va="center", color="#666666", parse_math=False)
    axes.imshow(canvas, interpolation="nearest", extent=(0, canvas.shape[1], height, 0), aspect="auto")
    save(figure, path)


def tile(photo: Path, image: ImageSpec = GARMENTS_IN_GREY) -> NDArray[np.uint8]:
    """A photo with the garment's outlines, and beside it what the network saw: uint8 (168, 342, 3) RGB."""
    result = np.full((BOX, TILE_WIDTH, 3), 255, np.uint8)
    try:
        pixels = read_image(photo)
    except SourceError:
        return result
    seen = see(pixels, image, 1)
    small = _outlined(pixels, seen)
    height, width = small.shape[:2]
    result[(BOX - height) // 2 :, (BOX - width) // 2 :][:height, :width] = small[..., ::-1]
    views = first_views(seen) if len(seen.pictures) else []
    for number, view in enumerate(views):
        large = _enlarged(view, BOX // len(views))
        top = number * (BOX // 2)
        result[top : top + large.shape[0], BOX + 6 : BOX + 6 + large.shape[1]] = large[..., ::-1]
    return result


def _enlarged(view: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """What the network saw, uint8 (h, w, 3), at most `side` high and wide: pixels repeated, or a larger one shrunk."""
    scale = side // max(view.shape[:2])
    if scale:
        large = view.repeat(scale, axis=0).repeat(scale, axis=1)
    else:
        height, width = (max(1, side * length // max(view.shape[:2])) for length in view.shape[:2])
        large = np.asarray(cv2.resize(view, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return large


def _outlined(pixels: NDArray[np.uint8], seen: Seen) -> NDArray[np.uint8]:
    scale = BOX / max(pixels.shape[:2])
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8).copy()
    draw_outlines(small, seen)
    return small


def _answer(one: WrongPhoto) -> str:
    if not one.answer:
        return f"{one.truth} → nothing found"
    refused = "" if one.decision == Decision.GARMENT else f" ({one.decision.replace('_', ' ')})"
    # Of several right labels the folder's name is shorter.
    truth = one.truth if " or " not in one.truth else Path(one.file).parts[0]
    return f"{truth} → {one.answer} {percentage(one.score)}{refused}"


def _short(text: str, *, from_end: bool = False) -> str:
    text = printable(text)
    if len(text) <= LETTERS:
        return text
    return f"…{text[1 - LETTERS :]}" if from_end else f"{text[: LETTERS - 1]}…"
