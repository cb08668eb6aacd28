"""What a picture and its scores look like at the ends of a float model: sizes are read off the model."""

from __future__ import annotations

import math
from pathlib import Path

from edge.errors import FloatModelUnreadable

LEAST, LARGEST = 8, 512
"""Pixels a side: of a larger input, a thousand pictures in bytes take 1 GB."""

EXPECTED = f"(N, H, W), (N, H, W, 1), (N, H, W, 3), or a square's grey pixels in a row, {LEAST} to {LARGEST} a side"

_TYPES = {"FLOAT32": "float32", "float32": "float32", "UINT8": "uint8", "uint8": "uint8"}

Shape = tuple[int | None, ...]


def picture_shape(shape: Shape) -> tuple[int, int, int] | None:
    """Height, width and channels of the one picture that a shape without its batch stands for; None if of none.

    (H, W), (H, W, 1), (H, W, 3), or a square's grey pixels in a row.
    """
    match shape:
        case (int(height), int(width)) | (int(height), int(width), 1):
            return (height, width, 1) if height > 0 and width > 0 else None
        case (int(height), int(width), 3):
            return (height, width, 3) if height > 0 and width > 0 else None
        case (int(pixels),) if pixels > 0 and math.isqrt(pixels) ** 2 == pixels:
            return math.isqrt(pixels), math.isqrt(pixels), 1
        case _:
            return None


def takes_pictures(shape: Shape) -> bool:
    """Whether a shape without its batch stands for a picture of a size that is taken."""
    found = picture_shape(shape)
    return found is not None and min(found[:2]) >= LEAST and max(found[:2]) <= LARGEST


def hint_for(shape: Shape) -> str:
    """What to do about a shape without its batch that is not taken."""
    match shape:
        case (1 | 3, int(), int()):
            return "its channels come first, as PyTorch has them: export it with channels last, (N, H, W, 3)"
        case (_, _) | (_, _, _) if any(size in (None, -1) for size in shape):
            return "the size of its pictures is left open: build it with a fixed one, as keras.Input((180, 180, 3))"
        case (int(), int(), int(channels)) if channels not in (1, 3):
            return "pictures have one channel (grey) or three"
        case _:
            return f"train on pictures of {LEAST} to {LARGEST} pixels a side, grey or with three channels"


def check_picture(path: Path, shape: Shape, kind: str) -> None:
    """Check an input of any batch size (None or -1: open), in TFLite's or NumPy's name of its type.

    Raises FloatModelUnreadable.
    """
    if not takes_pictures(tuple(shape[1:])):
        raise FloatModelUnreadable(
            f"{path}: expected an input of one of the shapes {EXPECTED}, the model takes {shape}",
            hint_for(tuple(shape[1:])),
        )
    if shape[0] not in (None, -1, 1):
        raise FloatModelUnreadable(
            f"{path}: expected an open batch or one of 1, the model takes {shape}",
            "export it with the batch size left open",
        )
    if kind not in _TYPES:
        raise FloatModelUnreadable(
            f"{path}: expected a float32 or uint8 input, the model takes {kind}",
            "export it so that it takes float32 pixels, or bytes",
        )


def scores(labels: tuple[str, ...]) -> tuple[int, ...]:
    """How many scores a model of these labels may give: one each; of two labels one for the second is enough."""
    return (1, 2) if len(labels) == 2 else (len(labels),)


def check_labels(path: Path, shape: Shape, labels: tuple[str, ...]) -> None:
    """Check that the output, of any batch size, has a score for each label. Raises FloatModelUnreadable."""
    if len(shape) != 2 or shape[1] not in scores(labels):
        raise FloatModelUnreadable(
            f"{path}: expected one output for each of the {len(labels)} labels, shape (N, {len(labels)}), "
            f"the model gives {shape}",
            f"the data's labels are {listed(labels)}; other data is given with --data DIR",
        )


def check_same_labels(path: Path, own: tuple[str, ...], labels: tuple[str, ...]) -> None:
    """Check the labels that a file has against those of the data, in their order too. Raises FloatModelUnreadable."""
    if own == labels:
        return
    what = "another order of labels" if sorted(own) == sorted(labels) else "other labels"
    raise FloatModelUnreadable(
        f"{path} has {what} than the data: {listed(own)}; the data: {listed(labels)}",
        "give the data that it was trained on with --data DIR; its test pictures measure the accuracy",
    )


def listed(labels: tuple[str, ...]) -> str:
    """Labels for a message, as many as anyone reads."""
    text = ", ".join(labels)
    return text if len(text) <= 200 else f"{text[:200]}... ({len(labels):,} labels)"
