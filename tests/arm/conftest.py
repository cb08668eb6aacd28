"""Two Pythons with the wheel installed, this machine's and an emulated Raspberry Pi's, and what each observed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.arm.pictures import draw

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
CANNOT = 77
"""What scripts/arm-setup exits with where the machine lacks something, as automake's tests do."""

FIGURES: list[str] = []
"""Lines that pytest's summary shows: what was compared, and how far apart it was."""


@dataclass(frozen=True)
class Pythons:
    """The commands of the two Pythons; `wheel` is the folder that the wheel is installed in, for both."""

    host: Path
    arm64: Path
    wheel: Path


@dataclass(frozen=True)
class GuestSuite:
    """A run of pytest on Arm, and the file that it writes to."""

    process: subprocess.Popen[bytes]
    report: Path


Observation = Mapping[str, "NDArray[Any]"]


SAME_EVERYWHERE = ("bench", "board", "deployment", "events", "serve", "service")
"""Rooms in which nothing depends on the processor, and which want packages that the emulated machine does not have."""


@pytest.fixture(scope="session")
def pythons() -> Pythons:
    """scripts/arm-test has already made them; else they are made here, and the tests skipped where that cannot be."""
    made = os.environ.get("FMNIST_EDGE_ARM_PYTHONS")
    if not made:
        setup = subprocess.run([ROOT / "scripts" / "arm-setup"], capture_output=True, text=True, check=False)
        reason = setup.stderr.strip()
        if setup.returncode == CANNOT:
            pytest.skip(reason.splitlines()[-1])
        if setup.returncode:
            pytest.fail(f"scripts/arm-setup exited {setup.returncode}:\n{reason}")
        made = setup.stdout.strip()
    folder = Path(made)
    return Pythons(folder / "host-python", folder / "arm64-python", folder / "project")


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures; both machines get the same files."""
    folder = tmp_path_factory.mktemp("pictures")
    draw(folder)
    return folder


@pytest.fixture(scope="session")
def observations(
    pythons: Pythons, drawn: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Observation, Observation]:
    """What tests/arm/observation.py found here, and on Arm."""
    folder = tmp_path_factory.mktemp("observations")
    sample = ROOT / "tests" / "data" / "fashion_mnist_1000.npz"
    # -P, and a folder elsewhere: the wheel is observed, not the edge/ of this checkout.
    runs = [
        subprocess.Popen([python, "-P", HERE / "observation.py", drawn, sample, f"{side}.npz"], cwd=folder)
        for side, python in (("host", pythons.host), ("arm64", pythons.arm64))
    ]
    assert [run.wait() for run in runs] == [0, 0], "exit codes of observation.py here and on Arm"
    with np.load(folder / "host.npz") as host, np.load(folder / "arm64.npz") as arm64:
        return dict(host), dict(arm64)


@pytest.fixture(scope="session")
def guest_suite(pythons: Pythons, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuestSuite]:
    """The runtime's own tests, running on Arm beside the tests of this folder: they take longer than all of those.

    Left out are those that start a process, which the emulated machine cannot, and the one that wants the accuracy
    stated in a model to the last picture: a picture on the edge may fall to the other side on Arm.
    """
    folder = tmp_path_factory.mktemp("guest")
    exact = "tests/edge/inference/test_accuracy.py::test_a_bundled_model_has_exactly_the_accuracy_it_states"
    arguments: list[str | Path] = [
        *("-q", "-p", "no:cacheprovider", "-c", ROOT / "pyproject.toml", "--rootdir", ROOT),
        *("-m", "not subprocess and not slow", "--deselect", exact),
        *(argument for name in SAME_EVERYWHERE for argument in ("--ignore", ROOT / "tests" / "edge" / name)),
        *("--basetemp", folder / "tmp", ROOT / "tests" / "edge"),
    ]
    # Options of the run outside are not for the one inside.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    with (folder / "report").open("w+", encoding="utf-8") as report:
        command = [pythons.arm64, "-P", "-m", "pytest", *arguments]
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=report, stderr=report)
        yield GuestSuite(process, folder / "report")
        process.kill()
        process.wait()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the figures, passed or failed."""
    if FIGURES:
        terminalreporter.section("on Arm, beside this machine")
        for line in FIGURES:
            terminalreporter.line(line)
