"""Draws docs/cost.png: what a start and a picture cost, by stage, model and processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

BOARDS = {"cortex-a53": "Zero 2 W, Pi 3", "cortex-a72": "Pi 4", "cortex-a76": "Pi 5"}
PANELS = {
    "photo": "a photo, 640 x 480, a garment on a table",
    "sample": "a picture of 28 x 28",
    "start": "a start, before the first picture",
}
COLOURS = {
    "python": "#bbbbbb",
    "command": "#777777",
    "import": "#1f77b4",
    "collect": "#8c564b",
    "load": "#17becf",
    "read": "#9edae5",
    "isolate": "#d95f02",
    "encode": "#2ca02c",
    "invoke": "#7570b3",
    "decide": "#e7298a",
    "print": "#e6ab02",
}
"""Stage -> colour, in the order in which they are stacked."""


def draw(costs: dict[str, Any], path: Path) -> None:
    """A panel for each of PANELS, a group of bars for each model, a bar for each processor."""
    figure = Figure(figsize=(13, 6.5), layout="constrained")
    FigureCanvasAgg(figure)
    counts = costs["counts"]
    models = sorted(next(iter(counts.values())), key=lambda model: _total(counts, model, "photo"))
    panels = figure.subplots(1, len(PANELS), sharey=True)
    for axes, (part, title) in zip(panels, PANELS.items(), strict=True):
        _draw_panel(axes, counts, models, part)
        axes.set_title(title, fontsize=10)
    panels[0].invert_yaxis()
    found: dict[str, Any] = {}
    for axes in figure.axes:
        found.update({name: handle for handle, name in zip(*axes.get_legend_handles_labels(), strict=True)})
    names = [name for name in COLOURS if name in found]
    figure.legend([found[name] for name in names], names, loc="outside lower center", ncols=len(names))
    part = path.with_suffix(".part.png")
    figure.savefig(part, dpi=110)
    part.replace(path)


def _draw_panel(axes: Axes, counts: dict[str, Any], models: list[str], part: str) -> None:
    places, names = [], []
    for group, model in enumerate(models):
        for row, processor in enumerate(counts):
            place = group * (len(counts) + 1) + row
            places.append(place)
            board = f"{model}   " if row == 0 else ""
            names.append(f"{board}{BOARDS[processor]}")
            left = 0
            for stage, colour in COLOURS.items():
                width = counts[processor][model][part].get(stage, 0)
                if width:
                    axes.barh(place, width, left=left, color=colour, height=0.9, label=stage)
                    left += width
    axes.set_yticks(places, names, fontsize=8)
    axes.xaxis.set_major_formatter(EngFormatter())
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel("instructions")
    axes.grid(axis="x", alpha=0.3)


def _total(counts: dict[str, Any], model: str, part: str) -> int:
    return sum(next(iter(counts.values()))[model][part].values())
