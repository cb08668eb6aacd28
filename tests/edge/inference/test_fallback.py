"""The CPU twin of a compiled model is found, and takes over with the same batch."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.choices import BEST_ON_FASHION_MNIST
from edge.errors import BackendUnavailable, ModelUnsupported
from edge.inference.fallback import FallbackInterpreter, find_cpu_twin
from edge.inference.model_file import Model, find_model, read_model
from edge.spec import TensorSpec
from edge.testing import FakeInterpreter
from tests.conftest import plain
from tests.edge.inference.edgetpu_library import write_compiled, write_model

PARENT = find_model(BEST_ON_FASHION_MNIST)
ANOTHER = find_model("tiny")


@pytest.fixture(scope="module")
def parent() -> Model:
    return read_model(BEST_ON_FASHION_MNIST)


def compile_to(path: Path, parent: Model | None) -> Model:
    return read_model(str(write_compiled(path, parent)))


def test_the_file_beside_it_that_it_was_compiled_from(tmp_path: Path, parent: Model) -> None:
    shutil.copy(PARENT, tmp_path / "mine.tflite")
    assert find_cpu_twin(compile_to(tmp_path / "mine_edgetpu.tflite", parent)).path == tmp_path / "mine.tflite"


def test_a_file_of_the_name_in_the_manifest(tmp_path: Path, parent: Model) -> None:
    """`convert edgetpu --output` gives any name."""
    shutil.copy(PARENT, tmp_path / f"{parent.name}.tflite")
    assert find_cpu_twin(compile_to(tmp_path / "fast.tflite", parent)).path.name == f"{parent.name}.tflite"


def test_the_bundled_one_that_it_was_compiled_from(tmp_path: Path, parent: Model) -> None:
    assert find_cpu_twin(compile_to(tmp_path / f"{parent.name}_edgetpu.tflite", parent)).path == PARENT


def test_without_a_hash_a_bundled_one_of_its_name_is_not_taken(tmp_path: Path, parent: Model) -> None:
    with pytest.raises(BackendUnavailable, match="is not there"):
        find_cpu_twin(compile_to(tmp_path / f"{parent.name}_edgetpu.tflite", None))


def test_without_a_hash_the_file_beside_it_is_taken(tmp_path: Path, parent: Model) -> None:
    (tmp_path / "mine.tflite").write_bytes(plain(parent))
    assert find_cpu_twin(compile_to(tmp_path / "mine_edgetpu.tflite", None)).path == tmp_path / "mine.tflite"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (ANOTHER.read_bytes(), "is not the model that it was compiled from"),
        (PARENT.read_bytes()[:-2000], "damaged|lost its manifest"),
        (b"no model", "is not a TFLite model"),
    ],
)
def test_a_file_that_is_not_the_one_is_refused_and_says_why(
    tmp_path: Path, parent: Model, content: bytes, reason: str
) -> None:
    (tmp_path / "mine.tflite").write_bytes(content)
    with pytest.raises(BackendUnavailable, match=reason) as caught:
        find_cpu_twin(compile_to(tmp_path / "mine_edgetpu.tflite", parent))
    assert "--cpu-model" in caught.value.hint


def test_a_named_file_needs_no_hash_but_must_fit(tmp_path: Path, parent: Model) -> None:
    compiled = compile_to(tmp_path / "mine_edgetpu.tflite", parent)
    assert find_cpu_twin(compiled, ANOTHER).path == ANOTHER
    for changed, reason in (
        ({"labels": [*parent.labels[:-1], "Hat"]}, "other labels"),
        ({"image": {"height": 28, "width": 28, "low": -1.0, "high": 1.0}}, "other pixels"),
        ({"scores": "logits"}, "other scores"),
    ):
        other = write_model(tmp_path / "other.tflite", parent.flatbuffer, parent, **changed)
        with pytest.raises(ModelUnsupported, match=reason):
            find_cpu_twin(compiled, other)
    with pytest.raises(ModelUnsupported, match="compiled for the Edge TPU, too"):
        find_cpu_twin(compiled, compiled.path)


@pytest.mark.parametrize("of_edgetpu", ["text", None, 7, []])
def test_a_manifest_of_strangers_does_no_harm(tmp_path: Path, parent: Model, of_edgetpu: Any) -> None:
    assert parent.manifest is not None
    shutil.copy(PARENT, tmp_path / "mine.tflite")
    path = tmp_path / "mine_edgetpu.tflite"
    found = compile_to(path, parent)
    manifest = {**parent.manifest, "edgetpu": of_edgetpu}
    stranger = Model("../\0", path, found.flatbuffer, (), None, gives_logits=False, manifest=manifest)
    assert find_cpu_twin(stranger).path == tmp_path / "mine.tflite"


INT8 = np.dtype(np.int8)
INPUT, OUTPUT = TensorSpec((1, 28, 28), INT8, 1.0, -128), TensorSpec((1, 10), INT8, 1 / 256, -128)


class Failing(FakeInterpreter):
    """Fails from the third batch on, and counts."""

    name = "failing"
    batches = 0

    def run(self, batch: Any) -> Any:
        self.batches += 1
        if self.batches >= 3:
            raise BackendUnavailable("unplugged")
        return super().run(batch)


def test_the_batch_that_failed_is_answered_by_the_other_and_said_once() -> None:
    said: list[tuple[str, str, str]] = []
    primary, secondary = Failing(INPUT, OUTPUT), FakeInterpreter(INPUT, OUTPUT)
    both = FallbackInterpreter(primary, secondary, lambda *change: said.append(change))
    batches = np.random.default_rng(0).integers(-128, 128, (5, 2, 28, 28)).astype(np.int8)
    for number, batch in enumerate(batches):
        assert both.name == ("failing" if number < 3 else "fake")
        np.testing.assert_array_equal(both.run(batch), secondary.run(batch))
    assert said == [("failing", "fake", "unplugged")]
    assert primary.batches == 3


def test_when_the_second_fails_too_its_error_passes() -> None:
    said: list[tuple[str, ...]] = []
    both = FallbackInterpreter(Failing(INPUT, OUTPUT), Failing(INPUT, OUTPUT), lambda *change: said.append(change))
    for _ in range(4):
        both.run(np.zeros((1, 28, 28), np.int8))
    with pytest.raises(BackendUnavailable, match="unplugged"):
        both.run(np.zeros((1, 28, 28), np.int8))
    assert len(said) == 1


def test_a_wrong_batch_is_no_reason_to_change() -> None:
    both = FallbackInterpreter(FakeInterpreter(INPUT, OUTPUT), FakeInterpreter(INPUT, OUTPUT), pytest.fail)
    with pytest.raises(ValueError, match="expected"):
        both.run(np.zeros((1, 28, 27), np.int8))


@pytest.mark.parametrize(
    "specs",
    [(TensorSpec((1, 28, 28), INT8, 0.5, -128), OUTPUT), (INPUT, TensorSpec((1, 10), INT8, 1 / 256, 0))],
)
def test_other_tensors_are_refused(specs: tuple[TensorSpec, TensorSpec]) -> None:
    """The classifier's table is that of the first."""
    with pytest.raises(ModelUnsupported, match="of the CPU model is"):
        FallbackInterpreter(FakeInterpreter(INPUT, OUTPUT), FakeInterpreter(*specs), pytest.fail)
