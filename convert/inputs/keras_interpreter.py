"""A Keras model behind edge's Interpreter protocol, so that float and int8 run the same classifier code."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.spec import TensorSpec


class KerasInterpreter:
    """A Keras model as an edge.inference.interpreters.Interpreter: float32 tensors with scale 0."""

    def __init__(self, model: Any) -> None:
        import keras

        self.name = f"keras {keras.__version__}"
        self.input = _float_spec(model.inputs[0])
        self.output = _float_spec(model.outputs[0])
        self._model = model

    def run(self, batch: NDArray[Any]) -> NDArray[Any]:
        """Outputs float32 (N, classes) of inputs float32 (N, *input.shape[1:])."""
        if batch.shape[1:] != self.input.shape[1:] or batch.dtype != np.float32:
            raise ValueError(f"expected float32 (N, {self.input.shape[1:]}), got {batch.dtype} {batch.shape}")
        return np.asarray(self._model.predict_on_batch(batch), np.float32)


def _float_spec(tensor: Any) -> TensorSpec:
    return TensorSpec((1, *tensor.shape[1:]), np.dtype(np.float32), scale=0.0, zero_point=0)
