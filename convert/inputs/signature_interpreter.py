"""A SavedModel's signature behind edge's Interpreter protocol, so that float and int8 run the same classifier code."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.spec import TensorSpec


class SignatureInterpreter:
    """A function of one tensor as an Interpreter: float32 or uint8 in, float32 out, both with scale 0."""

    def __init__(self, function: Any, given: Any, classes: int) -> None:
        import tensorflow as tf

        self.name = f"tensorflow {tf.__version__}"
        self.input = TensorSpec((1, *given.shape[1:]), np.dtype(given.dtype.as_numpy_dtype), scale=0.0, zero_point=0)
        self.output = TensorSpec((1, classes), np.dtype(np.float32), scale=0.0, zero_point=0)
        self._function = function
        self._one_by_one = given.shape[0] == 1

    def run(self, batch: NDArray[Any]) -> NDArray[Any]:
        """Outputs float32 (N, classes) of inputs (N, *input.shape[1:]) in the input's type."""
        if batch.shape[1:] != self.input.shape[1:] or batch.dtype != self.input.dtype:
            raise ValueError(
                f"expected {self.input.dtype} (N, {self.input.shape[1:]}), got {batch.dtype} {batch.shape}"
            )
        parts = [batch[number : number + 1] for number in range(len(batch))] if self._one_by_one else [batch]
        return np.concatenate([answers(self._function, part) for part in parts])


def answers(function: Any, batch: NDArray[Any]) -> NDArray[np.float32]:
    """Scores float32 (N, classes) of a signature, or another concrete function of one tensor, to inputs (N, ...)."""
    import tensorflow as tf

    scores = call(function, tf.constant(batch, function.inputs[0].dtype))
    return np.asarray(tf.cast(scores, tf.float32))


def call(function: Any, pixels: Any) -> Any:
    """The one result of a concrete function of one tensor.

    A signature takes its input by name and gives a dictionary. Other functions take and give a tensor.
    """
    _, by_name = function.structured_input_signature or ((), {})
    name = next(iter(by_name), None)
    result = function(pixels) if name is None else function(**{name: pixels})
    return next(iter(result.values())) if isinstance(result, dict) else result
