"""The picture of a comparison: accuracy against size and against multiply-accumulates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

from train.evaluation.comparison import Contender, best_trades
from train.evaluation.plots import HELD_OUT, TRAINING, save

MARKERS = {False: ("o", TRAINING, "float32"), True: ("s", HELD_OUT, "int8")}


def draw_pareto(contenders: Sequence[Contender], path: Path) -> None:
    """Draw test accuracy against both costs, and the line of those that nothing cheaper beats; raises OutputFailed.

    What has no known cost is left out of that half.
    """
    figure = Figure(figsize=(12, 5), layout="constrained")
    _draw(figure.add_subplot(1, 2, 1), contenders, "size_bytes", "size (weights in float32, or the int8 file)", "B")
    _draw(figure.add_subplot(1, 2, 2), contenders, "macs", "multiply-accumulates for one picture", "")
    handles, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names))  # within, it would hide points
    save(figure, path)


def _draw(axes: Axes, contenders: Sequence[Contender], cost: str, title: str, unit: str) -> None:
    priced = [one for one in contenders if getattr(one, cost) is not None]
    axes.set_xlabel(title)
    axes.set_ylabel("test accuracy")
    if not priced:
        axes.text(0.5, 0.5, "not recorded in any of them", transform=axes.transAxes, ha="center")
        return
    for int8, (marker, colour, name) in MARKERS.items():
        of_kind = [one for one in priced if one.int8 is int8]
        if of_kind:
            places = [getattr(one, cost) for one in of_kind], [one.test_accuracy for one in of_kind]
            axes.scatter(*places, marker=marker, color=colour, label=name, zorder=3)
    best = best_trades(priced, cost)
    costs = [*(getattr(one, cost) for one in best), max(getattr(one, cost) for one in priced)]
    heights = [*(one.test_accuracy for one in best), best[-1].test_accuracy]
    axes.plot(costs, heights, drawstyle="steps-post", color="grey", lw=1, label="the best for its cost", zorder=2)
    for one in priced:
        axes.annotate(
            one.name,
            (getattr(one, cost), one.test_accuracy),
            xytext=(-7 if one.int8 else 7, 0),  # a run and its int8 model often lie on each other
            textcoords="offset points",
            ha="right" if one.int8 else "left",
            va="center",
            fontsize=8,
            parse_math=False,
        )
    axes.set_xscale("log")
    axes.margins(x=0.4, y=0.15)
    wide = max(costs) > 10 * min(getattr(one, cost) for one in priced)
    axes.xaxis.set_major_locator(LogLocator(subs=(1,) if wide else (1, 2, 5)))  # a part of a decade has numbers, too
    axes.xaxis.set_major_formatter(EngFormatter(unit))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.4g} %")
    axes.grid(alpha=0.3)
