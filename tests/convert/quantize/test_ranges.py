"""Each rule on activations whose right range can be said beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from convert.quantize.ranges import BINS, Statistics
from convert.settings import Rule


def statistics(*activations: np.ndarray) -> Statistics:
    """Statistics of T activations, each float (N, values)."""
    least, greatest = (
        np.stack([edge(values, axis=1) for values in activations], axis=1).astype(np.float32)
        for edge in (np.min, np.max)
    )
    counts = np.empty((len(least), len(activations), BINS), np.uint32)
    for tensor, values in enumerate(activations):
        limits = (values.min(), values.max())
        for number, one in enumerate(values):
            counts[number, tensor] = np.histogram(one, BINS, limits)[0]
    return Statistics(least, greatest, counts)


@pytest.fixture
def normal() -> np.ndarray:
    """100 pictures of 1,000 values each; one value of one picture is far out."""
    values = np.random.default_rng(0).normal(size=(100, 1000))
    values[37, 5] = 50
    return values


@pytest.mark.parametrize(
    ("rule", "low", "high"),
    [
        (Rule.MIN_MAX, (-5, -3.5), (50, 50)),
        (Rule.MEAN, (-3.4, -3.0), (3.4, 4.0)),  # the one of 50 adds 0.47
        (Rule.MOVING_AVERAGE, (-3.6, -3.0), (3.0, 4.0)),
        (Rule.PERCENTILE_99_99, (-4.3, -3.4), (3.4, 4.3)),
        (Rule.PERCENTILE_99_9, (-3.3, -2.9), (2.9, 3.3)),
        (Rule.MSE, (-5, -1.0), (42, 45)),  # the least of (50 - c)^2 / 1e5 + ((c + 4) / 255)^2 / 12
    ],
)
def test_a_rule_follows_or_ignores_one_value_far_out(
    normal: np.ndarray, rule: Rule, low: tuple[float, float], high: tuple[float, float]
) -> None:
    ((bottom, top),) = statistics(normal).ranges(rule, 100)
    assert low[0] <= bottom <= low[1]
    assert high[0] <= top <= high[1]


@pytest.mark.parametrize("rule", list(Rule))
def test_every_range_holds_zero_and_is_as_wide_as_its_activation(rule: Rule) -> None:
    """Values all above 5, all below -5, and 10,000 times as large: each activation has its own bins."""
    values = np.random.default_rng(1).uniform(5, 6, (20, 500))
    ranges = statistics(values, -values, 1e4 * values).ranges(rule, 20)
    np.testing.assert_array_equal(ranges[:, 0] <= 0, True)
    np.testing.assert_array_equal(ranges[:, 1] >= 0, True)
    assert ranges[0, 1] == pytest.approx(6, rel=0.02)
    assert ranges[1, 0] == pytest.approx(-6, rel=0.02)
    np.testing.assert_allclose(ranges[2], 1e4 * ranges[0], rtol=1e-3)


@pytest.mark.parametrize("rule", list(Rule))
def test_fewer_pictures_are_the_first_ones(normal: np.ndarray, rule: Rule) -> None:
    """The far value is in picture 37: ranges from 30 pictures do not know it."""
    found = statistics(normal)
    ((_, few),), ((_, all_of_them),) = found.ranges(rule, 30), found.ranges(rule, 1000)
    assert few < 5
    np.testing.assert_array_equal(found.ranges(rule, 100)[0, 1], all_of_them)


def test_mse_keeps_an_even_spread_whole_and_clips_each_end_by_itself() -> None:
    generator = np.random.default_rng(2)
    even = generator.uniform(0, 1, (20, 2000))
    leaps = generator.normal(size=(20, 2000))
    leaps[3, 7] = -1000  # clipped to where (1000 - c)^2 / 40,000 + (c / 255)^2 / 12 is least: 951
    (_, whole), (bottom, top) = statistics(even, leaps).ranges(Rule.MSE, 20)
    assert whole == pytest.approx(1, abs=0.02)
    assert bottom == pytest.approx(-951, abs=20)
    assert top > 3
