"""The runtime in front of a camera that fails in every way, as scripts/soak runs it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT


@pytest.mark.slow
@pytest.mark.subprocess
def test_every_loss_and_every_return_is_told_and_nothing_else() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "soak"], capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["faults"] >= 12
    assert report["frames_answered"] > 3000
