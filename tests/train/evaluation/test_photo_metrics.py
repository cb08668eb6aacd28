"""A network that has seen no photo: its scores are fitted to Fashion-MNIST's images in poses, six views each."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras")

from edge.datasets.dataset import load
from edge.spec import ScoreCalibration
from train import networks
from train.evaluation.early_exit import averaged
from train.evaluation.photo_metrics import _views, figures_of, posed, posed_figures
from train.evaluation.score_calibration import ScoredSamples


def test_the_views_are_wider_and_narrower_and_mirrored(data_dir: Path) -> None:
    images = load("test", data_dir).images[:20]
    views = _views(images)
    assert len(views) == 6
    for view, mirrored in zip(views[::2], views[1::2], strict=True):
        np.testing.assert_array_equal(mirrored, view[:, :, ::-1])
    as_found, wider, narrower = (view > 0 for view in views[::2])
    assert narrower.sum() < as_found.sum() < wider.sum()
    for smaller, larger in ((narrower, as_found), (as_found, wider)):
        assert not (smaller & ~larger).any()
    np.testing.assert_array_equal(views[0], images)
    np.testing.assert_array_equal(views[2][as_found], images[as_found])


def test_what_is_fitted_to_poses_is_what_the_record_gets(data_dir: Path) -> None:
    test = load("test", data_dir)
    held_out = dataclasses.replace(test, images=test.images[:50], labels=test.labels[:50])
    model = networks.network(networks.SIZES["tiny"], 10, name="tiny", logits=True)
    answers = posed(model, held_out, 0)
    assert answers.probabilities.shape == (60, 6, 10)
    figures = posed_figures(model, held_out, 0)
    calibration = ScoreCalibration.from_json(figures)
    assert calibration != ScoreCalibration()
    assert figures["posed"] == pytest.approx(
        figures_of(ScoredSamples(answers.probabilities[:, :1], answers.classes), calibration), nan_ok=True
    )
    assert averaged(answers, calibration)[1].max() <= 6
