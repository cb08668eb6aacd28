"""The dashboard for Grafana asks for metrics and labels that there are, and nothing in it lies on something else."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.edge.events.happenings import EACH_KIND, MODEL

parser = pytest.importorskip("prometheus_client.parser")

DASHBOARD = json.loads((ROOT / "docs" / "grafana.json").read_text())
METRIC = re.compile(r"\b((?:fmnist_edge|process|python)_\w+)")


def expressions() -> list[str]:
    asked = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    return [*asked, *(one["query"]["query"] for one in DASHBOARD["templating"]["list"] if one["type"] == "query")]


@pytest.fixture(scope="module")
def served() -> dict[str, set[str]]:
    """Each metric that a run serves in which everything has happened, with its labels."""
    from edge.events.listeners.metric_families import MetricFamilies

    families = MetricFamilies(("Sneaker", "Coat"), MODEL, "camera")
    for one in EACH_KIND:
        families.count(one)
    found: dict[str, set[str]] = {}
    for family in parser.text_string_to_metric_families(families.as_text().decode()):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    found.setdefault("fmnist_edge_temperature_celsius", set())  # where the machine tells it
    return found


def unknown(expression: str, served: dict[str, set[str]]) -> list[str]:
    """Metrics that nobody serves, and labels that none of the expression's metrics has."""
    metrics = METRIC.findall(expression)
    labels = set(re.findall(r"[{,](\w+)=", expression))
    for group in re.findall(r"\b(?:by|on|group_left) \(([^)]*)\)", expression):
        labels |= {label.strip() for label in group.split(",") if label.strip()}
    known = {"job", "instance"}.union(*(served.get(metric, set()) for metric in metrics))
    return [metric for metric in metrics if metric not in served] + sorted(labels - known)


def test_every_metric_and_label_is_one_that_a_run_serves(served: dict[str, set[str]]) -> None:
    assert len(expressions()) > 15
    assert {one: unknown(one, served) for one in expressions() if unknown(one, served)} == {}


def test_an_invented_metric_or_label_is_noticed(served: dict[str, set[str]]) -> None:
    assert unknown("rate(fmnist_edge_frames_totals[5m])", served) == ["fmnist_edge_frames_totals"]
    assert unknown("sum by (colour) (fmnist_edge_frames_total)", served) == ["colour"]
    assert unknown('fmnist_edge_camera_up{camera="a"}', served) == ["camera"]


def test_what_legends_name_is_a_label(served: dict[str, set[str]]) -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            labels = {"instance"}.union(*(served[metric] for metric in METRIC.findall(target["expr"])))
            assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= labels


def test_it_is_one_that_grafana_can_import() -> None:
    """Panels with ids of their own, in 24 columns, none over another; the source of data is chosen at the import."""
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert {panel["datasource"]["uid"] for panel in panels} == {"${source}"}
    assert {panel["type"] for panel in panels} <= {"stat", "timeseries", "table"}
    for one, other in itertools.combinations(panels, 2):
        assert not overlap(one["gridPos"], other["gridPos"])
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)
    assert "id" not in DASHBOARD


def overlap(one: Any, other: Any) -> bool:
    """Whether two rectangles have a part in common."""
    return all(
        one[at] < other[at] + other[size] and other[at] < one[at] + one[size] for at, size in (("x", "w"), ("y", "h"))
    )


def test_every_fleet_metric_is_shown() -> None:
    shown = set(METRIC.findall(" ".join(expressions())))
    assert {"fmnist_edge_fleet_info", "fmnist_edge_canary_accuracy", "fmnist_edge_update_problem"} <= shown
