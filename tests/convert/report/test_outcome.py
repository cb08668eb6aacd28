"""The reports: JSON by its schema, HTML that needs nothing else, and layers that tell where int8 loses."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import numpy as np
import pytest

from convert.inputs.keras_export import exporter
from convert.quantize.converter import RuledModel, calibrate
from convert.quantize.internals import activations, quantised, tensors, with_ranges
from convert.settings import Rule
from convert.verify.layer_errors import layer_errors
from edge.spec import ImageSpec

if TYPE_CHECKING:
    from tests.convert.conftest import Converted, Quantize

SCHEMA: Any = json.loads((resources.files("convert.report") / "report.schema.json").read_text("utf-8"))
PICTURES = np.random.default_rng(0).integers(0, 256, (12, 28, 28)).astype(np.float32)


@pytest.fixture(scope="module")
def report(converted: Converted) -> Any:
    return json.loads(converted.report.read_text("utf-8"))


def test_the_report_keeps_to_its_schema(report: Any) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(report, SCHEMA)
    assert set(SCHEMA["properties"]) == set(report)
    assert len(report["layers"]) >= 4


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        (("verdict",), "fine"),
        (("keras", "sha256"), "12"),
        (("float_run", "accuracy"), 93.1),
        (("search", "trials"), []),
        (("surprise",), 1),
    ],
)
def test_the_schema_refuses_what_is_wrong(report: Any, place: tuple[str, ...], wrong: Any) -> None:
    changed = json.loads(json.dumps(report))
    inner = changed
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = wrong
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(changed, SCHEMA)


class Page(HTMLParser):
    """What a page holds: its tags with attributes, unclosed ones, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_shows_it_all_and_loads_nothing(converted: Converted, report: Any) -> None:
    content = converted.report.with_suffix(".html").read_text("utf-8")
    page = Page(content)
    assert page.open == []
    assert [tag for tag, _ in page.tags].count("svg") == 4
    outside = [
        value
        for _, attributes in page.tags
        for name, value in attributes.items()
        if (name == "src" or name.endswith("href")) and value and not value.startswith(("#", "data:"))
    ]
    assert outside == []
    assert "url(http" not in content
    assert str(converted.keras.parent) not in content
    assert report["manifest"]["sha256"] in page.text
    assert f"{report['int8_run']['accuracy']:.2%}" in page.text
    assert re.search(r"(\d+) of 10,000 answers changed", page.text)
    for layer in report["layers"]:
        assert layer["layer"] in page.text


def test_the_same_conversion_draws_the_same_page(converted: Converted, quantize: Quantize, tmp_path: Path) -> None:
    result = quantize(converted.keras, "-o", tmp_path / "tiny_int8.tflite", "--max-drop", 2)
    assert result.exception is None
    pages = [
        re.sub(r"<td>seconds.*?</tr>", "", path.read_text("utf-8"))
        for path in (converted.report.with_suffix(".html"), tmp_path / "tiny_int8.report.html")
    ]
    assert pages[0] == pages[1]


def test_labels_with_markup_are_text(quantize: Quantize, converted: Converted, tmp_path: Path) -> None:
    result = quantize(converted.keras, "-o", tmp_path / "x.tflite", "--max-drop", 2, "--name", "<b>$x^2$</b>")
    assert result.exception is None
    assert "<h1>&lt;b&gt;$x^2$&lt;/b&gt;: int8 beside float</h1>" in (tmp_path / "x.report.html").read_text("utf-8")


@pytest.fixture(scope="module")
def calibrated() -> RuledModel:
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    steps = [layers.Flatten(), layers.Dense(32, "relu", name="first"), layers.Dense(16, "relu", name="second")]
    network = keras.Sequential([keras.Input((28, 28)), *steps, layers.Dense(10, name="last")])
    return calibrate(exporter(network), PICTURES, ImageSpec(), lambda done: None)


def test_layers_are_near_the_float_model_where_all_is_well(calibrated: RuledModel) -> None:
    found = layer_errors(calibrated.graph, calibrated.quantise(Rule.MIN_MAX, 12), PICTURES)
    assert [error.saturated for error in found] == [0] * len(found)
    assert found[0].snr_db == 99  # the picture itself: bytes are exact
    assert all(25 < error.snr_db < 60 for error in found[2:]), found


def test_a_layer_that_is_cut_off_stands_out(calibrated: RuledModel) -> None:
    """One activation gets a tenth of its range: it saturates, and its noise goes on to those after it."""
    ranges = calibrated.statistics.ranges(Rule.MIN_MAX, 12).copy()
    names = [tensors(calibrated.graph)[number].name.decode() for number in activations(calibrated.graph)]
    (cut,) = [number for number, name in enumerate(names) if "second" in name]
    ranges[cut] *= 0.1
    found = layer_errors(calibrated.graph, quantised(with_ranges(calibrated.graph, ranges)), PICTURES)
    whole = layer_errors(calibrated.graph, calibrated.quantise(Rule.MIN_MAX, 12), PICTURES)
    assert found[cut].saturated > 0.2
    assert [error.saturated for error in found[:cut]] == [0] * cut
    assert found[cut].snr_db < 10 < whole[cut].snr_db
    assert found[cut - 1] == whole[cut - 1]
    assert found[-1].snr_db < whole[-1].snr_db - 10
