"""The sheet of a run's worst mistakes: the test images with the most confident wrong answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from edge.datasets.dataset import Dataset
from train.evaluation.plots import save

ROWS, COLUMNS = 5, 8


def worst_mistakes(truth: NDArray[np.uint8], probabilities: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """Indices of at most `count` wrongly answered pictures, surest first, of truth (N,) and answers (N, classes)."""
    answers = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(answers != truth)
    return wrong[np.argsort(-probabilities[wrong, answers[wrong]], kind="stable")[:count]]


def draw_mistakes(test: Dataset, probabilities: NDArray[np.float32], path: Path) -> None:
    """Draw the worst mistakes with truth, answer and its probability, float32 (N, classes); raises OutputFailed."""
    answers = probabilities.argmax(axis=1)
    wrong = int((answers != test.labels).sum())
    worst = worst_mistakes(test.labels, probabilities, ROWS * COLUMNS)
    rows = max(1, -(-len(worst) // COLUMNS))
    figure = Figure(figsize=(1.6 * COLUMNS, 2.05 * rows + 0.5), layout="constrained")
    figure.suptitle(
        f"the {len(worst)} surest of {wrong:,} mistakes on {len(test):,} test images: "
        "picture, what it is, what the network takes it for"
        if wrong
        else f"no mistake on {len(test):,} test images"
    )
    for place, index in enumerate(worst, 1):
        axes = figure.add_subplot(rows, COLUMNS, place)
        axes.imshow(test.images[index], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        axes.set_axis_off()
        truth, answer = test.label_names[test.labels[index]], test.label_names[answers[index]]
        sure = percentage(float(probabilities[index, answers[index]]))
        axes.set_title(f"{_short(truth)}\n{_short(answer)} {sure}", fontsize=8, parse_math=False)
    save(figure, path)


def percentage(share: float) -> str:
    """A probability 0..1 as text; only exactly 1 is shown as 100 %."""
    return f"{min(100 * share, 99.9):.1f} %" if share < 1 else "100 %"


def _short(label: str) -> str:
    return label if len(label) <= 16 else f"{label[:15]}…"
