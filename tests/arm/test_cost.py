"""No stage has become dearer on a Raspberry Pi's processor without the file saying so."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.arm.conftest import CANNOT, FIGURES, ROOT

pytestmark = [pytest.mark.arm, pytest.mark.timeout(1800)]


def test_no_stage_costs_over_three_percent_more_than_the_file_says() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "arm-cost", "--check"], capture_output=True, text=True, check=False
    )
    if done.returncode == CANNOT:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    FIGURES.extend(done.stdout.splitlines())
    assert done.returncode == 0, done.stderr
    assert "compared" in done.stdout
