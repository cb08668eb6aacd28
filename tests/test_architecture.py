"""The architecture is held by checks, and each check is seen to fail on a planted violation."""

from __future__ import annotations

import ast
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
    ("place", "line"),
    [
        ("edge", "import train.cli.app"),
        ("train", "import convert.cli.app"),
        ("convert", "import train.cli.app"),
        ("edge/sources", "import edge.inference.classifier"),
        ("edge/sources", "import edge.isolation.garment"),
        ("convert/inputs", "from convert.quantize import search"),
        ("train/data", "def later() -> None:\n    import train.fitting.fit"),
    ],
)
def test_a_planted_import_upwards_or_across_is_found(copy: Path, place: str, line: str) -> None:
    (copy / place / "planted.py").write_text(f"{line}\n")
    done = run(*LINT_IMPORTS, cwd=copy)
    assert done.returncode == 1
    assert "BROKEN" in done.stdout


def test_a_room_or_file_without_a_layer_is_found(copy: Path) -> None:
    (copy / "edge" / "planted.py").write_text("")
    done = run(*LINT_IMPORTS, cwd=copy)
    assert done.returncode == 1
    assert "planted" in done.stdout


def circles(root: Path) -> list[set[str]]:
    """The sets of modules of the three packages that import each other, wherever in a file they do."""
    files = {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
        for package in ("edge", "train", "convert")
        for path in (root / package).rglob("*.py")
    }
    graph = {name: imported(path) & files.keys() for name, path in files.items()}
    reached = {name: reachable(graph, name) for name in graph}
    found = [{other for other in reached[name] if name in reached[other]} for name in graph]
    return [circle for number, circle in enumerate(found) if circle and circle not in found[:number]]


def imported(path: Path) -> set[str]:
    """Names that a file imports, as modules and as what is in them."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def reachable(graph: dict[str, set[str]], name: str) -> set[str]:
    """Everything that is imported by a module, directly or not; the module itself only if it is in a circle."""
    seen: set[str] = set()
    ahead = set(graph[name])
    while ahead:
        one = ahead.pop()
        if one not in seen:
            seen.add(one)
            ahead |= graph[one]
    return seen


def test_no_modules_import_each_other(copy: Path) -> None:
    """Layers do not see circles within a room. Planted: one between three files."""
    assert circles(ROOT) == []
    for name, other in (("a", "b"), ("b", "c"), ("c", "a")):
        (copy / "edge" / "stream" / f"planted_{name}.py").write_text(f"from edge.stream import planted_{other}\n")
    assert circles(copy) == [{f"edge.stream.planted_{name}" for name in "abc"}]


def test_every_room_says_what_it_is_for() -> None:
    """One paragraph or two: what comes in, what goes out, what to read first."""
    rooms = [path for package in ("edge", "train", "convert") for path in (ROOT / package).glob("*/__init__.py")]
    assert len(rooms) == 30
    for room in rooms:
        tree = ast.parse(room.read_text())
        assert len(tree.body) == 1, f"{room} holds more than its docstring"
        assert ast.get_docstring(tree), f"{room} says nothing"


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
        if (lines := len(path.read_text().splitlines())) > 300
    }
    assert long == {}
