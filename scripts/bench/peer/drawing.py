"""The plot of a run of scripts/bench/peers: time for a picture beside LiteRT's bare loop, by network and peer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from train.evaluation.plots import HELD_OUT, TRAINING, save

OURS, FLOAT = {"fmnist-edge", "LiteRT, a bare loop"}, "float"


def draw(results: dict[str, Any], path: Path) -> None:
    """Draw what `peers --json` writes as PNG."""
    networks = list(results["networks"])
    figure = Figure(figsize=(12, 4.6), layout="constrained")
    peers = [name for name in results["peers"] if any(name in results["networks"][one] for one in networks)]
    for place, network in enumerate(networks):
        axes = figure.add_subplot(1, len(networks), place + 1)
        measured = results["networks"][network]
        for row, name in enumerate(peers):
            if name not in measured:
                axes.text(0.02, row, "cannot", transform=axes.get_yaxis_transform(), va="center", color="grey")
                continue
            one = measured[name]
            colour = HELD_OUT if name in OURS else TRAINING
            axes.barh(row, one["ms"], color=colour, alpha=0.45 if FLOAT in name else 1.0)
            text = f" {one['ms']:.3f}" if one["ms"] < 1 else f" {one['ms']:.2f}"
            axes.text(one["ms"], row, text, va="center", fontsize=8)
        axes.set_title(f"{network} ({results['macs'][network] / 1e6:.3g} M MACs)", fontsize=11)
        axes.set_yticks(range(len(peers)), peers if place == 0 else [""] * len(peers))
        axes.invert_yaxis()
        axes.set_xlabel("ms a picture, one thread")
        axes.margins(x=0.28)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(
        f"The same network in other runtimes: int8, and float paler. {results['machine']['processor']}", fontsize=11
    )
    save(figure, path)
