"""The architecture is held by checks, and each check is seen to fail on a planted violation."""

from __future__ import annotations

import pkgutil
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import edge
from tests.conftest import ROOT

pytestmark = pytest.mark.subprocess

REFUSE_AND_IMPORT = """
import importlib, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"tensorflow", "keras", "torch", "jax", "pydantic", "train", "convert", "matplotlib"}:
            raise ImportError(f"{name} is refused here")

sys.meta_path.insert(0, Refuse())
for module in sys.argv[1:]:
    importlib.import_module(module)
"""


def run(*command: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The source tree, free to be spoilt."""
    for name in ("edge", "train", "convert"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.tflite"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_module_of_edge_imports_without_tensorflow() -> None:
    modules = [module.name for module in pkgutil.walk_packages(edge.__path__, "edge.")]
    assert len(modules) > 50
    done = run(sys.executable, "-c", REFUSE_AND_IMPORT, *modules)
    assert done.returncode == 0, done.stderr


def test_the_refusal_refuses(copy: Path) -> None:
    (copy / "edge" / "planted.py").write_text("import keras\n")
    done = run(sys.executable, "-c", REFUSE_AND_IMPORT, "edge.planted", cwd=copy)
    assert "keras is refused here" in done.stderr


LINT_IMPORTS = (sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()")


def test_the_layers_hold() -> None:
    done = run(*LINT_IMPORTS)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("package", "line"),
    [("edge", "import train.cli.app"), ("train", "import convert.cli.app"), ("convert", "import train.cli.app")],
)
def test_a_planted_import_across_the_layers_is_found(copy: Path, package: str, line: str) -> None:
    (copy / package / "planted.py").write_text(f"{line}\n")
    done = run(*LINT_IMPORTS, cwd=copy)
    assert done.returncode == 1
    assert "BROKEN" in done.stdout


@pytest.mark.parametrize("line", ["import tensorflow", "from keras import ops", "import cv2", "import convert.cli"])
def test_ruff_refuses_a_banned_import_in_edge(copy: Path, line: str) -> None:
    (copy / "edge" / "planted.py").write_text(f'"""A module."""\n\n{line}\n')
    done = run(sys.executable, "-m", "ruff", "check", "--select", "TID251", "edge", cwd=copy)
    assert done.returncode == 1
    assert "TID251" in done.stdout


def test_files_stay_short() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for folder in ("edge", "train", "convert", "tests")
        for path in (ROOT / folder).rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 400
    }
    assert long == {}
