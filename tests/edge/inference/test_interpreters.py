"""One contract for every interpreter: LiteRT, tflite-runtime, and the fake; the Edge TPU's has it in test_edgetpu."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edge.choices import BEST_ON_FASHION_MNIST, Backend
from edge.errors import BackendUnavailable, ModelDamaged, ModelUnsupported
from edge.inference.classifier import open_classifier
from edge.inference.interpreters import Interpreter, open_interpreter
from edge.inference.model_file import Model, read_model
from edge.inference.runtimes import Runtime
from edge.spec import TensorSpec
from edge.testing import FakeInterpreter
from tests.conftest import Sample

Open = Callable[[], Interpreter]


@pytest.fixture(scope="module")
def model() -> Model:
    """The default's network is four times as heavy, which an emulated Arm feels: 1,000 images take it minutes."""
    return read_model(BEST_ON_FASHION_MNIST)


@pytest.fixture(params=["real", "fake"])
def open_one(request: pytest.FixtureRequest, backend: str, model: Model) -> Open:
    if request.param == "real":
        return lambda: open_interpreter(model, Backend(backend))
    int8 = np.dtype(np.int8)
    specs = TensorSpec((1, 28, 28), int8, 1.0, -128), TensorSpec((1, 10), int8, 1 / 256, -128)
    return lambda: FakeInterpreter(*specs)


def test_the_contract_of_an_interpreter(open_one: Open) -> None:
    check_contract(open_one())


def check_contract(interpreter: Interpreter) -> None:
    assert interpreter.name
    assert interpreter.input.shape[0] == interpreter.output.shape[0] == 1
    batch = np.random.default_rng(0).integers(-128, 128, (5, *interpreter.input.shape[1:])).astype(np.int8)
    together = interpreter.run(batch)
    assert together.shape == (5, *interpreter.output.shape[1:])
    assert together.dtype == interpreter.output.dtype
    one_by_one = np.concatenate([interpreter.run(batch[number : number + 1]) for number in range(5)])
    np.testing.assert_array_equal(together, one_by_one)
    np.testing.assert_allclose(interpreter.output.decode(together).sum(axis=1), 1, atol=0.05)
    wrong: list[Any] = [batch.astype(np.float32), batch[:, :-1], batch[0]]
    for value in wrong:
        with pytest.raises(ValueError, match="expected"):
            interpreter.run(value)


def test_runs_agree_with_the_stated_accuracy_on_the_sample(backend: str, model: Model, sample: Sample) -> None:
    classifier = open_classifier(model, open_interpreter(model, Backend(backend)))
    right = classifier.probabilities(sample.images).argmax(axis=1) == sample.labels
    assert model.manifest is not None
    stated = model.manifest["accuracy"]["int8"]
    assert abs(right.mean() - stated) < 4 * (stated * (1 - stated) / 1000) ** 0.5


def test_scale_and_zero_point_come_from_the_model(backend: str, model: Model) -> None:
    interpreter = open_interpreter(model, Backend(backend))
    assert (interpreter.input.scale, interpreter.input.zero_point) == (1.0, -128)
    assert interpreter.output.scale == pytest.approx(1 / 256)


def test_threads_do_not_change_the_answer(backend: str, model: Model, sample: Sample) -> None:
    batch = (sample.images[:50].astype(np.int16) - 128).astype(np.int8)
    one, four = (open_interpreter(model, Backend(backend), threads=number).run(batch) for number in (1, 4))
    np.testing.assert_array_equal(one, four)


def test_the_runtimes_keep_off_the_screen(backend: str, model: Model, capfd: pytest.CaptureFixture[str]) -> None:
    open_interpreter(model, Backend(backend))
    assert capfd.readouterr() == ("", "")


def broken_inside(model: Model) -> Model:
    """A model whose root table points nowhere, past every check of ours: the runtime must refuse it."""
    damaged = b"\xff\xff\xff\x7f" + model.flatbuffer[4:]
    return Model("broken", model.path, damaged, model.labels, model.image, gives_logits=False, manifest=None)


@pytest.mark.subprocess
def test_an_unknown_model_that_breaks_a_runtime_breaks_only_a_child(backend: str, model: Model) -> None:
    with pytest.raises(ModelDamaged, match="does not open"):
        open_interpreter(broken_inside(model), Backend(backend))


@pytest.mark.subprocess
def test_an_unknown_model_that_works_is_opened(backend: str, model: Model) -> None:
    plain = Model("plain", model.path, model.flatbuffer, (), None, gives_logits=False, manifest=None)
    check_contract(open_interpreter(plain, Backend(backend)))


def test_what_a_runtime_refuses_is_unsupported(backend: str, model: Model) -> None:
    """A known file of a format that this runtime is too old for."""
    unknown_version = model.flatbuffer[:4] + b"TFL9" + model.flatbuffer[8:]
    newer = Model("newer", model.path, unknown_version, model.labels, model.image, False, model.manifest)
    with pytest.raises(ModelUnsupported, match="cannot load"):
        open_interpreter(newer, Backend(backend))


def test_a_runtime_that_no_installer_knows_has_a_name_all_the_same() -> None:
    """Copied into place, or its metadata are not this user's to read."""
    assert Runtime("no-such-distribution", None, None).name == "no-such-distribution"


def test_auto_reports_every_reason_when_all_fail(monkeypatch: pytest.MonkeyPatch, model: Model) -> None:
    import builtins

    real_import = builtins.__import__

    def without_runtimes(name: str, *rest: Any) -> Any:
        if name.startswith(("ai_edge_litert", "tflite_runtime")):
            raise ImportError(f"No module named {name!r}")
        return real_import(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_runtimes)
    with pytest.raises(BackendUnavailable) as caught:
        open_interpreter(model)
    assert "litert: " in caught.value.message
    assert "tflite-runtime: " in caught.value.message
