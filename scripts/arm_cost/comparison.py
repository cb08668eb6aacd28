"""What has grown: new counts beside those of docs/cost.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

GROWTH = 0.03
SMALLEST = 5_000
"""What a stage may grow by in any case: the length of a path and the digits of a time move it by some hundreds."""

NOT_COMPARED = frozenset({"python", "collect"})
"""Python's own start depends on where Python lies, by 6 %; one object more can bring a collection of garbage."""

NUMERIC = ("numpy", "opencv-python-headless")
RUNTIME = ("ai-edge-litert",)
BEHIND: Mapping[str, tuple[str, ...]] = {
    "invoke": RUNTIME,
    "isolate": ("Python", *NUMERIC),
    "read": ("Python", *NUMERIC),
    "encode": ("Python", "numpy"),
    "decide": ("Python", "numpy"),
    "print": ("Python",),
}
"""Stage -> whose versions its count depends on; of all others, all."""

Costs = Mapping[str, Mapping[str, Mapping[str, Mapping[str, int]]]]
"""Processor -> model -> what (start, photo, ...) -> stage -> instructions."""


@dataclass(frozen=True)
class Change:
    """A stage whose count is not what it was."""

    processor: str
    model: str
    what: str
    stage: str
    before: int
    after: int

    @property
    def is_growth(self) -> bool:
        """Whether it is more than the limit, or a stage that is no longer passed through, which nobody watches then."""
        return self.after == 0 or self.after - self.before > max(SMALLEST, GROWTH * self.before)

    @property
    def is_gain(self) -> bool:
        """Whether it has become so much cheaper that the file should say so."""
        return self.before - self.after > max(SMALLEST, GROWTH * self.before)

    def __str__(self) -> str:
        """In one line, for people."""
        where = f"{self.stage} of {self.what}, {self.model}, {self.processor}"
        if self.before == 0:
            return f"{where}: new, {self.after:,} instructions"
        if self.after == 0:
            return f"{where}: {self.before:,} instructions before, no longer passed through"
        share = self.after / self.before - 1
        return f"{where}: {self.before:,} -> {self.after:,} instructions ({share:+.1%})"


def changes(before: Costs, after: Costs) -> Iterator[Change]:
    """Each stage of what was measured now, beside what it was; a model or processor that is new has nothing beside."""
    for processor, models in after.items():
        for model, parts in models.items():
            for what, stages in parts.items():
                known = before.get(processor, {}).get(model, {}).get(what, {})
                for stage in sorted({*known, *stages}):
                    yield Change(processor, model, what, stage, known.get(stage, 0), stages.get(stage, 0))


def version_differences(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """Name -> "1.0 -> 2.0". A package that is new or gone is no difference: the project's own change brought that."""
    return {
        name: f"{before[name]} -> {after[name]}" for name in sorted({*before} & {*after}) if before[name] != after[name]
    }


def is_comparable(change: Change, differing: Mapping[str, str]) -> bool:
    """Whether a stage's counts may be compared: not where the versions behind it differ."""
    if change.stage in NOT_COMPARED:
        return False
    behind = BEHIND.get(change.stage)
    return not differing if behind is None else not any(name in differing for name in behind)
