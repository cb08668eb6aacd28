"""Results as JSON, as tables of 80 columns and as Markdown; what is said of a machine that was not at its best."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import edge.bench
from edge.bench.comparison import compare
from edge.bench.correctness import Verdict
from edge.bench.doubts import doubts
from edge.bench.report import Table, as_markdown, tables_of
from edge.bench.saved import parse_saved
from edge.bench.spread import Repeated
from edge.board.conditions import Conditions
from edge.board.description import Board
from edge.choices import Backend
from tests.edge.bench.example import ANSWERS, CALM, PI_4, measured, result

SCHEMA = json.loads((Path(edge.bench.__file__).parent / "schema.json").read_text())


def validator() -> Any:
    jsonschema = pytest.importorskip("jsonschema", reason="the older runtime's environment has no jsonschema")
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    return jsonschema.Draft202012Validator(SCHEMA)


def test_the_json_is_as_the_schema_has_it() -> None:
    check = validator()
    document = json.loads(json.dumps(result().as_json()))
    assert list(check.iter_errors(document)) == []
    compared = compare(parse_saved(document), parse_saved(result(90.0).as_json())).as_json()
    assert list(check.iter_errors(json.loads(json.dumps(compared)))) == []


@pytest.mark.parametrize("key", result().as_json())
def test_the_schema_misses_each_key(key: str) -> None:
    document = json.loads(json.dumps(result().as_json()))
    del document[key]
    assert not validator().is_valid(document)


def test_the_schema_describes_each_key() -> None:
    """A key that is added gets its line."""
    described = SCHEMA["oneOf"][0]["properties"]
    document = json.loads(json.dumps(result().as_json()))
    assert document.keys() == described.keys()
    one = document["measured"][0]
    assert one.keys() == described["measured"]["items"]["properties"].keys()
    parts = {"board": document["board"], "conditions": document["before"], "correctness": one["correctness"]}
    for name, part in {**parts, "speed": one["speeds"][0]}.items():
        assert part.keys() == SCHEMA["$defs"][name]["properties"].keys()


def lines(tables: list[Table]) -> str:
    return "\n".join(line for table in tables for line in as_markdown(table))


def test_tables_have_every_stage_of_each_backend_side_by_side() -> None:
    both = replace(result(), measured=(measured(), measured(300.0, Backend.TFLITE_RUNTIME)))
    text = lines(list(tables_of(both)))
    assert "Raspberry Pi 4 Model B Rev 1.4: 4 cores Cortex-A72, 4.0 GB, ondemand, up to 1800 MHz" in text
    assert (
        "| photo total | litert | 80.00 | 96.00 | 120.00 | 0.50 | 60 |\n| photo total | tflite-runtime | 300.00 |"
        in text
    )
    assert "| photo | litert | 12.5 ± 0.1 | 25.0 ± 0.1 |" in text
    assert "| folder of photos | litert | 12.0 ± 0.1 | 36.0 ± 0.1 |" in text
    assert "| litert | 94.3% (91-96) | as on x86 | 1310 ± 12 ms | - | 84 MB |" in text
    assert "before: 48 °C, 1500 MHz, not throttled, load 0.10" in text
    assert "not measured: tflite-runtime, runtime not installed" in text


def test_a_bar_in_a_name_does_not_break_a_row() -> None:
    assert list(as_markdown(Table([], ("a",), [("x|y",)])))[-1] == "| x/y |"


def test_what_was_measured_before_an_interruption_is_shown() -> None:
    nothing = replace(measured(), speeds=(), correctness=None, starts={}, folders=())
    text = lines(list(tables_of(replace(result(), measured=(nothing,), interrupted=True))))
    assert "interrupted" in text
    assert "ms a frame" not in text


WRONG = replace(measured(), correctness=replace(ANSWERS, verdict=Verdict.WRONG, other_answers=40, largest_step=90))
ONCE_WEAK = replace(CALM, throttled_since_start=("under-voltage",))
SLOWED = replace(
    measured(), speeds=(replace(measured().speeds[0], core_share=0.5, noise_ms=Repeated(80.0, 8.0)),), starts={}
)


@pytest.mark.parametrize(
    ("board", "before", "after", "one", "words"),
    [
        (PI_4, CALM, CALM, WRONG, "computes wrongly: 40 of 300 answers are others than on x86"),
        (PI_4, CALM, replace(CALM, throttled_now=("throttled",)), measured(), "slowed the processor: throttled"),
        (
            PI_4,
            CALM,
            replace(CALM, throttled_since_start=("throttled",)),
            measured(),
            "slowed the processor: throttled",
        ),
        (PI_4, ONCE_WEAK, ONCE_WEAK, measured(), "at some time since its start: under-voltage"),
        (PI_4, CALM, replace(CALM, temperature_c=79.6), measured(), "was warm: 80 °C"),
        (PI_4, replace(CALM, on_battery=True), CALM, measured(), "on its battery"),
        (PI_4, replace(CALM, load=2.0), CALM, measured(), "was busy: load 2.0"),
        (replace(PI_4, governor="powersave"), CALM, CALM, measured(), "powersave"),
        (replace(PI_4, bits=32), CALM, CALM, measured(), "32-bit"),
        (PI_4, CALM, CALM, SLOWED, "one thread got 50% of a core"),
        (PI_4, CALM, CALM, SLOWED, "the rounds differ by 10%"),
    ],
)
def test_what_was_not_as_it_should_be_is_said(
    board: Board, before: Conditions, after: Conditions, one: Any, words: str
) -> None:
    assert list(doubts(PI_4, CALM, CALM, [measured()])) == []
    assert any(words in said for said in doubts(board, before, after, [one]))
