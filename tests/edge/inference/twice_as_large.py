"""A bundled model behind an input of 56 x 56, without TensorFlow: on a repeated picture it answers as ever."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from edge.inference.classifier import Classifier
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import Model
from edge.spec import ImageSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGE = ImageSpec(56, 56)


class TwiceAsLarge:
    """Takes raw inputs (N, 56, 56) and gives the network within every second pixel of every second row."""

    def __init__(self, model: Model) -> None:
        self._inner = open_interpreter(model)
        self.name, self.output = self._inner.name, self._inner.output
        self.input = replace(self._inner.input, shape=(1, LARGE.height, LARGE.width))

    def run(self, batch: NDArray[Any]) -> NDArray[Any]:
        """Raw outputs."""
        assert batch.shape[1:] == (LARGE.height, LARGE.width)
        return self._inner.run(batch[:, ::2, ::2])


def twice_as_large(model: Model, views: int = 6) -> Classifier:
    """A classifier of pictures of 56 x 56."""
    return Classifier(
        TwiceAsLarge(model), model.labels, LARGE, model.gives_logits, model.score_calibration, views, model.sha256
    )
