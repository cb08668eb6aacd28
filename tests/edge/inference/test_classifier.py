"""Frames become predictions, exactly as the model on the arrays has it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge.choices import BEST_ON_FASHION_MNIST
from edge.errors import ModelUnsupported
from edge.frame import Decision, Frame
from edge.inference.classifier import Classifier, open_classifier, softmax
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import Model, read_model
from edge.spec import FASHION_MNIST_LABELS, ImageSpec, TensorSpec
from edge.testing import FakeInterpreter
from tests.conftest import Sample

INT8, FLOAT = np.dtype(np.int8), np.dtype(np.float32)
OUTPUT = TensorSpec((1, 10), INT8, 1 / 256, -128)


@pytest.fixture(scope="module")
def model() -> Model:
    """The default's network is four times as heavy, which an emulated Arm feels: 1,000 images take it minutes."""
    return read_model(BEST_ON_FASHION_MNIST)


@pytest.fixture(scope="module")
def classifier(model: Model) -> Classifier:
    return open_classifier(model, open_interpreter(model))


def frame(grey: np.ndarray) -> Frame:
    return Frame(np.repeat(grey[:, :, np.newaxis], 3, axis=2), "here", 3, 0.0, 1.5)


def plain(model: Model, labels: tuple[str, ...] = ()) -> Model:
    return Model("plain", model.path, model.flatbuffer, labels, None, gives_logits=False, manifest=None)


def test_a_frame_gets_all_labels_ranked(classifier: Classifier, sample: Sample) -> None:
    prediction = classifier(frame(sample.images[0]))
    assert (prediction.source, prediction.frame, prediction.decision) == ("here", 3, Decision.GARMENT)
    scores = [one.score for one in prediction.ranked]
    assert scores == sorted(scores, reverse=True)
    assert {one.label for one in prediction.ranked} == set(FASHION_MNIST_LABELS)
    assert prediction.latency_ms["read"] == 1.5
    assert prediction.latency_ms["invoke"] > 0


def test_frames_and_arrays_give_the_same_answers(classifier: Classifier, sample: Sample) -> None:
    numbers = classifier.probabilities(sample.images).argmax(axis=1)
    answers = [classifier(frame(image)).best for image in sample.images]
    assert [one.label for one in answers if one] == [FASHION_MNIST_LABELS[number] for number in numbers]


def test_of_equal_scores_the_smaller_number_wins_as_in_argmax() -> None:
    flat = FakeInterpreter(TensorSpec((1, 2, 2), INT8, 1.0, -128), OUTPUT)
    flat._weights[:] = 0
    prediction = Classifier(flat, FASHION_MNIST_LABELS, ImageSpec(2, 2), gives_logits=False)(
        frame(np.array([[0, 200], [3, 4]], np.uint8))
    )
    assert [one.label for one in prediction.ranked] == list(FASHION_MNIST_LABELS)


def test_a_blank_frame_is_never_classified(classifier: Classifier) -> None:
    for value in (0, 128, 255):
        prediction = classifier(frame(np.full((480, 640), value, np.uint8)))
        assert prediction.decision is Decision.NO_GARMENT
        assert prediction.best is None


def test_a_plain_model_works_with_a_warning(model: Model, sample: Sample, classifier: Classifier) -> None:
    with pytest.warns(UserWarning, match="no fmnist-edge manifest"):
        guessed = open_classifier(plain(model), open_interpreter(model))
    np.testing.assert_array_equal(
        guessed.probabilities(sample.images[:100]), classifier.probabilities(sample.images[:100])
    )


def test_given_labels_replace_those_of_the_file(model: Model) -> None:
    names = tuple(f"class {number}" for number in range(10))
    assert open_classifier(model, open_interpreter(model), names).labels == names


def test_too_few_labels_are_refused(model: Model) -> None:
    with pytest.raises(ModelUnsupported, match="10 outputs, but there are 2 labels"):
        open_classifier(model, open_interpreter(model), ("one", "two"))


@pytest.mark.parametrize(
    ("tensor", "expected"),
    [
        (TensorSpec((1, 28, 28), INT8, 1.0, -128), ImageSpec(28, 28, 0, 255)),
        (TensorSpec((1, 28, 28, 1), INT8, 1 / 255, -128), ImageSpec(28, 28, 0, 1)),
        (TensorSpec((1, 784), INT8, 2 / 255, 0), ImageSpec(28, 28, -1, 1)),
        (TensorSpec((1, 32, 20, 1), FLOAT, 0.0, 0), ImageSpec(32, 20, 0, 1)),
    ],
)
def test_the_image_of_a_plain_model_is_read_off_its_tensor(
    model: Model, tensor: TensorSpec, expected: ImageSpec
) -> None:
    silent = replace(plain(model), flatbuffer=model.flatbuffer.replace(b"TFLITE_METADATA", b"TFLITE_NOTHING_"))
    with pytest.warns(UserWarning, match="no fmnist-edge manifest"):
        assert open_classifier(silent, FakeInterpreter(tensor, OUTPUT)).image == expected


@pytest.mark.parametrize("shape", [(1, 3, 32, 32), (1, 32, 32, 4), (1, 7)])
def test_a_model_of_no_picture_is_refused(model: Model, shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelUnsupported, match="expected one picture as input"):
        open_classifier(plain(model), FakeInterpreter(TensorSpec(shape, INT8, 1.0, -128), OUTPUT))


def test_a_plain_model_of_other_than_ten_classes_needs_labels(model: Model) -> None:
    three = FakeInterpreter(TensorSpec((1, 28, 28), INT8, 1.0, -128), TensorSpec((1, 3), INT8, 1 / 256, -128))
    with pytest.raises(ModelUnsupported, match="no labels"):
        open_classifier(plain(model), three)
    with pytest.warns(UserWarning, match="no fmnist-edge manifest"):
        assert open_classifier(plain(model), three, ("a", "b", "c")).labels == ("a", "b", "c")


def test_logits_become_probabilities(model: Model) -> None:
    logits = TensorSpec((1, 10), INT8, 0.2, 5)
    with pytest.warns(UserWarning, match="no fmnist-edge manifest"):
        guessed = open_classifier(plain(model), FakeInterpreter(TensorSpec((1, 28, 28), INT8, 1.0, -128), logits))
    total = guessed.probabilities(np.zeros((2, 28, 28), np.uint8)).sum(axis=1)
    np.testing.assert_allclose(total, 1, rtol=1e-5)


def test_softmax_survives_large_values() -> None:
    np.testing.assert_allclose(softmax(np.array([[1000.0, 1000.0, -1000.0]], np.float32)), [[0.5, 0.5, 0.0]])


@pytest.mark.parametrize("pixels", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)])
def test_a_frame_checks_its_pixels(pixels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        Frame(pixels, "here", 0, 0.0, 0.0)
