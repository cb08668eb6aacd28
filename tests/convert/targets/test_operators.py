"""The tables of operators are what the runtimes register, and are made by a script."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from convert.targets.operators import TABLE_PATH, Target, read_table
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("target", "runtime", "dense", "convolution"),
    [
        (Target.LITERT, "ai-edge-litert 2.", 14, 8),
        (Target.TFLITE_RUNTIME, "tflite-runtime 2.14.0", 10, 7),
        (Target.MEDIAPIPE, "mediapipe 1.2.3", 17, 8),
    ],
)
def test_known_versions_are_in_the_tables(target: Target, runtime: str, dense: int, convolution: int) -> None:
    table = read_table(target)
    assert table.runtime.startswith(runtime)
    assert (table.highest["FULLY_CONNECTED"], table.highest["CONV_2D"]) == (dense, convolution)
    assert len(table.highest) > 150
    assert "TFLite_Detection_PostProcess" in table.custom


@pytest.mark.subprocess
def test_the_script_makes_the_table_of_the_runtime_that_is_installed_and_keeps_the_other(tmp_path: Path) -> None:
    """A newer LiteRT may register more than the table says, never less."""
    output = tmp_path / "operators.json"
    output.write_bytes(TABLE_PATH.read_bytes())
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "make-operator-table", "--output", output, sys.executable],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    made, kept = json.loads(output.read_text()), json.loads(TABLE_PATH.read_text())
    assert all(made[runtime] == kept[runtime] for runtime in ("tflite-runtime", "mediapipe"))
    assert made["litert"]["runtime"] == f"ai-edge-litert {version('ai-edge-litert')}"
    assert all(made["litert"]["highest"][name] >= highest for name, highest in kept["litert"]["highest"].items())
    if made["litert"]["runtime"] == kept["litert"]["runtime"]:
        assert output.read_bytes() == TABLE_PATH.read_bytes()


@pytest.mark.slow
@pytest.mark.subprocess
def test_a_runtime_that_crashes_does_not_end_the_script(tmp_path: Path) -> None:
    """A stand-in for a runtime, in front of the installed one: it dies of each ADD, and knows one version of all."""
    package = tmp_path / "ai_edge_litert"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "interpreter.py").write_text(
        "import os\n"
        "class Interpreter:\n"
        "    def __init__(self, model_content):\n"
        "        from flatbuffers import encode, packer, table, number_types as kinds\n"
        "        root = table.Table(model_content, encode.Get(packer.uoffset, model_content, 0))\n"
        "        code = table.Table(model_content, root.Indirect(root.Vector(root.Offset(6))))\n"
        "        def field(number, kind, default):\n"
        "            offset = code.Offset(4 + 2 * number)\n"
        "            return code.Get(kind, offset + code.Pos) if offset else default\n"
        "        if field(3, kinds.Int32Flags, 0) == 0: os.abort()\n"
        "        if field(2, kinds.Int32Flags, 1) > 1: raise ValueError('Didn\\'t find op')\n"
        "    def allocate_tensors(self): pass\n"
    )
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    output = tmp_path / "operators.json"
    subprocess.run([sys.executable, ROOT / "scripts" / "make-operator-table", "--output", output, python], check=True)
    highest = json.loads(output.read_text())["litert"]["highest"]
    assert "ADD" not in highest
    assert set(highest.values()) == {1}
    assert len(highest) > 150
