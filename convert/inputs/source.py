"""A float model, whatever kind of file it is in: a Keras file, a SavedModel, or a float .tflite."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from convert.inputs.training_record import TrainingRecord
from convert.settings import Format
from edge.inference.interpreters import Interpreter
from edge.spec import ImageSpec

INPUT_NAME = "pixels"
"""What an exported SavedModel calls its only input."""

Export = Callable[[Path], None]
"""Writes a SavedModel whose only signature takes exactly one picture, as float32."""


class Source(Protocol):
    """A loaded float model whose shapes have been checked: `input_shape` is without the batch.

    `interpreter` runs it as it is, for the reference. It is converted through `export`, or as the `flatbuffer` that is
    ready for calibration; one of them may be None. `record` is what training wrote into the file, if it was ours.
    """

    @property
    def path(self) -> Path:
        """Where it was read from: a file, or a SavedModel's folder."""
        ...

    @property
    def format(self) -> Format:
        """The file format."""
        ...

    @property
    def record(self) -> TrainingRecord | None:
        """How it was trained, None for a model of other origin."""
        ...

    @property
    def image(self) -> ImageSpec | None:
        """The pictures that it was trained on, None where the file does not say."""
        ...

    @property
    def sha256(self) -> str:
        """Of the file, or of all files of the folder with their names."""
        ...

    @property
    def size_bytes(self) -> int:
        """Of the file or of all files of the folder."""
        ...

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of one picture."""
        ...

    @property
    def kernel_weights(self) -> int:
        """Number of weights in kernels: all with two or more dimensions, which quantisation cannot fold away."""
        ...

    @property
    def interpreter(self) -> Interpreter:
        """The float model, in batches of any size."""
        ...

    @property
    def takes_bytes(self) -> bool:
        """Whether its input is uint8, which leaves no question of the pixel range."""
        ...

    @property
    def export(self) -> Export | None:
        """How to write it as a SavedModel."""
        ...

    @property
    def flatbuffer(self) -> bytes | None:
        """The float model as convert.inputs.float_graph prepares it."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What was changed on reading it, for the report."""
        ...
