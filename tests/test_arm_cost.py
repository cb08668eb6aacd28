"""What scripts/arm-cost takes for growth. Counting itself needs the emulated processor: tests/arm/test_cost.py."""

from __future__ import annotations

import hashlib
import json
import sys
from types import ModuleType

import pytest

from tests.conftest import ROOT

COSTS = json.loads((ROOT / "docs" / "cost.json").read_text("utf-8"))
MODELS = {path.stem for path in (ROOT / "edge" / "models").glob("*.tflite")}


@pytest.fixture
def comparison(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    from arm_cost import comparison

    yield comparison
    for name in [name for name in sys.modules if name.split(".")[0] == "arm_cost"]:
        del sys.modules[name]


def costs(**stages: int) -> dict:
    return {"cortex-a72": {"camera": {"photo": stages}}}


def test_growth_is_over_three_percent_and_names_stage_model_before_and_after(comparison: ModuleType) -> None:
    before = costs(isolate=10_000_000, invoke=20_000_000, print=40_000)
    after = costs(isolate=10_310_000, invoke=20_590_000, print=44_000)
    grown = [str(change) for change in comparison.changes(before, after) if change.is_growth]
    assert grown == ["isolate of photo, camera, cortex-a72: 10,000,000 -> 10,310,000 instructions (+3.1%)"]


def test_a_stage_that_is_new_or_no_longer_counted_is_growth(comparison: ModuleType) -> None:
    """Otherwise a function renamed at a seam would leave its stage unwatched."""
    changes = list(comparison.changes(costs(isolate=10_000_000), costs(see=10_000_000)))
    assert [change.is_growth for change in changes] == [True, True]


def test_a_gain_is_told_apart(comparison: ModuleType) -> None:
    (change,) = comparison.changes(costs(isolate=10_000_000), costs(isolate=9_000_000))
    assert change.is_gain
    assert not change.is_growth


@pytest.mark.parametrize(
    ("changed", "comparable"),
    [({}, True), ({"numpy": "2.0 -> 2.1"}, False), ({"ai-edge-litert": "2 -> 3"}, True), ({"typer": "1 -> 2"}, True)],
)
def test_a_stage_is_compared_where_the_versions_behind_it_are_the_same(
    comparison: ModuleType, changed: dict[str, str], comparable: bool
) -> None:
    (change,) = comparison.changes(costs(isolate=10_000_000), costs(isolate=20_000_000))
    assert comparison.is_comparable(change, changed) is comparable


def test_a_new_dependency_does_not_excuse_a_dearer_import(comparison: ModuleType) -> None:
    assert comparison.version_differences({"numpy": "2"}, {"numpy": "2", "pandas": "3"}) == {}


def test_the_file_has_every_model_on_every_processor() -> None:
    assert {"Python", "numpy", "opencv-python-headless", "ai-edge-litert"} <= COSTS["versions"].keys()
    assert set(COSTS["counts"]) == {"cortex-a53", "cortex-a72", "cortex-a76"}
    for models in COSTS["counts"].values():
        assert set(models) == MODELS
        for parts in models.values():
            assert {"import", "load"} <= parts["start"].keys()
            assert {"isolate", "encode", "invoke", "decide", "print"} <= parts["photo"].keys()


@pytest.mark.parametrize("model", sorted(MODELS))
def test_the_file_was_measured_with_the_models_that_are_here(model: str) -> None:
    """The check measures some of them only."""
    content = (ROOT / "edge" / "models" / f"{model}.tflite").read_bytes()
    assert hashlib.sha256(content).hexdigest().startswith(COSTS["models"][model]), "run scripts/arm-cost"
