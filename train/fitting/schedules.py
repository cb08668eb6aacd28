"""The learning rate schedule, and the averaging of weights."""

from __future__ import annotations

from typing import Any

import keras


def cosine(peak: float, steps: int, warm_up_steps: int) -> Any:
    """A rate that rises in a line from a tenth of `peak` to `peak`, then falls along a cosine to nothing at `steps`.

    Loshchilov and Hutter 2017, arxiv.org/abs/1608.03983, without restarts. The optimizer's count of steps is the
    time, so a checkpoint goes on where it was. A warm-up longer than half of the training is cut to that.
    """
    warm_up = min(warm_up_steps, steps // 2)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=peak / 10, warmup_target=peak, warmup_steps=warm_up, decay_steps=steps - warm_up
    )


def averaging(momentum: float, steps: int) -> dict[str, Any]:
    """Options of a Keras optimizer that averages the weights exponentially; `momentum` 0 for none.

    Keras's average starts at the first weights, and a long memory would never forget them in a training of few
    steps: the memory is at most a tenth of the training.
    """
    memory = min(momentum, max(0.0, 1 - 10 / steps))
    return {"use_ema": memory > 0, "ema_momentum": memory}
