"""The pictures of a conversion's report, as SVG texts: what int8 changes, class by class and layer by layer."""

from __future__ import annotations

import io
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from convert.report.most_changed import most_changed
from convert.verify.layer_errors import LayerError
from edge.datasets.dataset import Dataset
from edge.inference.accuracy import Evaluation
from edge.opencv import cv2
from edge.spec import Colour, ImageSpec

FLOAT, INT8, BAD = "#1f77b4", "#d95f02", "#b2182b"  # told apart by colour-blind eyes too
CHANGED_SHOWN = 24
_COLUMNS = 8
_PIXELS = 128
"""Of a picture's longer side in the page."""


def per_class(float_run: Evaluation, int8_run: Evaluation) -> str:
    """What each class is recognised at, by the float model and by the one made of it, on one line."""
    of_float, of_int8 = float_run.per_class, int8_run.per_class
    shown = (float_run.labels[number] for number in most_changed(float_run, int8_run))
    labels = [label for label in shown if label in of_float]
    before = [100 * of_float[label] for label in labels]
    after = [100 * of_int8[label] for label in labels]
    figure = Figure(figsize=(9, 1.2 + 0.32 * len(labels)), layout="constrained")
    axes = figure.add_subplot()
    rows = range(len(labels))
    axes.hlines(rows, before, after, color="grey", lw=2, zorder=1)
    axes.scatter(before, rows, color=FLOAT, label="float", zorder=2)
    axes.scatter(after, rows, color=INT8, marker="D", label="converted", zorder=3)
    for row, (one, other) in enumerate(zip(before, after, strict=True)):
        axes.annotate(
            f"{other - one:+.1f}",
            (max(one, other), row),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=BAD if other - one <= -1 else "black",
        )
    axes.set_yticks(rows, labels, parse_math=False)
    axes.invert_yaxis()
    axes.set_xlabel("recognised, %; the number is the change in points")
    axes.margins(x=0.08)
    axes.grid(axis="x", alpha=0.3)
    axes.legend(loc="best")
    return _svg(figure)


def confusion_change(float_run: Evaluation, int8_run: Evaluation) -> str:
    """How many more (red) or fewer (blue) pictures of a true class, down, are taken for another, across."""
    shown = most_changed(float_run, int8_run)
    change = (int8_run.confusion - float_run.confusion)[np.ix_(shown, shown)]
    labels = [float_run.labels[number] for number in shown]
    side = max(5.5, 2 + 0.5 * len(labels))
    figure = Figure(figsize=(side, side - 0.5), layout="constrained")
    axes = figure.add_subplot()
    limit = max(1, int(np.abs(change).max()))
    axes.imshow(change, cmap="RdBu_r", vmin=-limit, vmax=limit)
    for row, column in np.ndindex(*change.shape):
        if change[row, column]:
            colour = "white" if abs(change[row, column]) > 0.6 * limit else "black"
            axes.text(column, row, f"{change[row, column]:+d}", ha="center", va="center", color=colour, fontsize=9)
    places = range(len(labels))
    axes.set_xticks(places, labels, rotation=45, ha="right", rotation_mode="anchor", parse_math=False)
    axes.set_yticks(places, labels, parse_math=False)
    axes.set_xlabel("answer")
    axes.set_ylabel("truth")
    return _svg(figure)


def changed_pictures(test: Dataset, float_run: Evaluation, int8_run: Evaluation, image: ImageSpec) -> str:
    """The first pictures whose answer changed, with the truth and both answers; empty where there are none."""
    changed = np.flatnonzero(float_run.predicted != int8_run.predicted)[:CHANGED_SHOWN]
    if not len(changed):
        return ""
    rows = -(-len(changed) // _COLUMNS)
    figure = Figure(figsize=(1.5 * _COLUMNS, 2.3 * rows), layout="constrained")
    for place, number in enumerate(changed, 1):
        axes = figure.add_subplot(rows, _COLUMNS, place)
        axes.imshow(_shown(test.images[number], image), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        axes.set_axis_off()
        truth, before, after = (
            test.label_names[one]
            for one in (test.labels[number], float_run.predicted[number], int8_run.predicted[number])
        )
        colour = "darkgreen" if after == truth else BAD if before == truth else "black"
        axes.set_title(
            f"{_short(truth)}\n{_short(before)}\n→ {_short(after)}", fontsize=9, color=colour, parse_math=False
        )
    return _svg(figure)


def layers(errors: Sequence[LayerError]) -> str:
    """Signal to noise and saturation of each activation; empty where they are not known."""
    if not errors:
        return ""
    figure = Figure(figsize=(10, 1.2 + 0.2 * len(errors)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    rows = range(len(errors))
    exact = max((error.snr_db for error in errors if error.snr_db < 99), default=50) + 5
    left.barh(rows, [min(error.snr_db, exact) for error in errors], color=FLOAT)
    left.set_xlabel("signal to noise, dB (6 dB are one bit)")
    left.set_yticks(rows, [error.layer for error in errors], fontsize=7, parse_math=False)
    left.invert_yaxis()
    right.barh(rows, [100 * error.saturated for error in errors], color=INT8)
    right.set_xlabel("values beyond the range that int8 covers, %")
    for axes in (left, right):
        axes.grid(axis="x", alpha=0.3)
    return _svg(figure)


def _svg(figure: Figure) -> str:
    """The figure as an SVG element; the same figure gives the same text."""
    target = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "fmnist-edge", "svg.fonttype": "none"}):
        figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
    text = target.getvalue()
    return text[text.index("<svg") :]


def _shown(picture: NDArray[np.uint8], image: ImageSpec) -> NDArray[np.uint8]:
    """A picture uint8 (H, W) or (H, W, 3) as matplotlib has it, red first, no larger than anybody sees in the page."""
    if image.colour is Colour.BGR and picture.ndim == 3:
        picture = np.ascontiguousarray(picture[..., ::-1])
    scale = _PIXELS / max(picture.shape[:2])
    if scale >= 1:
        return picture
    height, width = (max(1, round(side * scale)) for side in picture.shape[:2])
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _short(label: str) -> str:
    return label if len(label) <= 13 else f"{label[:12]}…"
