"""Compare what a rewritten graph answers with what the original does, on pictures made for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Answer = Callable[[NDArray[Any]], NDArray[Any]]
"""Scores (N, classes) of inputs (N, *input shape), for N as the model takes it."""

PICTURES = 6
SAME = 1e-3
"""Largest difference of two float32 computations in another order, as a share of the largest score."""

SIMILAR = 0.1
"""The same for half precision, whose numbers have 8 to 11 bits: a network of many layers loses several."""

_SIMILAR_SHARE = 0.8
"""Share of the pictures on which half precision has to agree: where two scores are equal it may choose the other."""


def probe_pictures(shape: tuple[int, ...], kind: Any, count: int = PICTURES) -> NDArray[Any]:
    """Random pictures (count, *shape) of a type: floats alternate between 0..1 and 0..255, bytes are 0..255."""
    pictures = np.random.default_rng(0).uniform(0, 255, (count, *shape))
    if np.dtype(kind).kind == "f":
        pictures[::2] /= 255
    return pictures.astype(kind)


def agree(one: NDArray[Any], other: NDArray[Any], tolerance: float = SAME) -> bool:
    """Whether scores (N, classes) are alike: SAME on all pictures, or SIMILAR on most.

    Pictures on which `one` is not finite do not count: half precision overflows on pixels of a range that it is not
    meant for. At least one has to be finite.
    """
    one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
    if one.shape != other.shape:
        return False
    usable = np.isfinite(one).all(axis=1)
    apart = np.abs(one - other).max(axis=1)[usable]
    alike = apart <= tolerance * np.abs(one).max(axis=1)[usable]
    needed = _SIMILAR_SHARE if tolerance == SIMILAR else 1.0
    return bool(usable.any() and alike.mean() >= needed)


def one_by_one(answer: Answer, pictures: NDArray[Any]) -> NDArray[Any]:
    """Scores of pictures that are given one at a time."""
    return np.concatenate([answer(pictures[number : number + 1]) for number in range(len(pictures))])
