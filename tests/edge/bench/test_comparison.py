"""Two results side by side: ratios, what is not the same, and files that are none."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge.bench.comparison import compare
from edge.bench.report import as_markdown, tables_of_comparison
from edge.bench.result import Result
from edge.bench.saved import parse_saved, read_saved
from edge.errors import BadOption, SourceNotFound
from tests.edge.bench.example import PI_4, measured, result


def saved(found: Result, path: Path) -> Path:
    path.write_text(json.dumps(found.as_json()))
    return path


def test_half_the_time_is_a_ratio_of_one_half(tmp_path: Path) -> None:
    first, second = saved(result(80.0), tmp_path / "a.json"), saved(result(40.0), tmp_path / "b.json")
    found = compare(read_saved(first), read_saved(second))
    ratios = {(row.course, row.figure): row.ratio for row in found.rows}
    assert ratios["photo, --threads 1", "total, ms"] == 0.5
    assert ratios["photo, --threads 4", "invoke, ms"] == 0.5
    assert ratios["photo, --threads 1", "frames/s"] == 2.0
    assert ratios["start, photo", "ms"] == ratios["answers", "accuracy"] == 1.0
    assert found.differences == ()
    assert (found.only_first, found.only_second) == (0, 0)


def test_what_chance_may_do_is_marked() -> None:
    """The rounds deviate by 0.5 ms: two milliseconds are within the noise of both, four are not."""
    for second_ms, within in ((82.0, True), (84.0, False)):
        found = compare(parse_saved(result(80.0).as_json()), parse_saved(result(second_ms).as_json()))
        (row,) = [row for row in found.rows if (row.course, row.figure) == ("photo, --threads 1", "total, ms")]
        assert row.within_noise is within


def test_other_boards_models_and_versions_are_pointed_out() -> None:
    other = result()
    other = replace(
        other,
        board=replace(PI_4, model="Raspberry Pi 5 Model B Rev 1.0", processor="Cortex-A76"),
        software=replace(other.software, opencv="4.10.0"),
        models=(replace(other.models[0], sha256="b" * 64),),
    )
    found = compare(parse_saved(result().as_json()), parse_saved(other.as_json()))
    assert {one.what: (one.first, one.second) for one in found.differences} == {
        "model": ("Raspberry Pi 4 Model B Rev 1.4", "Raspberry Pi 5 Model B Rev 1.0"),
        "processor": ("Cortex-A72", "Cortex-A76"),
        "opencv": ("5.0.0", "4.10.0"),
        "model camera": ("a" * 12, "b" * 12),
    }
    text = "\n".join(line for table in tables_of_comparison(found) for line in as_markdown(table))
    assert "| processor | Cortex-A72 | Cortex-A76 |" in text


def test_what_speaks_against_a_saved_result_comes_along() -> None:
    busy = replace(result(), warnings=("the machine was busy: load 3.0 before the start",))
    found = compare(parse_saved(busy.as_json()), parse_saved(result().as_json()))
    text = "\n".join(line for table in tables_of_comparison(found) for line in as_markdown(table))
    assert "warning, first: the machine was busy" in text
    assert "warning, second" not in text


def test_what_only_one_has_is_counted() -> None:
    fewer = replace(result(), measured=(replace(measured(), correctness=None, starts={}, folders=()),))
    found = compare(parse_saved(result().as_json()), parse_saved(fewer.as_json()))
    assert (found.only_first, found.only_second) == (5, 0)


def spoilt(**changes: Any) -> str:
    return json.dumps({**result().as_json(), **changes})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is no result"),
        ("\0\xff garbage", "is no result"),
        ("[]", "is no result"),
        ("{}", "is no result"),
        ("[" * 100_000, "is no result"),
        (spoilt(tool="another"), "is no result"),
        (spoilt(v=2), "version 2 of the format, this fmnist-edge reads 1"),
        (spoilt(v="\x1b[31m" * 100), "of the format"),
        (spoilt(board=None), "is damaged"),
        (spoilt(board={"model": {"deep": 1}}), "is damaged"),
        (spoilt(software={}), "is damaged: KeyError: 'fmnist_edge'"),
        (spoilt(models=3), "is damaged"),
        (spoilt(warnings=[{}]), "is damaged"),
        (spoilt(measured=[{}]), "is damaged: KeyError: 'model'"),
        (json.dumps(result().as_json()).replace("1310.0", "-1"), "no positive number"),
        (json.dumps(result().as_json()).replace("1310.0", "true"), "no positive number"),
        (json.dumps(result().as_json()).replace("1310.0", "NaN"), "is no result"),
    ],
)
def test_a_file_that_is_no_result_is_an_error_with_a_hint(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "saved.json"
    path.write_text(content)
    with pytest.raises(BadOption) as caught:
        read_saved(path)
    assert words in caught.value.message
    assert caught.value.hint


def test_no_file_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound) as caught:
        read_saved(tmp_path / "none.json")
    assert "fmnist-edge bench --output" in caught.value.hint
    with pytest.raises(BadOption, match="cannot be read"):
        read_saved(tmp_path)


def test_first_figures_of_zero_have_no_ratio() -> None:
    nothing = result().as_json()
    nothing["measured"][0]["correctness"]["accuracy"] = 0.0
    (row,) = [row for row in compare(parse_saved(nothing), parse_saved(result().as_json())).rows if "acc" in row.figure]
    assert row.ratio is None
