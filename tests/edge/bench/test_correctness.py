"""A device that computes wrongly is noticed; two runtimes that round their own way are not taken for that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edge.bench.correctness import Correctness, Verdict, check_answers, raw_outputs
from edge.bench.pictures import SLICE, load_slice, load_x86_outputs
from edge.choices import Backend
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import Model, bundled_models, read_model
from edge.spec import Framing
from tests.conftest import Sample
from tests.edge.inference.twice_as_large import LARGE, TwiceAsLarge

if TYPE_CHECKING:
    from numpy.typing import NDArray

OTHERS_HASH = "f" * 64
Fault = Callable[["NDArray[Any]"], "NDArray[Any]"]


class Faulty:
    """A runtime that works, and whose outputs are spoilt on their way out."""

    def __init__(self, model: Model, fault: Fault) -> None:
        self._inner = open_interpreter(model)
        self._fault = fault
        self.name, self.input, self.output = self._inner.name, self._inner.input, self._inner.output

    def run(self, batch: NDArray[Any]) -> NDArray[Any]:
        return self._fault(self._inner.run(batch))


def turned(outputs: NDArray[Any]) -> NDArray[Any]:
    """Each class gets its neighbour's score."""
    return np.roll(outputs, 1, axis=-1)


def one_class_too_low(outputs: NDArray[Any]) -> NDArray[Any]:
    """A single channel of the last layer loses 30 of 255 steps: most answers stay."""
    spoilt = outputs.astype(np.int64)
    spoilt[..., 6] -= 30
    return np.clip(spoilt, -128, 127).astype(outputs.dtype)


def one_step_up(outputs: NDArray[Any]) -> NDArray[Any]:
    """As kernels that round otherwise."""
    return np.minimum(outputs.astype(np.int64) + (np.arange(outputs.size).reshape(outputs.shape) % 2), 127).astype(
        outputs.dtype
    )


def check(model: Model, fault: Fault = lambda outputs: outputs) -> Correctness:
    found = check_answers(model, Faulty(model, fault))
    assert found is not None
    return found


def of_others(model: Model, stated: float | None) -> Model:
    """A model that is not bundled, whose file states so much."""
    manifest = {**(model.manifest or {}), "sha256": OTHERS_HASH, "accuracy": {} if stated is None else {"int8": stated}}
    return replace(model, manifest=manifest)


BIG = {"base", "camera", "camera-zero"}
"""Minutes each on the emulated Arm, where tests/arm compares their outputs anyway."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in BIG)) for name in bundled_models()]
)
def test_each_bundled_model_answers_as_on_x86(name: str, backend: str) -> None:
    """Else a model has changed: run scripts/make-bench-slice."""
    model = read_model(name)
    found = check_answers(model, open_interpreter(model, Backend(backend)))
    assert found is not None
    assert found.verdict is Verdict.AS_ON_X86
    assert found.low < found.accuracy < found.high
    assert found.stated is not None
    assert abs(found.accuracy - found.stated) < 0.02


@pytest.mark.parametrize("fault", [turned, one_class_too_low])
def test_a_runtime_that_computes_wrongly_is_noticed(fault: Fault) -> None:
    found = check(read_model("tiny"), fault)
    assert found.verdict is Verdict.WRONG
    assert found.largest_step is not None
    assert found.largest_step >= 30


def test_another_rounding_is_not_wrong() -> None:
    found = check(read_model("tiny"), one_step_up)
    assert found.verdict is Verdict.AS_ON_X86
    assert found.largest_step in {1, 2}  # two on Arm, which rounds its own way, too


def test_a_model_that_is_not_bundled_is_held_to_what_its_file_states() -> None:
    tiny = of_others(read_model("tiny"), 0.9362)
    good = check(tiny)
    assert (good.verdict, good.other_answers, good.largest_step) == (Verdict.AS_STATED, None, None)
    assert check(tiny, turned).verdict is Verdict.WRONG
    assert check(of_others(tiny, None), turned).verdict is Verdict.NOT_KNOWN
    assert check(of_others(tiny, 0.999)).verdict is Verdict.WRONG


def test_labels_in_another_order_are_the_same_classes() -> None:
    tiny = read_model("tiny")
    order = np.random.default_rng(0).permutation(10)
    mixed = replace(of_others(tiny, 0.9362), labels=tuple(tiny.labels[number] for number in order))
    assert check(mixed, lambda outputs: outputs[..., order]).right == check(tiny).right


def test_a_model_of_other_classes_has_no_accuracy_here() -> None:
    other = replace(read_model("tiny"), labels=tuple("abcdefghij"))
    assert check_answers(other, open_interpreter(other)) is None


def test_the_pictures_are_thirty_of_each_class_of_the_test_set(sample: Sample) -> None:
    found = load_slice()
    assert found.images.shape == (300, 28, 28)
    assert np.bincount(found.labels).tolist() == [30] * 10
    assert SLICE.stat().st_size < 200_000
    known = {image.tobytes() for image in sample.images}
    assert sum(image.tobytes() in known for image in found.images) > 10
    assert set(load_x86_outputs()) == {read_model(name).sha256 for name in bundled_models()}


def test_a_model_of_larger_pictures_is_checked_with_the_same_ones_enlarged() -> None:
    tiny = read_model("tiny")
    large = replace(tiny, image=LARGE)
    assert check_answers(large, TwiceAsLarge(large)) == check(tiny)
    np.testing.assert_array_equal(
        raw_outputs(large, TwiceAsLarge(large), load_slice().images), load_x86_outputs()[tiny.sha256]
    )
    whole = replace(LARGE, framing=Framing.STRETCH)
    assert check_answers(replace(tiny, image=whole), TwiceAsLarge(tiny)) is None, (
        "whole frames, nothing to compare with"
    )
