"""Two Pythons with the wheel installed, this machine's and an emulated Raspberry Pi's, and what each observed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edge.datasets.dataset import Dataset, load
from edge.inference.model_file import bundled_models, read_model
from tests.arm.combinations import COMBINATIONS, EVERY_RUN, Combination, parameters
from tests.arm.pictures import draw

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
CANNOT = 77
"""What scripts/arm-setup exits with where the machine lacks something, as automake's tests do."""

IMAGES = 2000
"""The first of Fashion-MNIST's test images."""

FEWER = {"small": 200, "camera": 100, "camera-zero": 20, "base": 20}
"""Evenly spread, for models of which an image costs up to a sixth of a second there. The last three are one network."""

PHOTOS = os.environ.get("FMNIST_EDGE_ARM_PHOTOS")
"""A folder of photos to compare as well: scripts/arm-test --photos FOLDER."""

FIGURES: list[str] = []
"""Lines that pytest's summary shows: what was compared, and how far apart it was."""


@dataclass(frozen=True)
class Pythons:
    """The commands of the two Pythons; `wheel` is the folder that the wheel is installed in, for both."""

    host: Path
    arm64: Path
    wheel: Path
    environment: Mapping[str, str]


@dataclass(frozen=True)
class GuestSuite:
    """A run of pytest on Arm, and the file that it writes to."""

    process: subprocess.Popen[bytes]
    report: Path


Observation = Mapping[str, "NDArray[Any]"]
Observations = tuple[Observation, Observation]
"""This machine's, and the emulated one's."""


OWN_TESTS_ON_ARM = (
    *("isolation", "sources/test_orientation.py", "sources/test_pictures.py", "stream/test_motion.py"),
    *(
        f"inference/test_{name}.py"
        for name in ("accuracy", "classifier", "early_exit", "interpreters", "small_pictures")
    ),
)
"""Tests of what a processor computes. Texts, sockets, files and options are the same everywhere, and emulation takes
fifteen times as long."""

TOO_LONG_THERE = (
    "inference/test_accuracy.py::test_a_bundled_model_has_exactly_the_accuracy_it_states",
    "inference/test_accuracy.py::test_a_larger_model_is_measured_on_the_same_pictures",
    "inference/test_accuracy.py::test_progress_ends_at_the_number_of_pictures",
    "inference/test_classifier.py::test_frames_and_arrays_give_the_same_answers",
    "inference/test_interpreters.py::test_runs_agree_with_the_stated_accuracy_on_the_sample",
    "inference/test_small_pictures.py::test_answers_are_equal_to_the_bit[litert-camera]",
    "inference/test_small_pictures.py::test_answers_are_equal_to_the_bit[litert-camera-zero]",
    "isolation/test_network_input.py::test_a_larger_model_sees_the_same_garment_in_more_pixels",
    "isolation/test_person.py::test_it_fires_on_people_of_every_tone_alike",
    "isolation/test_person.py::test_of_every_tone_the_head_goes_and_the_garment_stays",
    "stream/test_motion.py::test_a_video_file_has_its_own_time",
)
"""The first wants the accuracy stated in a model to the last picture, too: one on the edge may fall to the other side
on Arm. The others take up to two minutes each; the answers that they count are compared by tests/arm/test_arm.py, and
`base` is the network of the two camera models."""


@cache
def set_up(combination: Combination) -> Pythons:
    """scripts/arm-test has made those of every run; others are made here, or the tests skipped where that cannot be."""
    environment = {**os.environ, **combination.environment}
    as_every_run = (combination.python, combination.runtime) == (EVERY_RUN.python, EVERY_RUN.runtime)
    made = os.environ.get("FMNIST_EDGE_ARM_PYTHONS") if as_every_run else None
    if not made:
        command = [ROOT / "scripts" / "arm-setup"]
        setup = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        reason = setup.stderr.strip()
        if setup.returncode == CANNOT:
            pytest.skip(reason.splitlines()[-1])
        if setup.returncode:
            pytest.fail(f"scripts/arm-setup exited {setup.returncode}:\n{reason}")
        made = setup.stdout.strip()
    folder = Path(made)
    environment["FMNIST_EDGE_ARM_PYTHONS"] = made
    return Pythons(folder / "host-python", folder / "arm64-python", folder / "project", environment)


@pytest.fixture(scope="session", params=parameters(COMBINATIONS))
def combination(request: pytest.FixtureRequest) -> Combination:
    """The emulated Raspberry Pi."""
    chosen: Combination = request.param
    return chosen


