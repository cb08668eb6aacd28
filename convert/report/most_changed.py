"""Which of many classes a report shows: nobody reads a thousand rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.inference.accuracy import Evaluation

SHOWN = 40
"""Classes in a table or a figure, at most."""

MOST_IN_JSON = 256
"""Classes whose confusions the JSON report counts; of a thousand they would take 16 MB."""


def most_changed(float_run: Evaluation, int8_run: Evaluation) -> NDArray[np.intp]:
    """Numbers of the classes to show, ascending: all, or the 40 whose pictures got other answers most often."""
    classes = len(float_run.labels)
    if classes <= SHOWN:
        return np.arange(classes)
    changed = float_run.predicted != int8_run.predicted
    count = np.bincount(float_run.truth[changed], minlength=classes)
    return np.sort(np.argsort(-count, kind="stable")[:SHOWN])


def of_how_many(float_run: Evaluation) -> str:
    """For a heading, where not all classes are shown; empty otherwise."""
    classes = len(float_run.labels)
    return f" (of {classes:,} classes the {SHOWN} that changed most)" if classes > SHOWN else ""
