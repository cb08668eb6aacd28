"""What a picture and its scores look like at the ends of a float model that is no Keras file."""

from __future__ import annotations

from pathlib import Path

from edge.errors import FloatModelUnreadable

SIDE = 28
PICTURES = ((SIDE, SIDE), (SIDE, SIDE, 1), (SIDE * SIDE,))
_TYPES = {"FLOAT32": "float32", "float32": "float32", "UINT8": "uint8", "uint8": "uint8"}


def check_picture(path: Path, shape: tuple[int | None, ...], kind: str) -> None:
    """Check an input of any batch size (None or -1: open), in TFLite's or NumPy's name of its type.

    Raises FloatModelUnreadable.
    """
    if tuple(shape[1:]) not in PICTURES:
        expected = ", ".join(f"(N, {', '.join(map(str, one))})" for one in PICTURES)
        raise FloatModelUnreadable(
            f"{path}: expected an input of one of the shapes {expected}, the model takes {shape}",
            "give a classifier of grey 28x28 pictures",
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
