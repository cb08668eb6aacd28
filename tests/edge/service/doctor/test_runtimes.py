"""Runtimes run a model, in a child process, and say whether XNNPACK took it over."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.inference.model_file import read_model
from edge.service.doctor.finding import Status
from edge.service.doctor.runtimes import CPU_FILES, RUNTIMES, cpu_files, runtime
from tests.edge.service.doctor.planted import plant

PACKAGES = {"litert": "ai-edge-litert", "tflite-runtime": "tflite-runtime"}


def only(backend: str) -> dict[str, str]:
    return {PACKAGES[backend]: RUNTIMES[PACKAGES[backend]]}


@pytest.fixture(scope="module")
def flatbuffer() -> bytes:
    return read_model("tiny").flatbuffer


def test_the_processors_files_can_be_read(tmp_path: Path) -> None:
    assert cpu_files(Path("/")).status is Status.OK
    plant(tmp_path, dict.fromkeys(CPU_FILES, "0-3\n"))
    assert cpu_files(tmp_path).status is Status.OK


def test_a_processor_that_is_wholly_hidden_is_a_failure(tmp_path: Path) -> None:
    found = cpu_files(tmp_path)
    assert (found.status, "ProcSubset" in found.mend) == (Status.FAIL, True)


@pytest.mark.parametrize("hidden", CPU_FILES)
@pytest.mark.parametrize("how", ["missing", "empty"])
def test_a_hidden_file_of_the_processor_is_warned_of(tmp_path: Path, hidden: str, how: str) -> None:
    plant(tmp_path, dict.fromkeys(CPU_FILES, "0-3\n"))
    if how == "missing":
        (tmp_path / hidden).unlink()
    else:
        (tmp_path / hidden).write_text("")
    found = cpu_files(tmp_path)
    assert found.status is Status.WARN
    assert f"/{hidden}" in found.found
    assert "ProcSubset" in found.mend


@pytest.mark.subprocess
def test_a_runtime_runs_and_says_whether_xnnpack_is_on(backend: str, flatbuffer: bytes) -> None:
    """tflite-runtime 2.14 has it for float models only."""
    found = runtime(flatbuffer, only(backend))
    assert PACKAGES[backend] in found.found
    if backend == "litert":
        assert (found.status, "XNNPACK is on" in found.found) == (Status.OK, True), found
    else:
        assert (found.status, "XNNPACK is off" in found.found) == (Status.WARN, True), found
        assert found.mend.startswith("pip install ai-edge-litert")
        assert runtime(flatbuffer, {**only("litert"), **only(backend)}).status is Status.OK


SPOILT = """
import functools, os, signal
import {module} as module
Interpreter = module.Interpreter
"""
WITHOUT_XNNPACK = """
off = module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
module.Interpreter = functools.partial(Interpreter, experimental_op_resolver_type=off)
"""
SILENT = "del Interpreter._get_ops_details"
CRASHES = "Interpreter.invoke = lambda self: os.kill(os.getpid(), signal.SIGSEGV)"


@pytest.mark.subprocess
@pytest.mark.parametrize(
    ("how", "status", "word"),
    [
        (WITHOUT_XNNPACK, Status.WARN, "XNNPACK is off"),
        (SILENT, Status.OK, "does not say"),
        (CRASHES, Status.FAIL, "crash (SIGSEGV)"),
    ],
)
def test_a_runtime_that_is_not_as_it_should(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    backend: str,
    flatbuffer: bytes,
    how: str,
    status: Status,
    word: str,
) -> None:
    """Python reads sitecustomize before anything else: there the real runtime is spoilt."""
    plant(tmp_path, {"sitecustomize.py": SPOILT.format(module=RUNTIMES[PACKAGES[backend]]) + how})
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = runtime(flatbuffer, only(backend))
    assert found.status is status, found
    assert word in found.found
    assert bool(found.mend) == (status is not Status.OK)


@pytest.mark.subprocess
def test_one_runtime_that_works_is_enough(tmp_path: Path, backend: str, flatbuffer: bytes) -> None:
    """NumPy is installed, and no runtime."""
    found = runtime(flatbuffer, {"numpy": "numpy", **only(backend)})
    assert found.status is Status.WARN, found
    assert "does not run a model" in found.found
    assert "runs a model" in found.found
    assert runtime(flatbuffer, {"numpy": "numpy"}).status is Status.FAIL


def test_no_runtime_is_a_failure(flatbuffer: bytes) -> None:
    found = runtime(flatbuffer, {"no-such-runtime": "no_such_runtime"})
    assert found.status is Status.FAIL
    assert found.mend == "pip install ai-edge-litert"
