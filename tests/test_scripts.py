"""The first command of the README, in a copy of the checkout and an empty environment."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from edge.spec import FASHION_MNIST_LABELS
from tests.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.subprocess]


def test_the_demo_names_garments_and_says_what_to_try_next(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    leave_out = shutil.ignore_patterns(".*", "__pycache__", "runs", "dist")
    shutil.copytree(ROOT, checkout, ignore=leave_out)
    done = subprocess.run([checkout / "scripts" / "demo"], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert sum(any(label in line for label in FASHION_MNIST_LABELS) for line in done.stdout.splitlines()) >= 10
    assert "fmnist-edge classify --camera 0" in done.stdout
    installed = {path.name for path in (checkout / ".venv").glob("lib/*/site-packages/*")}
    assert not installed & {"tensorflow", "keras"}
