"""Two results side by side: each figure of both, their ratio, and what else is not the same."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from edge.bench.saved import Figure, Saved

VERSION = 1
"""Of the comparison's JSON."""

_BEYOND_NOISE = 3
"""Sums of both median absolute deviations by which two figures differ that are not the same by chance."""


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of both, and second over first: None where the first is zero."""

    model: str
    backend: str
    course: str
    figure: str
    first: float
    second: float
    ratio: float | None
    within_noise: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """Something other than a figure that is not the same."""

    what: str
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What both have, what differs beside it, how many figures only one of them has, and what speaks against them."""

    rows: tuple[Row, ...]
    differences: tuple[Difference, ...]
    only_first: int
    only_second: int
    warnings_first: tuple[str, ...]
    warnings_second: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """As schema.json describes it."""
        return {"v": VERSION, "tool": "fmnist-edge bench --compare", **asdict(self)}


def compare(first: Saved, second: Saved) -> Comparison:
    """Second beside first."""
    names = [name for name in first.figures if name in second.figures]
    facts = dict.fromkeys([*first.facts, *second.facts])
    both = [(what, first.facts.get(what, "none"), second.facts.get(what, "none")) for what in facts]
    return Comparison(
        rows=tuple(_row(name, first.figures[name], second.figures[name]) for name in names),
        differences=tuple(Difference(*one) for one in both if one[1] != one[2]),
        only_first=len(first.figures) - len(names),
        only_second=len(second.figures) - len(names),
        warnings_first=first.warnings,
        warnings_second=second.warnings,
    )


def _row(name: tuple[str, str, str, str], first: Figure, second: Figure) -> Row:
    ratio = round(second.value / first.value, 4) if first.value else None
    noise = first.mad + second.mad
    return Row(
        *name, first.value, second.value, ratio, noise > 0 and abs(second.value - first.value) <= _BEYOND_NOISE * noise
    )
