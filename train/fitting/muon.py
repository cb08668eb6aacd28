"""Muon for convolutions: Keras' own orthogonalises the steps of matrices only."""

from __future__ import annotations

import math
from typing import Any

import keras


@keras.saving.register_keras_serializable("fmnist-edge")
class Muon(keras.optimizers.Muon):  # type: ignore[misc]
    """Keras' Muon, with the kernels of convolutions as matrices of (height * width * inputs, outputs).

    The momentum of a kernel is replaced by the nearest orthogonal matrix, by Newton and Schulz's iteration, so that
    no direction dominates a step; everything else (Dense, norms) is left to AdamW. Jordan et al. 2024,
    kellerjordan.github.io/posts/muon, whose networks for CIFAR-10 flatten kernels in this way.
    """

    def _should_use_adamw(self, variable: Any) -> bool:
        return len(variable.shape) != 4

    def _use_weight_decay(self, variable: Any) -> bool:
        return len(variable.shape) > 1  # kernels, not norms and biases; a checkpoint would forget a list of them

    def _muon_update_step(self, gradient: Any, variable: Any, lr: Any, m: Any) -> None:
        self.assign_add(m, gradient + m * (self.momentum - 1))
        direction = gradient + self.momentum * m if self.nesterov else m
        matrix = keras.ops.reshape(direction, (-1, variable.shape[-1]))
        step = self.zeropower_via_newtonschulz5(matrix, self.ns_steps)
        # Moonlight's factor (arxiv.org/abs/2502.16982): the step has the root mean square of AdamW's.
        factor = self.rms_rate * math.sqrt(max(matrix.shape))
        self.assign_sub(variable, keras.ops.reshape(step, variable.shape) * (lr * factor))