@pytest.fixture(scope="session")
def pythons(combination: Combination, guests: Guests) -> Pythons:
    """The runtime's own tests run beside those that use this: they take longer."""
    guests.start(combination)
    return set_up(combination)


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures; both machines get the same files."""
    folder = tmp_path_factory.mktemp("pictures")
    draw(folder)
    return folder


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    return load("test").first(IMAGES)


@pytest.fixture(scope="session")
def images(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The images in a file; both machines get the same."""
    path = tmp_path_factory.mktemp("images") / "images.npz"
    np.savez(path, images=dataset.images)
    return path


@cache
def image_counts() -> Mapping[str, int]:
    """How many images each bundled model gets that a CPU can run."""
    names = (name for name in bundled_models() if not read_model(name).compiled_for_edgetpu)
    return {name: FEWER.get(name, IMAGES) for name in names}


Observe = Callable[..., Observations]


@pytest.fixture(scope="session")
def observe(pythons: Pythons, combination: Combination, tmp_path_factory: pytest.TempPathFactory) -> Observe:
    """What tests/arm/observation.py finds here, and on Arm."""

    def run(*what: object) -> Observations:
        folder = tmp_path_factory.mktemp("observations")
        # -P, and a folder elsewhere: the wheel is observed, not the edge/ of this checkout.
        runs = [
            subprocess.Popen(
                [python, "-P", HERE / "observation.py", combination.runtime, f"{side}.npz", *map(str, what)],
                cwd=folder,
                env=pythons.environment,
            )
            for side, python in (("host", pythons.host), ("arm64", pythons.arm64))
        ]
        assert [run.wait() for run in runs] == [0, 0], "exit codes of observation.py here and on Arm"
        with np.load(folder / "host.npz") as host, np.load(folder / "arm64.npz") as arm64:
            return dict(host), dict(arm64)

    return run


@pytest.fixture(scope="session")
def answers(observe: Observe, images: Path) -> Observations:
    """Outputs of all models."""
    return observe("images", images, *(f"{name}:{count}" for name, count in image_counts().items()))


@pytest.fixture(scope="session", params=["drawn", *(["photos"] if PHOTOS else [])])
def seen(request: pytest.FixtureRequest, observe: Observe, drawn: Path) -> Observations:
    """Pictures decoded, prepared and classified."""
    return observe("pictures", drawn if request.param == "drawn" else Path(str(PHOTOS)).resolve())


class Guests:
    """Runs of the runtime's own tests on Arm.

    Left out are those that start a process, which the emulated machine cannot.
    """

    def __init__(self, wanted: set[Combination], folder: Callable[[str], Path]) -> None:
        self._wanted = wanted
        self._folder = folder
        self._running: dict[Combination, GuestSuite] = {}

    def start(self, combination: Combination) -> GuestSuite | None:
        """The run of these tests there, started if it is wanted and has not been."""
        if combination in self._wanted and combination not in self._running:
            self._running[combination] = self._run(set_up(combination))
        return self._running.get(combination)

    def _run(self, pythons: Pythons) -> GuestSuite:
        folder = self._folder("guest")
        arguments: list[str | Path] = [
            *("-q", "-p", "no:cacheprovider", "-c", ROOT / "pyproject.toml", "--rootdir", ROOT),
            *("-m", "not subprocess and not slow", "--basetemp", folder / "tmp", "--durations=15"),
            *(argument for name in TOO_LONG_THERE for argument in ("--deselect", f"tests/edge/{name}")),
            *(ROOT / "tests" / "edge" / name for name in OWN_TESTS_ON_ARM),
        ]
        # Options of the run outside are not for the one inside.
        environment = {
            name: value for name, value in pythons.environment.items() if not name.startswith(("PYTEST_", "COV_"))
        }
        with (folder / "report").open("w", encoding="utf-8") as report:
            command = [pythons.arm64, "-P", "-m", "pytest", *arguments]
            process = subprocess.Popen(command, cwd=folder, env=environment, stdout=report, stderr=report)
        return GuestSuite(process, folder / "report")

    def stop(self) -> None:
        """End what still runs."""
        for suite in self._running.values():
            suite.process.kill()
            suite.process.wait()


@pytest.fixture(scope="session")
def guests(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guests]:
    """The runs that this session's tests will ask for, which may be started before."""
    wanted = {
        item.callspec.params["own_tests_on"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and "own_tests_on" in item.fixturenames
    }
    running = Guests(wanted, tmp_path_factory.mktemp)
    yield running
    running.stop()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the figures, passed or failed."""
    if FIGURES:
        terminalreporter.section("on Arm, beside this machine")
        for line in FIGURES:
            terminalreporter.line(line)
