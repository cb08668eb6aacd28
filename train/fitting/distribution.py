"""Several processes train one model: each takes its share of every batch, and JAX adds up what they learn.

Keras does the work (keras.distribution.DataParallel over jax.distributed). TensorFlow's MultiWorkerMirroredStrategy
does not take Keras 3 models (docs/train.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.errors import BadOption, TrainingFailed

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Share:
    """Process `number`, from 0, of so many; `coordinator` is where process 0 listens, HOST:PORT."""

    number: int = 0
    processes: int = 1
    coordinator: str = ""

    def rows(self, array: NDArray[Any], batch_size: int) -> NDArray[Any]:
        """What this process has of every batch: (N, ...) -> (N / processes, ...).

        Of a last, smaller batch up to processes - 1 rows are left out, so that all have as many.
        """
        if self.processes == 1:
            return array
        whole = len(array) // batch_size * batch_size
        of_each, of_last = batch_size // self.processes, (len(array) - whole) // self.processes
        starts = np.arange(0, whole, batch_size)[:, np.newaxis] + self.number * of_each
        last = whole + self.number * of_last + np.arange(of_last)
        rows: NDArray[Any] = array[np.concatenate([(starts + np.arange(of_each)).ravel(), last])]
        return rows

    def batch(self, batch_size: int) -> int:
        """How many of a batch's pictures this process takes. Raises TrainingFailed where they cannot be shared."""
        if batch_size % self.processes:
            raise TrainingFailed(
                f"a batch of {batch_size} is not to be shared by {self.processes} processes",
                f"--batch-size {batch_size // self.processes * self.processes or self.processes}",
            )
        return batch_size // self.processes


ALONE = Share()


def parse_share(text: str) -> Share:
    """The share of `0/2@HOST:PORT`. Raises BadOption."""
    found = re.fullmatch(r"(\d{1,4})/(\d{1,4})@(.+:\d{1,5})", text, re.ASCII)
    if found is None or int(found[1]) >= int(found[2]):
        raise BadOption(f"--distribute {text} is not understood", "0/2@HOST:PORT, and 1/2@HOST:PORT for the other one")
    return Share(int(found[1]), int(found[2]), found[3])


def join(share: Share) -> None:
    """Wait for the other processes. Call it before anything is computed. Raises TrainingFailed."""
    import keras

    if keras.backend.backend() != "jax":
        raise TrainingFailed("--distribute is for JAX", "KERAS_BACKEND=jax fmnist-train edge --distribute ...")
    try:
        keras.distribution.initialize(share.coordinator, share.processes, share.number)
    except (RuntimeError, ValueError) as error:
        raise TrainingFailed(
            f"the processes do not meet at {share.coordinator}: {error}", "start all of them"
        ) from error


@contextmanager
def distributed(share: Share) -> Iterator[None]:
    """Within it, models that are built and fitted belong to all processes."""
    if share.processes == 1:
        yield
        return
    import keras

    keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
    try:
        yield
    finally:
        keras.distribution.set_distribution(None)
