"""Percentiles, deviations and intervals of numbers whose answer is known."""

from __future__ import annotations

import random

import pytest

from edge.bench.spread import Z999, Percentiles, percentiles, repeated, wilson_interval


def test_percentiles_of_0_to_100_are_themselves() -> None:
    values = [float(number) for number in range(101)]
    random.Random(0).shuffle(values)
    assert percentiles(values) == Percentiles(50.0, 95.0, 99.0)


def test_between_two_values_they_are_interpolated() -> None:
    assert percentiles([10.0, 20.0]) == Percentiles(15.0, 19.5, 19.9)
    assert percentiles([7.0]) == Percentiles(7.0, 7.0, 7.0)


def test_of_an_exponential_distribution_they_are_near_its_quantiles() -> None:
    draw = random.Random(1)
    found = percentiles([draw.expovariate(1.0) for _ in range(100_000)])
    assert found.p50 == pytest.approx(0.6931, rel=0.02)
    assert found.p95 == pytest.approx(2.9957, rel=0.02)
    assert found.p99 == pytest.approx(4.6052, rel=0.03)


def test_one_slow_round_moves_the_median_little() -> None:
    found = repeated([10.0, 11.0, 10.0, 12.0, 500.0])
    assert (found.median, found.mad) == (11.0, 1.0)
    assert found.noise == pytest.approx(1 / 11)


def test_nothing_has_no_percentiles_and_no_median() -> None:
    for sums_up in (percentiles, repeated):
        with pytest.raises(ValueError, match="nothing"):
            sums_up([])


def test_the_interval_of_a_share() -> None:
    """Newcombe, Stat. Med. 17 (1998), table I: 81 of 263 is 0.2553 to 0.3662, 0 of 20 is 0 to 0.1611."""
    assert wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson_interval(20, 20)[1] == 1.0
    assert wilson_interval(81, 263, Z999)[0] < 0.2553
