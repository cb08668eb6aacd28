"""The learning curve of photos: its points, whether the last ones differ by more than noise, and the plot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from train.evaluation.plots import HELD_OUT, TRAINING, save


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Of one training: what it was trained on, and its accuracy 0..1 on the held-out photos of garments.

    `each` is the number of photos a folder (0: the model that all start from), `photos` that of all photos of garments;
    `gained` and `lost` count the held-out photos that are right now and were wrong at the point before, and the other
    way round.
    """

    each: int
    photos: int
    accuracy: float
    groups: float
    gained: int = 0
    lost: int = 0


def standard_error(accuracy: float, count: int) -> float:
    """Of an accuracy 0..1 that was measured on so many photos: binomial, 0..1."""
    return math.sqrt(accuracy * (1 - accuracy) / count)


def names_of(points: Sequence[CurvePoint], all_of: int) -> list[str]:
    """What the points are called: photos a class; "all" where it is all there are, `all_of` photos of garments."""
    return ["all" if point.photos == all_of else str(point.each) for point in points]


def verdict(points: Sequence[CurvePoint], names: Sequence[str], count: int) -> str:
    """One sentence: what the last step brought, and whether that is more than the noise of so many held-out photos.

    The same photos are measured at both points, so only those count that changed sides (McNemar 1947): noise is what
    stays within two standard errors of their difference.
    """
    last = points[-1]
    change, moved = last.gained - last.lost, last.gained + last.lost
    step = f"from {names[-2]} to {names[-1]} photos a class: {100 * change / count:+.1f} points"
    if abs(change) <= 2 * math.sqrt(moved):
        return f"{step}, which may be chance ({moved} of {count} held-out photos changed sides)"
    return f"{step}: more photos pay" if change > 0 else f"{step}: these photos do not help"


def draw_learning_curve(points: Sequence[CurvePoint], names: Sequence[str], count: int, path: Path) -> None:
    """Draw accuracy, strict and by groups, against the photos that were learnt; bars are two standard errors.

    `count` held-out photos were measured. Raises OutputFailed.
    """
    places = range(len(points))
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for offset, marker, colour, label, accuracies in (
        (-0.04, "s--", HELD_OUT, "by groups", [point.groups for point in points]),
        (0.04, "o-", TRAINING, "strict", [point.accuracy for point in points]),
    ):
        bars = [2 * standard_error(one, count) for one in accuracies]
        axes.errorbar(
            [place + offset for place in places], accuracies, bars, fmt=marker, color=colour, capsize=3, label=label
        )
    axes.set_xticks(places, [f"{name}\n({point.photos})" for name, point in zip(names, points, strict=True)])
    axes.set_xlabel("photos a class (of garments in all)")
    axes.set_ylabel(f"right of {count} held-out photos")
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.4g} %")
    axes.set_ylim(top=min(1.02, axes.get_ylim()[1]))
    axes.set_title("one short training a point; bars: two standard errors", fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend()
    save(figure, path)
