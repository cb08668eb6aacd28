"""The two pictures of a run: how it learned, and what it confuses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from train.fitting.run_folder import EpochResult, replacing

TRAINING, HELD_OUT = "#1f77b4", "#d95f02"  # told apart by colour-blind eyes too

DPI = 120


def draw_curves(history: Sequence[EpochResult], path: Path) -> None:
    """Draw loss and accuracy over the epochs, training against held-out images; raises OutputFailed."""
    epochs = [result.epoch for result in history]
    figure = Figure(figsize=(10, 4), layout="constrained")
    for axes, title, trained, validated in (
        (figure.add_subplot(1, 2, 1), "cross-entropy", "loss", "val_loss"),
        (figure.add_subplot(1, 2, 2), "accuracy", "accuracy", "val_accuracy"),
    ):
        axes.plot(epochs, [getattr(r, trained) for r in history], "o-", color=TRAINING, label="training")
        axes.plot(epochs, [getattr(r, validated) for r in history], "s--", color=HELD_OUT, label="held out")
        axes.set_xlabel("epoch")
        axes.set_title(title)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if title == "accuracy":
            axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.4g} %")
        axes.grid(alpha=0.3)
        axes.legend()
    save(figure, path)


def draw_confusion(counts: NDArray[np.int64], labels: Sequence[str], path: Path) -> None:
    """Draw counts int64 (classes, classes), true class down and prediction across; raises OutputFailed."""
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = max(8, 2 + 0.6 * len(labels))  # inches: the numbers stay legible with more classes
    figure = Figure(figsize=(side, side - 0.5), layout="constrained")
    axes = figure.add_subplot()
    # The square root lets confusions of a few images be seen beside hundreds of right answers.
    axes.imshow(np.sqrt(share), cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(*counts.shape):
        if counts[row, column]:
            dark = np.sqrt(share[row, column]) > 0.6
            colour = "white" if dark else "black"
            axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=colour)
    places = range(len(labels))
    axes.set_xticks(places, labels, rotation=45, ha="right", rotation_mode="anchor", parse_math=False)
    axes.set_yticks(places, labels, parse_math=False)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    right = counts.trace() / max(int(counts.sum()), 1)
    axes.set_title(f"{counts.sum():,} test images, {right:.2%} right")
    save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG; raises OutputFailed."""
    FigureCanvasAgg(figure)  # needs no display; pyplot's global state stays out of it
    with replacing(path) as partial:
        figure.savefig(partial, dpi=DPI)
