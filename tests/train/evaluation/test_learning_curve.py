"""The learning curve: what it says of its last step, and its plot."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from edge.opencv import cv2
from train.evaluation.learning_curve import CurvePoint, draw_learning_curve, names_of, standard_error, verdict

STEP = "from 2 to all photos a class:"


def curve(gained: int, lost: int) -> list[CurvePoint]:
    return [CurvePoint(0, 0, 0.5, 0.7), CurvePoint(2, 14, 0.6, 0.8, 12, 2), CurvePoint(31, 90, 0.7, 0.9, gained, lost)]


@pytest.mark.parametrize(
    ("gained", "lost", "said"),
    [
        (20, 4, f"{STEP} +16.0 points: more photos pay"),
        (
            14,
            8,
            f"{STEP} +6.0 points, which may be chance (22 of 100 held-out photos changed sides)",
        ),
        (3, 30, f"{STEP} -27.0 points: these photos do not help"),
        (
            0,
            0,
            f"{STEP} +0.0 points, which may be chance (0 of 100 held-out photos changed sides)",
        ),
        (5, 0, f"{STEP} +5.0 points: more photos pay"),
    ],
)
def test_the_last_step_counts_only_beyond_chance(gained: int, lost: int, said: str) -> None:
    points = curve(gained, lost)
    names = names_of(points, 90)
    assert names == ["0", "2", "all"]
    assert verdict(points, names, 100) == said


def test_the_standard_error_is_that_of_a_share() -> None:
    assert standard_error(0.5, 100) == pytest.approx(0.05)
    assert standard_error(1.0, 100) == 0
    assert standard_error(0.9, 36) == pytest.approx(math.sqrt(0.09) / 6)


def test_the_plot_shows_points_and_bars(tmp_path: Path) -> None:
    """More held-out photos, shorter bars: less of the picture is coloured, and nothing else changes."""
    points = curve(20, 4)
    coloured = []
    for count in (20, 2000):
        draw_learning_curve(points, names_of(points, 90), count, tmp_path / "curve.png")
        pixels = cv2.imread(str(tmp_path / "curve.png")).astype(int)
        assert pixels.shape == (540, 960, 3)
        coloured.append(int(((pixels.max(axis=2) - pixels.min(axis=2)) > 80).sum()))
    assert coloured[0] > coloured[1] > 1000
    assert [path.name for path in tmp_path.iterdir()] == ["curve.png"]
