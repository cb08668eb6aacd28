"""Settings of a training run. The command line reads their defaults without loading Keras."""

from __future__ import annotations

import math
import shlex
from dataclasses import asdict, dataclass
from typing import Any

from edge.errors import BadOption
from edge.spec import FASHION_MNIST_SIDE

LARGEST_SEED = 2**32 - 1  # NumPy's legacy generator, which Keras seeds too, takes 32 bits

EVALUATION_BATCH = 500
"""Pictures that are answered at a time; of large ones fewer, as `evaluation_batch` says."""

PIXELS_AT_A_TIME = 1 << 21
"""A backbone's first layers take a hundred times as many bytes and more."""

SIDES = (FASHION_MNIST_SIDE, 2 * FASHION_MNIST_SIDE)
"""Pixels a side that a network may see of a garment."""

PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
"""Keras' dtype policies: with bfloat16 the weights, their updates and the last layer stay in float32."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that decides the weights besides the data: two runs with the same settings are the same run.

    `validation_images` are held out of the training data, None: as many as edge.datasets.dataset.default_held_out says;
    `limit` trains on the first images of the rest only. Raises BadOption.
    """

    recipe: str
    epochs: int
    batch_size: int
    learning_rate: float
    seed: int
    validation_images: int | None
    limit: int | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise BadOption(f"expected a positive --learning-rate, got {self.learning_rate}")
        if not 0 <= self.seed <= LARGEST_SEED:
            raise BadOption(f"expected a --seed from 0 to {LARGEST_SEED}, got {self.seed}")
        for name in ("epochs", "batch_size", "limit"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise BadOption(f"expected a positive --{name.replace('_', '-')}, got {value}")

    @property
    def options(self) -> dict[str, Any]:
        """The settings by name, without the recipe's, as they are written into files."""
        return {name: value for name, value in asdict(self).items() if name != "recipe"}

    @property
    def command_name(self) -> str:
        """The command's name as it is typed, where it is not the recipe's."""
        return self.recipe

    @property
    def command(self) -> str:
        """The command that makes this run again; it names no folder, so it may travel in the model file."""
        words = [f"fmnist-train {self.command_name}"]
        for name, value in self.options.items():
            flag = f"--{name.replace('_', '-')}"
            for one in value if isinstance(value, tuple | list) else (value,):
                if one is True:
                    words.append(flag)
                elif one is not None and one is not False:
                    words.append(f"{flag} {shlex.quote(str(one))}")
        return " ".join(words)


def check_precision(name: str) -> None:
    """Raise BadOption for a --precision that there is not."""
    if name not in PRECISIONS:
        raise BadOption(f"there is no --precision {name}", f"one of {', '.join(PRECISIONS)}")


def evaluation_batch(shape: tuple[int, ...]) -> int:
    """How many inputs of this shape, without the batch's axis, a network answers at a time."""
    return max(1, min(EVALUATION_BATCH, PIXELS_AT_A_TIME // math.prod(shape[:2])))


def steps_per_epoch(settings: Settings, images: int) -> int:
    """Batches in an epoch of this many images, the last of which may be smaller."""
    return -(-images // settings.batch_size)
