"""`auto` walks Coral, LiteRT and tflite-runtime, and knows why it took what it took."""

from __future__ import annotations

import builtins
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.choices import BEST_ON_FASHION_MNIST, Backend
from edge.errors import BackendUnavailable, BadOption, Cause, ModelNotFound, ModelUnsupported
from edge.inference import edgetpu
from edge.inference.backends import Opened, open_backend
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import Model, read_model
from tests.edge.inference.edgetpu_library import write_compiled, write_model

MISSING = "libedgetpu-that-is-not-there.so.1"
PICTURES = np.random.default_rng(0).integers(-128, 128, (6, 28, 28)).astype(np.int8)


@pytest.fixture(scope="module")
def parent() -> Model:
    return read_model(BEST_ON_FASHION_MNIST)


@pytest.fixture
def compiled(tmp_path: Path, parent: Model) -> Model:
    """Compiled from the file beside it."""
    shutil.copy(parent.path, tmp_path / "mine.tflite")
    return read_model(str(write_compiled(tmp_path / "mine_edgetpu.tflite", parent)))


@pytest.fixture
def alone(tmp_path: Path) -> Model:
    """Compiled from a file that is not there."""
    return read_model(str(write_compiled(tmp_path / "alone.tflite", None)))


def never(*change: str) -> None:
    raise AssertionError(change)


def opened(model: Model, library: Path | str = MISSING, **settings: Any) -> Opened:
    return open_backend(model, never, delegate=str(library), **settings)


def test_a_model_for_the_cpu_does_not_even_look_for_a_coral(parent: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edgetpu, "EdgeTpuInterpreter", never)
    taken = opened(parent)
    assert taken.backend in {Backend.LITERT, Backend.TFLITE_RUNTIME}
    assert taken.model is parent
    assert taken.reasons[0].backend is Backend.CORAL
    assert taken.reasons[0].cause is Cause.NOT_COMPILED
    assert str(parent.path) in taken.reasons[0].text


def test_each_backend_opens_by_name(backend: str, parent: Model) -> None:
    taken = opened(parent, backend=Backend(backend))
    assert (taken.backend, taken.reasons) == (Backend(backend), ())
    assert taken.interpreter.name.startswith({"litert": "ai-edge-litert"}.get(backend, backend))


@pytest.mark.subprocess
def test_a_compiled_model_takes_the_coral(compiled: Model, edgetpu_library: Path) -> None:
    taken = opened(compiled, edgetpu_library)
    assert (taken.backend, taken.model, taken.reasons) == (Backend.CORAL, compiled, ())
    assert taken.interpreter.run(PICTURES).argmax(axis=1).tolist() == [3] * 6


