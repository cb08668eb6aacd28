"""Pictures as a float model gets them, made a few at a time: a thousand of 512x512x3 would take 3 GB in float32."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.isolation.network_input import fit_pictures
from edge.spec import ImageSpec


class Inputs(Protocol):
    """Inputs of a model, (N, *input shape), of which a part is asked for at a time. An array is such, too."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> NDArray[Any]: ...


@dataclass(frozen=True, slots=True, eq=False)
class Mapped:
    """Other inputs with a function applied to each part."""

    given: Inputs
    function: Callable[[NDArray[Any]], NDArray[Any]]

    def __len__(self) -> int:
        return len(self.given)

    def __getitem__(self, part: slice, /) -> NDArray[Any]:
        return self.function(self.given[part])


def model_inputs(pictures: NDArray[np.uint8], image: ImageSpec, input_shape: tuple[int, ...]) -> Inputs:
    """Pictures uint8 (N, *image.shape), or what fits it, as float32 (N, *input_shape) in the model's pixel range."""
    return Mapped(pictures, lambda part: image.normalise(fit_pictures(part, image)).reshape(-1, *input_shape))
