"""What a picture and its scores look like at the ends of a float model: sizes are read off the model."""

from __future__ import annotations

import math
from pathlib import Path

from edge.errors import FloatModelUnreadable
from edge.spec import FASHION_MNIST_SIDE, ImageSpec

LARGEST = 512
"""Pixels a side: of a larger input a thousand pictures in float32, on which the pixel range is measured, take 1 GB."""

EXPECTED = "(N, 28, 28), (N, 28, 28, 1), (N, 784), or the same of 56x56, 84x84 ... 504x504 pixels"
HINT = "train on grey 28x28 pictures, or on these enlarged by repeating their pixels"

_TYPES = {"FLOAT32": "float32", "float32": "float32", "UINT8": "uint8", "uint8": "uint8"}


def picture_size(shape: tuple[int | None, ...]) -> tuple[int, int] | None:
    """Height and width of the one grey picture that a shape without its batch stands for; None if it stands for none.

    (H, W), (H, W, 1), or a square's pixels in a row.
    """
    match shape:
        case (int(height), int(width)) | (int(height), int(width), 1):
            return (height, width) if height > 0 and width > 0 else None
        case (int(pixels),) if pixels > 0 and math.isqrt(pixels) ** 2 == pixels:
            return math.isqrt(pixels), math.isqrt(pixels)
        case _:
            return None


def takes_the_data(shape: tuple[int | None, ...]) -> bool:
    """Whether Fashion-MNIST's pictures, enlarged by repeating pixels if need be, fit a shape without its batch."""
    size = picture_size(shape)
    return (
        size is not None
        and max(size) <= LARGEST
        and ImageSpec(*size).repeats(FASHION_MNIST_SIDE, FASHION_MNIST_SIDE) > 0
    )


def check_picture(path: Path, shape: tuple[int | None, ...], kind: str) -> None:
    """Check an input of any batch size (None or -1: open), in TFLite's or NumPy's name of its type.

    Raises FloatModelUnreadable.
    """
    if not takes_the_data(tuple(shape[1:])):
        raise FloatModelUnreadable(
            f"{path}: expected an input of one of the shapes {EXPECTED}, the model takes {shape}", HINT
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


def check_labels(path: Path, shape: tuple[int | None, ...], labels: tuple[str, ...]) -> None:
    """Check that the output, of any batch size, has a score for each label. Raises FloatModelUnreadable."""
    if len(shape) != 2 or shape[1] != len(labels):
        raise FloatModelUnreadable(
            f"{path}: expected one output for each of the {len(labels)} labels, shape (N, {len(labels)}), "
            f"the model gives {shape}",
            f"the data's labels are {', '.join(labels)[:200]}; other data is given with --data DIR",
        )
