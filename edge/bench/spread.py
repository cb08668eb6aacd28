"""Sums up repeated measurements: percentiles, how much rounds differ, and what a share of right answers is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Z95, Z999 = 1.959964, 3.290527
"""Standard normal quantiles of intervals of 95 and of 99.9 %."""


@dataclass(frozen=True, slots=True)
class Percentiles:
    """The middle of many values, and their slow end; interpolated between neighbours, as numpy.percentile does."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class Repeated:
    """The median of a few rounds, and their median absolute deviation from it."""

    median: float
    mad: float

    @property
    def noise(self) -> float:
        """The deviation as a share of the median."""
        return self.mad / self.median if self.median else 0.0


def percentiles(values: Sequence[float]) -> Percentiles:
    """Percentiles of one value or more. Raises ValueError for none."""
    if not values:
        raise ValueError("percentiles of nothing")
    p50, p95, p99 = np.percentile(np.asarray(values, np.float64), (50, 95, 99)).tolist()
    return Percentiles(round(p50, 4), round(p95, 4), round(p99, 4))


def repeated(values: Sequence[float]) -> Repeated:
    """Median and median absolute deviation of one value or more. Raises ValueError for none."""
    if not values:
        raise ValueError("the median of nothing")
    found = np.asarray(values, np.float64)
    median = float(np.median(found))
    return Repeated(round(median, 4), round(float(np.median(np.abs(found - median))), 4))


def wilson_interval(right: int, of: int, z: float = Z95) -> tuple[float, float]:
    """The confidence interval of a share, 0..1, 95 % if no `z` is given (Wilson, J. Am. Stat. Assoc. 22, 1927)."""
    share = right / of
    widened = 1 + z**2 / of
    centre = (share + z**2 / (2 * of)) / widened
    reach = z / widened * (share * (1 - share) / of + z**2 / (4 * of**2)) ** 0.5
    return max(0.0, centre - reach), min(1.0, centre + reach)
