"""Fakes that ship with the package and obey the same contract tests as the real ones."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.frame import Frame, Prediction
from edge.opencv import cv2
from edge.spec import TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SHIRT = (
    (9, 4),
    (12, 6),
    (16, 6),
    (19, 4),
    (27, 10),
    (23, 14),
    (20, 12),
    (20, 26),
    (8, 26),
    (8, 12),
    (5, 14),
    (1, 10),
)
"""Corners of a T-shirt on a 28 x 28 grid, (x, y)."""


class FakeSource:
    """A camera's test pattern: a dark T-shirt that drifts over a light ground, 640 x 480; endless or `frames` long.

    `fps` frames come in a second, as from a camera; without it, as fast as they are drawn.
    """

    def __init__(self, frames: int | None = None, fps: float | None = None) -> None:
        self._frames = frames
        self._interval_s = 1 / fps if fps else 0.0

    def __iter__(self) -> Iterator[Frame]:
        due_s = time.monotonic()
        for index in count():
            if index == self._frames:
                return
            began = time.monotonic()
            time.sleep(max(0.0, due_s - began))
            due_s = max(due_s, began) + self._interval_s
            pixels = self.draw(index)
            now = time.monotonic()
            yield Frame(pixels, "fake:", index, now, (now - began) * 1e3)

    def __enter__(self) -> FakeSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing was opened."""

    @staticmethod
    def draw(index: int) -> NDArray[np.uint8]:
        """Frame number `index`: uint8 (480, 640, 3), the same on every machine."""
        pixels = np.full((480, 640, 3), 225, np.uint8)
        left = 100 + 4 * abs(index % 20 - 10)
        corners = np.array([(left + 15 * x, 30 + 15 * y) for x, y in _SHIRT], np.int32)
        cv2.fillPoly(pixels, [corners], (60, 45, 40))
        return pixels


class FakeInterpreter:
    """An interpreter without a runtime: its scores are a linear function of the picture's bytes, and repeat exactly."""

    name = "fake"

    def __init__(self, input_spec: TensorSpec, output_spec: TensorSpec) -> None:
        self.input = input_spec
        self.output = output_spec
        values = int(np.prod(input_spec.shape[1:]))
        classes = int(np.prod(output_spec.shape[1:]))
        self._weights = np.random.default_rng(0).standard_normal((values, classes)).astype(np.float32)

    def run(self, batch: NDArray[Any]) -> NDArray[Any]:
        """Raw outputs of a batch of raw inputs, as edge.inference.interpreters.Interpreter has it."""
        expected = self.input.shape[1:]
        if batch.shape[1:] != expected or batch.dtype != self.input.dtype:
            raise ValueError(f"expected {self.input.dtype} (N, {expected}), got {batch.dtype} {batch.shape}")
        logits = self.input.decode(batch).reshape(len(batch), -1) @ self._weights / 1000
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
        return self.output.encode(probabilities.astype(np.float32)).reshape(len(batch), *self.output.shape[1:])


class ListSink:
    """A sink that keeps its predictions in a list."""

    def __init__(self) -> None:
        self.predictions: list[Prediction] = []

    def write(self, prediction: Prediction) -> None:
        """Keep one prediction."""
        self.predictions.append(prediction)
