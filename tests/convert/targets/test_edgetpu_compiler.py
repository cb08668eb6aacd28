"""Reading the Edge TPU compiler's log: counts, memory, the table of operators, and what went wrong."""

from __future__ import annotations

import pytest

from convert.targets.edgetpu_compiler import Log, Row, parse_log
from tests.convert.targets.compiler_logs import (
    ALL,
    BEGINNING,
    FAILS,
    INTERNAL_ERROR,
    PARSER_FAILS,
    SOME,
    SOME_ON_CPU,
    SUMMARY,
)


def test_a_log_with_all_mapped_states_no_counts_outside_its_table() -> None:
    assert parse_log(ALL) == Log(
        text=ALL,
        version="16.0.384591198",
        succeeded=True,
        mapped=5,
        on_cpu=0,
        rows=(Row("CONV_2D", 4, "Mapped to Edge TPU"), Row("SOFTMAX", 1, "Mapped to Edge TPU")),
        memory_bytes={
            "On-chip memory used for caching model parameters": round(4.18 * 2**20),
            "On-chip memory remaining for caching model parameters": round(2.80 * 2**20),
            "Off-chip memory used for streaming uncached model parameters": round(41.75 * 2**10),
        },
    )
    assert parse_log(ALL).share == 100


def test_a_log_with_some_on_the_cpu() -> None:
    log = parse_log(SOME)
    assert (log.succeeded, log.mapped, log.on_cpu, log.share) == (True, 3, 2, 60)
    assert log.rows[1:] == (
        Row("CONV_2D", 1, "More than one subgraph is not supported"),
        Row("LEAKY_RELU", 1, "Operation not supported"),
    )
    assert parse_log(BEGINNING + SUMMARY.format(total=5) + SOME_ON_CPU).share == 60  # without its table


@pytest.mark.parametrize(
    ("text", "version", "said"),
    [
        (PARSER_FAILS, "16.0.384591198", "ERROR: Didn't find op for builtin opcode 'CONV_2D' version '6'"),
        (INTERNAL_ERROR, "15.0.340273435", "Internal compiler error. Aborting!"),
        (FAILS, "16.0.384591198", "Compilation failed!"),
        ("", "unknown", "it said nothing"),
        ("something else\n", "unknown", "something else"),
    ],
)
def test_a_log_of_a_failure(text: str, version: str, said: str) -> None:
    log = parse_log(text)
    assert (log.succeeded, log.share, log.version) == (False, 0, version)
    assert log.complaint.startswith(said)
