"""The built wheel in an empty environment: what a Raspberry Pi gets."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.subprocess]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment that holds the wheel and what it depends on."""
    folder = tmp_path_factory.mktemp("device")
    venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin" / "pip", "install", "-q", wheel], check=True, capture_output=True)
    return folder / "bin"


def test_the_wheel_carries_models_and_samples_and_no_tests(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "edge/models/mlp.tflite",
        "edge/samples/bag.png",
        "edge/samples/fashion_mnist_300.npz",
        "edge/bench/schema.json",
        "edge/bench/x86_outputs.npz",
        "edge/serve/page/app.js",
        "edge/serve/page/index.html",
        "edge/serve/page/page.css",
        "train/cli/app.py",
        "convert/cli/app.py",
        "convert/targets/operators.json",
        "convert/targets/runtime_child.py",
    } <= names
    assert not [name for name in names if name.startswith(("tests/", "scripts/")) or "__pycache__" in name]


def test_the_device_gets_no_framework(installed: Path) -> None:
    listing = subprocess.run(
        [installed / "pip", "list", "--format", "json"], check=True, capture_output=True, text=True
    ).stdout
    names = {package["name"].lower() for package in json.loads(listing)}
    assert {"fmnist-edge", "ai-edge-litert", "opencv-python-headless", "typer"} <= names
    assert not names & {"tensorflow", "keras", "torch", "jax", "pydantic", "matplotlib"}


def test_the_device_classifies(installed: Path, tmp_path: Path) -> None:
    command = [installed / "fmnist-edge", "classify", "samples:", "-f", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 10
    version = subprocess.run([installed / "fmnist-edge", "--version"], capture_output=True, text=True, check=True)
    assert version.stdout.startswith("fmnist-edge 0.")


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        (["convert", "quantize", "model.keras"], "convert"),
        (["fmnist-convert", "quantize", "model.keras"], "convert"),
        (["fmnist-train", "mlp"], "train"),
        (["convert", "publish", "status", "."], "update"),
        (["fmnist-edge", "update", "--repository", "http://a", "--models", ".", "--root", "root.json"], "update"),
    ],
)
def test_a_command_without_its_extra_says_how_to_get_it(
    installed: Path, tmp_path: Path, command: list[str], extra: str
) -> None:
    done = subprocess.run(
        [installed / command[0], *command[1:]], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 8, done.stderr
    assert f"pip install 'fmnist-edge[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr
