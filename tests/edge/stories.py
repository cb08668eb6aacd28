"""Predictions and frames as a video gives them, written as a word: a letter a frame."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from edge.frame import Decision, Frame, LabelScore, Prediction

LABELS = "ABCD"
UNSPENT = {"read": 0.0, "preprocess": 0.0, "invoke": 0.0}


def prediction(letter: str, number: int = 0, source: str = "clip", score: float = 0.91) -> Prediction:
    """`A` to `D` a garment, `?` unknown with A a little ahead, `.` an empty table."""
    if letter == ".":
        return Prediction(source, number, Decision.NO_GARMENT, (), UNSPENT, hint="put a garment there")
    if letter == "?":
        ranked = tuple(LabelScore(label, one) for label, one in zip(LABELS, (0.3, 0.25, 0.25, 0.2), strict=True))
        return Prediction(source, number, Decision.UNKNOWN, ranked, UNSPENT, hint="not sure")
    rest = (1 - score) / 3
    ranked = (LabelScore(letter, score), *(LabelScore(label, rest) for label in LABELS if label != letter))
    return Prediction(source, number, Decision.GARMENT, ranked, UNSPENT)


def predictions(word: str, source: str = "clip") -> list[Prediction]:
    return [prediction(letter, number, source) for number, letter in enumerate(word)]


def word(story: Iterable[Prediction]) -> str:
    """The letters that say what predictions say."""
    signs = {Decision.NO_GARMENT: ".", Decision.UNKNOWN: "?"}
    return "".join(signs.get(one.decision) or (one.best.label if one.best else "!") for one in story)


def frame(
    shade: int, number: int = 0, at_s: float = 0.0, *, source: str = "clip", live: bool = False, size: int = 96
) -> Frame:
    """A frame of one shade of grey."""
    return Frame(np.full((size, size, 3), shade, np.uint8), source, number, at_s, 0.0, is_live=live)
