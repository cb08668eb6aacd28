"""A value that has a grammar of its own is read with the command line, and with a configuration file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.cli import option_values
from edge.errors import BadOption
from tests.conftest import Run
from tests.edge.cli.test_app import check_failure

BAD = {
    "roi": "1,2,3",
    "smooth": "vote:9/3",
    "keep-max": "much",
    "resolution": "640",
    "fps": 0,
    "retry": "9" * 5000,
    "webhook": "https:",
    "webhook-queue-max": "little",
    "metrics": "web",
}
CALLBACKS: dict[str, Callable[[Any], Any]] = {
    "roi": option_values.roi,
    "smooth": option_values.smoothing,
    "keep-max": option_values.size,
    "resolution": option_values.resolution,
    "fps": option_values.rate,
    "retry": option_values.retry,
    "webhook": option_values.webhook,
    "webhook-queue-max": option_values.size,
    "metrics": option_values.metrics,
}


@pytest.mark.parametrize("option", BAD)
def test_what_cannot_be_read_is_refused(option: str) -> None:
    with pytest.raises(BadOption):
        CALLBACKS[option](BAD[option])


@pytest.mark.parametrize("option", CALLBACKS)
def test_what_is_read_stays_as_it_is(option: str) -> None:
    example = CALLBACKS[option].__dict__["example"]
    assert CALLBACKS[option](example) is example
    assert CALLBACKS[option](None) is None


@pytest.mark.subprocess
def test_each_option_has_its_reader(fmnist_edge: Run, tmp_path: Path) -> None:
    """On the command line one is an error; in a file all are told."""
    for option, value in BAD.items():
        check_failure(fmnist_edge("classify", "fake:1", f"--{option}", value), 2, str(value)[:20])
    path = tmp_path / "shop.toml"
    lines = [f"{key} = {value if key == 'fps' else repr(value)}" for key, value in BAD.items()]
    path.write_text("\n".join(["[classify]", *lines]))
    done = fmnist_edge("config", "check", path)
    assert f"{len(BAD)} mistakes" in done.stderr
    assert [f"classify.{key}" for key in BAD if f"classify.{key}: " not in done.stderr] == []