@pytest.mark.subprocess
@pytest.mark.parametrize(
    ("fault", "cause"),
    [("fail load", Cause.NO_DEVICE), ("fail prepare", Cause.MODEL_REFUSED), ("abort load", Cause.CRASH)],
)
def test_without_a_coral_the_twin_runs_with_a_warning_that_says_why(
    compiled: Model, edgetpu_library: Path, fault: str, cause: Cause, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGETPU_FAULT", fault)
    monkeypatch.setattr(edgetpu, "find_edgetpus", list)
    with pytest.warns(UserWarning, match=r"mine\.tflite runs on the CPU instead") as warned:
        taken = opened(compiled, edgetpu_library)
    assert len(warned) == 1
    assert [(reason.backend, reason.cause) for reason in taken.reasons] == [(Backend.CORAL, cause)]
    assert taken.reasons[0].text in str(warned[0].message)
    assert taken.model.path.name == "mine.tflite"
    np.testing.assert_array_equal(taken.interpreter.run(PICTURES), open_interpreter(taken.model).run(PICTURES))


@pytest.mark.subprocess
def test_a_missing_library_is_a_reason(compiled: Model) -> None:
    with pytest.warns(UserWarning, match="is not installed"):
        assert opened(compiled).reasons[0].cause is Cause.LIBRARY_MISSING


@pytest.mark.subprocess
@pytest.mark.parametrize("settings", [{"require_coral": True}, {"backend": Backend.CORAL}])
def test_who_asks_for_the_coral_gets_no_other(compiled: Model, settings: dict[str, Any]) -> None:
    with pytest.raises(BackendUnavailable, match="is not installed") as caught:
        opened(compiled, **settings)
    assert caught.value.exit_code == 5
    assert "libedgetpu" in caught.value.hint


def test_a_coral_is_required_for_a_model_that_cannot_use_it(parent: Model) -> None:
    with pytest.raises(BackendUnavailable, match="is not compiled for the Edge TPU") as caught:
        opened(parent, require_coral=True)
    assert caught.value.cause is Cause.NOT_COMPILED
    assert "convert edgetpu" in caught.value.hint


@pytest.mark.subprocess
def test_a_named_coral_takes_a_model_for_the_cpu_with_a_warning(parent: Model, edgetpu_library: Path) -> None:
    with pytest.warns(UserWarning, match="not compiled for the Edge TPU: the CPU will do the work"):
        taken = opened(parent, edgetpu_library, backend=Backend.CORAL)
    np.testing.assert_array_equal(taken.interpreter.run(PICTURES), open_interpreter(parent).run(PICTURES))


@pytest.mark.subprocess
def test_without_coral_and_twin_every_reason_is_told_once(alone: Model) -> None:
    with pytest.raises(BackendUnavailable) as caught:
        opened(alone)
    assert caught.value.message.count("coral: ") == 1
    assert caught.value.message.count("its model for the CPU is not there") == 1
    assert "libedgetpu" in caught.value.hint
    assert "--cpu-model" in caught.value.hint


@pytest.mark.subprocess
def test_a_coral_without_a_twin_works_and_knows_that_it_has_none(alone: Model, edgetpu_library: Path) -> None:
    taken = opened(alone, edgetpu_library)
    assert taken.backend is Backend.CORAL
    assert [(reason.backend, reason.cause) for reason in taken.reasons] == [(Backend.LITERT, Cause.COMPILED)]


@pytest.mark.subprocess
def test_a_named_cpu_model_is_taken(alone: Model, parent: Model) -> None:
    with pytest.warns(UserWarning, match=r"small\.tflite runs on the CPU instead"):
        assert opened(alone, cpu_model=parent.path).model.path == parent.path
    named = opened(alone, cpu_model=parent.path, backend=Backend.LITERT)
    assert (named.backend, named.model.path) == (Backend.LITERT, parent.path)


@pytest.mark.subprocess
def test_a_named_cpu_model_that_does_not_fit_is_an_error_at_once(
    alone: Model, parent: Model, edgetpu_library: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelNotFound):
        opened(alone, edgetpu_library, cpu_model=tmp_path / "none.tflite")
    uneven = read_model(str(write_compiled(tmp_path / "uneven.tflite", None, scale=0.5)))
    with pytest.raises(ModelUnsupported, match="the input of the CPU model"):
        opened(uneven, edgetpu_library, cpu_model=parent.path)


@pytest.mark.subprocess
def test_a_twin_of_other_tensors_is_no_twin(edgetpu_library: Path, parent: Model, tmp_path: Path) -> None:
    uneven = read_model(str(write_compiled(tmp_path / "mine_edgetpu.tflite", None, scale=0.5)))
    write_model(tmp_path / "mine.tflite", parent.flatbuffer, parent)
    taken = opened(uneven, edgetpu_library)
    assert [reason.cause for reason in taken.reasons] == [Cause.MODEL_REFUSED]


def test_contradictions_are_refused(parent: Model) -> None:
    for cpu in (Backend.LITERT, Backend.TFLITE_RUNTIME):
        with pytest.raises(BadOption, match="--require-coral"):
            opened(parent, backend=cpu, require_coral=True)
    with pytest.raises(BadOption, match="--cpu-model"):
        opened(parent, cpu_model=parent.path, require_coral=True)
    with pytest.raises(BadOption, match="--cpu-model"):
        opened(parent, backend=Backend.CORAL, cpu_model=parent.path)


@pytest.mark.subprocess
@pytest.mark.parametrize("fault", ["fail 5", "abort 5", "hang 5"])
def test_a_coral_that_fails_in_mid_run_is_replaced_and_the_batch_answered(
    compiled: Model, edgetpu_library: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGETPU_FAULT", fault)
    changes: list[tuple[str, str, str]] = []
    taken = open_backend(compiled, lambda *change: changes.append(change), delegate=str(edgetpu_library))
    interpreter = taken.interpreter
    assert interpreter.run(PICTURES[:3]).argmax(axis=1).tolist() == [3] * 3
    before = interpreter.name
    on_cpu = open_interpreter(read_model(BEST_ON_FASHION_MNIST)).run(PICTURES)
    np.testing.assert_array_equal(interpreter.run(PICTURES), on_cpu)
    assert [change[:2] for change in changes] == [(before, interpreter.name)]
    assert str(edgetpu_library) in before
    assert str(edgetpu_library) not in interpreter.name
    np.testing.assert_array_equal(interpreter.run(PICTURES), on_cpu)
    assert len(changes) == 1


@pytest.mark.subprocess
@pytest.mark.parametrize("fault", ["fail 5", "abort 5", "hang 5"])
@pytest.mark.parametrize("settings", [{"require_coral": True}, {"backend": Backend.CORAL}])
def test_a_coral_that_is_required_is_not_replaced(
    compiled: Model, edgetpu_library: Path, fault: str, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGETPU_FAULT", fault)
    interpreter = opened(compiled, edgetpu_library, **settings).interpreter
    with pytest.raises(BackendUnavailable) as caught:
        interpreter.run(PICTURES)
    assert "plug the Coral in again" in caught.value.hint


def without_runtimes(monkeypatch: pytest.MonkeyPatch, *missing: str) -> None:
    real_import = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name.startswith(missing):
            raise ImportError(f"No module named {name!r}")
        return real_import(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)


def test_auto_reports_every_reason_when_all_fail(monkeypatch: pytest.MonkeyPatch, parent: Model) -> None:
    without_runtimes(monkeypatch, "ai_edge_litert", "tflite_runtime")
    with pytest.raises(BackendUnavailable) as caught:
        opened(parent)
    assert "; tflite-runtime: " in caught.value.message
    assert "can load this model: litert: " in caught.value.message
    assert caught.value.cause is Cause.NOT_INSTALLED
    assert "ai-edge-litert" in caught.value.hint


def test_a_coral_without_any_runtime_says_so(monkeypatch: pytest.MonkeyPatch, compiled: Model) -> None:
    without_runtimes(monkeypatch, "ai_edge_litert", "tflite_runtime")
    with pytest.raises(BackendUnavailable, match="LiteRT does not import") as caught:
        opened(compiled, require_coral=True)
    assert caught.value.cause is Cause.NOT_INSTALLED


def test_the_older_runtime_is_taken_where_the_newer_is_missing(
    monkeypatch: pytest.MonkeyPatch, parent: Model, request: pytest.FixtureRequest
) -> None:
    if "tflite-runtime" not in request.config.getoption("--backends"):
        pytest.skip("needs tflite-runtime")
    without_runtimes(monkeypatch, "ai_edge_litert")
    taken = opened(parent)
    assert taken.backend is Backend.TFLITE_RUNTIME
    assert [reason.cause for reason in taken.reasons] == [Cause.NOT_COMPILED, Cause.NOT_INSTALLED]
