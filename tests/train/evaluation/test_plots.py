"""Plots take any label, those too that matplotlib would read as a formula."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from train.evaluation import plots


def test_labels_are_no_formulas(tmp_path):
    plots.draw_confusion(np.eye(2, dtype=np.int64), ("$\\frac$", "a$b$^{"), tmp_path / "confusion.png")
    assert (tmp_path / "confusion.png").stat().st_size > 1000
