"""Accuracy, its pairing, and the bundled models against what they state."""

from __future__ import annotations

import numpy as np
import pytest

from edge.choices import BEST_ON_FASHION_MNIST
from edge.datasets import dataset
from edge.inference.accuracy import Evaluation, PairedAccuracy, compare, evaluate
from edge.inference.classifier import open_classifier
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import bundled_models, read_model
from tests.conftest import Sample
from tests.edge.inference.twice_as_large import twice_as_large

LABELS = ("a", "b", "c")
TRUTH = np.array([0, 0, 1, 1, 2])


def run(*answers: int) -> Evaluation:
    return Evaluation(np.array(answers), TRUTH, LABELS)


def test_accuracy_confusion_and_classes_follow_from_the_answers() -> None:
    evaluation = run(0, 1, 1, 1, 0)
    assert evaluation.accuracy == pytest.approx(0.6)
    np.testing.assert_array_equal(evaluation.confusion, [[1, 1, 0], [0, 2, 0], [1, 0, 0]])
    assert evaluation.per_class == {"a": 0.5, "b": 1.0, "c": 0.0}


def test_a_class_without_pictures_is_left_out() -> None:
    assert set(Evaluation(np.array([0]), np.array([0]), LABELS).per_class) == {"a"}


def test_pairing_counts_who_was_right() -> None:
    paired = compare(run(0, 0, 1, 0, 0), run(0, 1, 1, 1, 0))
    assert paired == PairedAccuracy(both=2, only_float=1, only_int8=1, neither=1, same_answer=3)
    assert (paired.images, paired.drop) == (5, 0.0)
    assert paired.float_accuracy == paired.int8_accuracy == pytest.approx(0.6)
    assert paired.agreement == pytest.approx(0.6)


def test_a_lost_answer_is_a_drop_in_points() -> None:
    assert compare(run(0, 0, 1, 1, 2), run(0, 0, 1, 1, 0)).drop == pytest.approx(20)


def test_runs_over_different_pictures_are_not_paired() -> None:
    with pytest.raises(ValueError, match="same pictures"):
        compare(run(0, 0, 0, 0, 0), Evaluation(np.array([0]), np.array([0]), LABELS))


def test_empty_and_unequal_runs_are_refused() -> None:
    for predicted, truth in (([], []), ([0], [0, 1])):
        with pytest.raises(ValueError, match="expected two equal"):
            Evaluation(np.array(predicted, int), np.array(truth, int), LABELS)


def test_progress_ends_at_the_number_of_pictures(sample: Sample) -> None:
    """With a light network: emulated Arm takes five minutes for 600 pictures with the default one."""
    light = read_model("tiny")
    reports: list[int] = []
    evaluate(open_classifier(light, open_interpreter(light)), sample.images[:600], sample.labels[:600], reports.append)
    assert reports == sorted(reports)
    assert reports[-1] == 600


HEAVY = ("base", "camera", "camera-zero")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name in HEAVY else []) for name in bundled_models()]
)
def test_a_bundled_model_has_exactly_the_accuracy_it_states(name: str) -> None:
    """The accuracy-drop regression: all 10,000 test images, this machine's runtime against the file's word."""
    model = read_model(name)
    assert model.manifest is not None
    stated = model.manifest["accuracy"]
    test = dataset.load("test", allow_download=False)
    evaluation = evaluate(open_classifier(model, open_interpreter(model)), test.images, test.labels)
    assert evaluation.accuracy == pytest.approx(stated["int8"], abs=1e-9)
    assert evaluation.per_class == pytest.approx(stated["per_class"], abs=1e-9)
    assert stated["drop"] == pytest.approx(100 * (stated["float"] - stated["int8"]), abs=1e-6)
    assert stated["drop"] <= 0.2


def test_small_is_the_best_on_fashion_mnist_under_400_kb() -> None:
    light = [model for model in map(read_model, bundled_models()) if model.path.stat().st_size < 400_000]
    best = max(light, key=lambda model: model.manifest["accuracy"]["int8"] if model.manifest else 0.0)
    assert best.name == BEST_ON_FASHION_MNIST


def test_a_larger_model_is_measured_on_the_same_pictures(sample: Sample) -> None:
    tiny = read_model("tiny")
    pictures, truth = sample.images[:300], sample.labels[:300]
    small = evaluate(open_classifier(tiny, open_interpreter(tiny)), pictures, truth)
    large = evaluate(twice_as_large(tiny), pictures, truth)
    np.testing.assert_array_equal(large.predicted, small.predicted)
    np.testing.assert_array_equal(large.scores, small.scores)
