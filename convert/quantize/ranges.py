"""Rules that turn the statistics of each activation into the range that int8 covers.

min-max             least and greatest value of all pictures
mean                mean over pictures of their least and of their greatest values
moving-average      the same, averaged exponentially (0.95), as in training (Jacob et al. 2018, arXiv:1712.05877)
percentile-99.99    all but the outermost 0.01 % of the values on either side; percentile-99.9 likewise
mse                 the clipping with the least mean squared error (Banner et al. 2019, arXiv:1810.05723), by search

Which is best differs from network to network by whole points of accuracy, and more pictures can be worse:
convert/quantize/search.py measures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from convert.settings import Rule

Floats = NDArray[np.float32]

BINS = 512
STEPS = 255
"""int8 has 256 values, 255 steps between them."""

_DECAY = 0.95
_CLIPS = np.linspace(0.3, 1.0, 36)


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """Statistics of T activations on N pictures: float32 (N, T) extremes and (N, T, BINS) counts of values.

    The bins of an activation are of equal width, from the least value of all pictures to the greatest.
    """

    least: Floats
    greatest: Floats
    counts: NDArray[np.uint32]
    _cache: dict[tuple[Rule, int], Floats] = field(default_factory=dict)

    def __len__(self) -> int:
        """N."""
        return len(self.least)

    def ranges(self, rule: Rule, pictures: int) -> Floats:
        """Ranges float32 (T, 2) by a rule, from the first `pictures`; each holds 0, as int8 must."""
        if (rule, pictures) not in self._cache:
            found = self._ranges(rule, min(pictures, len(self)))
            self._cache[rule, pictures] = np.stack(
                [np.minimum(found[:, 0], 0), np.maximum(found[:, 1], 0)], axis=1
            ).astype(np.float32)
        return self._cache[rule, pictures]

    def _ranges(self, rule: Rule, pictures: int) -> Floats:
        least, greatest = self.least[:pictures], self.greatest[:pictures]
        match rule:
            case Rule.MIN_MAX:
                return np.stack([least.min(axis=0), greatest.max(axis=0)], axis=1)
            case Rule.MEAN:
                return np.stack([least.mean(axis=0), greatest.mean(axis=0)], axis=1)
            case Rule.MOVING_AVERAGE:
                return np.stack([_moving_average(least), _moving_average(greatest)], axis=1)
            case Rule.PERCENTILE_99_9:
                return self._percentile(pictures, 0.001)
            case Rule.PERCENTILE_99_99:
                return self._percentile(pictures, 0.0001)
            case Rule.MSE:
                return self._least_error(pictures)

    def _edges(self) -> NDArray[np.float64]:
        """Borders of the bins, (T, BINS + 1)."""
        return np.linspace(self.least.min(axis=0), self.greatest.max(axis=0), BINS + 1, axis=1)

    def _percentile(self, pictures: int, outside: float) -> Floats:
        counts = self.counts[:pictures].sum(axis=0, dtype=np.int64)
        below = np.cumsum(counts, axis=1)
        total = below[:, -1:]
        # The first bin that the share reaches, and the last one from above: the outer borders of both are kept.
        first = np.argmax(below > outside * total, axis=1)
        last = BINS - 1 - np.argmax((np.cumsum(counts[:, ::-1], axis=1) > outside * total), axis=1)
        edges = self._edges()
        rows = np.arange(len(edges))
        return np.stack([edges[rows, first], edges[rows, last + 1]], axis=1).astype(np.float32)

    def _least_error(self, pictures: int) -> Floats:
        """Clip the upper end, then the lower one, by the factor that makes the least error."""
        counts = self.counts[:pictures].sum(axis=0, dtype=np.int64)
        edges = self._edges()
        middles = (edges[:, :-1] + edges[:, 1:]) / 2
        low = np.minimum(self.least[:pictures].min(axis=0), 0)
        high = np.maximum(self.greatest[:pictures].max(axis=0), 0)
        top = _best_clip(lambda clip: _squared_error(counts, middles, low, clip * high))
        bottom = _best_clip(lambda clip: _squared_error(counts, middles, clip * low, top * high))
        return np.stack([bottom * low, top * high], axis=1).astype(np.float32)


def _best_clip(error: Callable[[float], NDArray[np.float64]]) -> NDArray[np.float64]:
    """The factor for each activation, (T,), with the least of its errors (T,)."""
    return np.asarray(_CLIPS[np.argmin([error(clip) for clip in _CLIPS], axis=0)])


def _squared_error(
    counts: NDArray[np.int64], middles: NDArray[np.float64], low: Floats, high: Floats
) -> NDArray[np.float64]:
    """Of all values of each activation, (T,): what is clipped away, and the rounding of a value within a step."""
    bottom, top = low[:, np.newaxis], high[:, np.newaxis]
    clipped = middles - np.clip(middles, bottom, top)
    rounding = ((top - bottom) / STEPS) ** 2 / 12
    return np.asarray((counts * (clipped**2 + rounding)).sum(axis=1))


def _moving_average(values: Floats) -> Floats:
    """The exponential average over the pictures, (N, T) -> (T,), from the first picture's values on."""
    average = values[0].astype(np.float64)
    for row in values[1:]:
        average = _DECAY * average + (1 - _DECAY) * row
    return np.asarray(average, np.float32)
