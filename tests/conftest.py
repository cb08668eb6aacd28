"""Fixtures that the whole suite shares."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import numpy as np
import pytest

from edge.choices import DEFAULT_MODEL
from edge.inference.classifier import Classifier, open_classifier
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import MARKER, Model, read_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
# An emulated processor, or one that is shared, takes as long as it takes.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--backends",
        default="litert",
        help="comma-separated runtimes that must be installed here and obey the contract: litert,tflite-runtime",
    )
    parser.addoption(
        "--runtimes",
        default="",
        help="comma-separated runtimes that must be there: mediapipe and tflite-runtime in .venv-mediapipe and "
        ".venv-tflite, as scripts/test makes them, and chromium on PATH",
    )


def pytest_configure() -> None:
    """A suite started in the background inherits "ignore Ctrl-C", and so would the commands that it starts.

    What Python compiles it keeps, whatever it was told: each start would compile TensorFlow again, for twelve seconds.
    Tests import Keras before train/quiet.py could say that oneDNN computes, as in the commands: to the bit the same.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ["FMNIST_EDGE_CONFIG"] = os.devnull  # not this machine's own /etc/fmnist-edge.toml
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`backend` runs over what --backends promises: a runtime that is missing fails, it is not skipped."""
    if "backend" in metafunc.fixturenames:
        metafunc.parametrize("backend", metafunc.config.getoption("--backends").split(","))


RUNTIME_FOLDERS = {"mediapipe": ".venv-mediapipe", "tflite-runtime": ".venv-tflite"}

RuntimePython = Callable[[str], Path]


@pytest.fixture(scope="session")
def runtime_python(request: pytest.FixtureRequest) -> RuntimePython:
    """The Python of a runtime's own environment; where there is none, a test is skipped unless --runtimes has it."""

    def find(runtime: str) -> Path:
        python = ROOT / RUNTIME_FOLDERS[runtime] / "bin" / "python"
        if not python.exists() and runtime not in request.config.getoption("--runtimes").split(","):
            pytest.skip(f"no {python.relative_to(ROOT)}: scripts/test --all makes it")
        return python

    return find


@dataclass(frozen=True)
class Sample:
    """1,000 images of the Fashion-MNIST test set, 100 of each class: uint8 (1000, 28, 28) and (1000,)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]


@pytest.fixture(scope="session")
def sample() -> Sample:
    with np.load(ROOT / "tests" / "data" / "fashion_mnist_1000.npz") as archive:
        return Sample(archive["images"], archive["labels"])


def plain(model: Model) -> bytes:
    """The model as another converter might have written it: nothing says that there ever was a manifest."""
    return model.flatbuffer.replace(MARKER, b"?" * len(MARKER))


@pytest.fixture(scope="session")
def model() -> Model:
    return read_model(DEFAULT_MODEL)


@pytest.fixture(scope="session")
def classifier(model: Model) -> Classifier:
    return open_classifier(model, open_interpreter(model))


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def fmnist_edge() -> Run:
    """The command as its user meets it: a process of its own, in this interpreter."""

    def run(
        *arguments: object, stdin: bytes | None = None, cwd: Path | None = None, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "edge.cli", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            timeout=120,
            check=False,
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        )
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    return run
