"""`convert inspect`: the file as it is, against what the runtime says of it; TensorFlow stays out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from convert.cli.app import app
from convert.tflite.manifest import attach
from edge.errors import ModelDamaged, ModelUnsupported
from edge.inference.model_file import bundled_models, read_model
from edge.inference.runtimes import litert
from tests.conftest import plain

ROOT = Path(__file__).parents[3]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["inspect", *map(str, arguments)])


@pytest.mark.parametrize("name", bundled_models())
def test_it_says_what_the_runtime_says(name: str) -> None:
    result = run(name, "-f", "json")
    assert result.exception is None, result.exception
    document = json.loads(result.stdout)
    interpreter = litert().interpreter_class(model_content=read_model(name).flatbuffer)
    known = {details["name"]: details for details in interpreter.get_tensor_details()}
    (graph,) = document["graphs"]
    assert len(graph["operations"]) >= 5
    tensors: list[Any] = graph["inputs"] + graph["outputs"]
    tensors += [one for operation in graph["operations"] for one in operation["outputs"] + operation["constants"]]
    for tensor in tensors:
        details = known[tensor["name"]]
        assert tensor["shape"] == [int(size) for size in details["shape"]]
        assert tensor["scales"] == len(details["quantization_parameters"]["scales"])
        if tensor["scales"] == 1:
            assert (tensor["scale"], tensor["zero_point"]) == details["quantization"]
    assert document["manifest"] == read_model(name).manifest


def test_the_table_has_operations_scales_and_where_it_comes_from() -> None:
    lines = run("small").stdout.splitlines()
    assert any("input" in line and "28x28" in line and "1, -128" in line for line in lines)
    assert sum("CONV_2D" in line for line in lines) >= 9
    assert any(line.startswith("trained by: fmnist-train edge ") for line in lines)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    content = plain(read_model("small"))
    path = tmp_path / "short.tflite"
    path.write_bytes(content[: len(content) // 2])
    result = run(path)
    assert isinstance(result.exception, ModelDamaged)


@pytest.mark.subprocess
def test_it_loads_no_tensorflow() -> None:
    program = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from convert.cli.app import app\n"
        "result = CliRunner().invoke(app, ['inspect', 'small'])\n"
        "assert 'SOFTMAX' in result.stdout, result.stdout\n"
        "heavy = {'keras', 'tensorflow', 'cv2', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})


@pytest.mark.parametrize("part", ["accuracy", "provenance"])
@pytest.mark.parametrize("odd", [None, 7, [], {}, "x", {"int8": "x", "data": 1, "float": None}])
def test_a_manifest_of_another_kind_is_named(tmp_path: Path, part: str, odd: object) -> None:
    model = read_model("tiny")
    assert model.manifest is not None
    path = tmp_path / "odd.tflite"
    path.write_bytes(attach(model.flatbuffer, {**model.manifest, part: odd}))
    assert isinstance(run(path).exception, ModelUnsupported)
    assert run(path, "-f", "json").exception is None
    assert run(path, "-f", "json").exit_code == 0
