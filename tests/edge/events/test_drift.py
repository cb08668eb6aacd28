"""A camera that shows other things than the model was measured on is told; chance and an empty table are not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from edge.events.drift import DriftMonitor, HeldOut
from edge.events.event import Drift
from edge.frame import Decision, LabelScore, Prediction
from edge.inference.model_file import bundled_models, read_model

EXPECTED = HeldOut(unknown=0.06, score=0.85)


def answer(decision: Decision, score: float) -> Prediction:
    ranked = () if decision is Decision.NO_GARMENT else (LabelScore("Bag", score), LabelScore("Coat", 1 - score))
    return Prediction("cam", 0, decision, ranked, {})


def drifts(hours: float, answers: Callable[[float], Prediction]) -> list[tuple[float, Drift]]:
    """What is told, with its hour, of a camera of a frame a second."""
    monitor, told = DriftMonitor(EXPECTED), []
    for moment_s in range(int(hours * 3600)):
        told += [(moment_s / 3600, one) for one in monitor.see(answers(moment_s), moment_s)]
    return told


def shop(unknown: float, score: float = 0.85, seed: int = 0) -> Callable[[float], Prediction]:
    """Garments that lie there for 30 s each, a share of them unknown."""
    rng = np.random.default_rng(seed)
    lying = [
        answer(Decision.UNKNOWN, 0.4)
        if rng.random() < unknown
        else answer(Decision.GARMENT, min(1.0, rng.normal(score, 0.08)))
        for _ in range(2000)
    ]
    return lambda moment_s: lying[int(moment_s // 30)]


@pytest.mark.parametrize("seed", range(5))
def test_a_shop_as_measured_is_no_drift(seed: int) -> None:
    assert drifts(6, shop(0.06, 0.88, seed)) == []


def test_a_lamp_that_dies_is_told_once_and_so_is_its_return() -> None:
    good, bad = shop(0.06, 0.88), shop(0.7)
    told = drifts(9, lambda moment_s: bad(moment_s) if 2 <= moment_s / 3600 < 5 else good(moment_s))
    unknown = [(hour, one) for hour, one in told if one.measure == "unknown"]
    assert [one.drifting for _, one in unknown] == [True, False]
    (began, first), (ended, _) = unknown
    assert 2.1 < began < 2.9
    assert 5.5 < ended < 6.1
    assert first.window_s == 3600
    assert first.value > 0.2
    assert first.expected == 0.06
    assert f"{first.value:.0%} unknown in the last hour; 6% was measured" in first.message


def test_scores_that_fall_are_told_though_nothing_is_unknown() -> None:
    told = drifts(2, shop(0.0, 0.55))
    assert [(one.measure, one.drifting) for _, one in told] == [("score", True)]
    assert "minutes" in told[0][1].message


def test_an_empty_table_is_no_drift() -> None:
    assert drifts(3, lambda _: answer(Decision.NO_GARMENT, 0)) == []


def test_a_few_minutes_are_not_enough() -> None:
    assert drifts(0.08, shop(1.0)) == []


def test_hours_without_a_frame_are_forgotten() -> None:
    monitor = DriftMonitor(EXPECTED)
    bad = shop(1.0)
    for second in range(240):
        assert list(monitor.see(bad(second), second)) == []
    for second in range(240):
        assert list(monitor.see(bad(second), 10_000 + second)) == []


def test_every_bundled_model_says_what_a_camera_should_show() -> None:
    for name in bundled_models():
        found = HeldOut.of_manifest(read_model(name).manifest)
        assert found is not None
        assert 0 <= found.unknown < 0.3
        assert 0.6 < found.score <= 1
    assert HeldOut.of_manifest(read_model("camera").manifest) == HeldOut(0.0212, 0.9102)


@pytest.mark.parametrize(
    "manifest", [None, {}, {"held_out": {}}, {"held_out": {"unknown": "x", "score": 1}}, {"held_out": {"unknown": 0.1}}]
)
def test_a_model_that_does_not_say_is_not_watched(manifest: dict[str, object] | None) -> None:
    assert HeldOut.of_manifest(manifest) is None
