"""Why figures may not be the best that a machine can do, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edge.bench.correctness import Verdict
from edge.bench.result import Measured
from edge.bench.speed import Speed
from edge.board.conditions import Conditions
from edge.board.description import Board
from edge.board.power import WARM_C

BUSY_LOAD = 0.7
"""Of one minute, before anything was measured: our own start takes less."""

FULL_SHARE = 0.9
"""Of a core, that one thread should get."""

NOISY = 0.05
"""Median absolute deviation of a course's rounds, as a share of their median."""


def doubts(board: Board, before: Conditions, after: Conditions, measured: Sequence[Measured]) -> Iterator[str]:
    """What was not as it should be, the gravest first."""
    for one in measured:
        if one.correctness is not None and one.correctness.verdict is Verdict.WRONG:
            yield f"{one.model} in {one.runtime} computes wrongly: {_wrongly(one)}"
    yield from _of_power(before, after)
    if board.governor is not None and "powersave" in board.governor:
        yield "the governor is powersave: sudo cpupower frequency-set -g performance, or ondemand"
    if board.bits == 32:
        yield "this is a 32-bit Python"
    if before.load is not None and before.load > BUSY_LOAD:
        yield f"the machine was busy: load {before.load:.1f} before the start"
    speeds = [speed for one in measured for speed in one.speeds]
    yield from _of_rounds(speeds)


def _wrongly(one: Measured) -> str:
    found = one.correctness
    assert found is not None
    if found.other_answers is not None:
        return (
            f"{found.other_answers} of {found.images} answers are others than on x86, "
            f"outputs up to {found.largest_step} steps apart"
        )
    return f"{found.accuracy:.1%} right of {found.images}, its file states {found.stated:.1%}"


def _of_power(before: Conditions, after: Conditions) -> Iterator[str]:
    """Of voltage, heat and batteries."""
    meanwhile = [one for one in after.throttled_since_start or () if one not in (before.throttled_since_start or ())]
    throttled = dict.fromkeys([*(before.throttled_now or ()), *meanwhile, *(after.throttled_now or ())])
    if throttled:
        yield f"the firmware slowed the processor: {', '.join(throttled)}"
    earlier = [one for one in after.throttled_since_start or () if one not in throttled]
    if earlier:
        yield f"the firmware slowed the processor at some time since its start: {', '.join(earlier)}"
    if after.temperature_c is not None and after.temperature_c >= WARM_C:
        yield f"the processor was warm: {after.temperature_c:.0f} °C; a Pi slows down from 80 °C on"
    if before.on_battery or after.on_battery:
        yield "the machine ran on its battery"


def _of_rounds(speeds: Sequence[Speed]) -> Iterator[str]:
    alone = [speed.core_share for speed in speeds if speed.threads == 1]
    if alone and min(alone) < FULL_SHARE:
        yield f"something else took processor time: one thread got {min(alone):.0%} of a core"
    noise = max((speed.noise_ms.noise for speed in speeds), default=0.0)
    if noise > NOISY:
        yield f"the rounds differ by {noise:.0%} (median absolute deviation): measure again, with a longer --duration"
