"""Answers are counted kind by kind; photos and drawn people belong to the kinds that they show."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras")

from edge.datasets.dataset import Dataset
from edge.frame import Decision, LabelScore, Prediction
from edge.inference.classifier import open_classifier
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import read_model
from edge.isolation.colours import has_no_colour
from edge.isolation.lab import bgr_to_lab
from edge.opencv import cv2
from edge.spec import FASHION_MNIST_LABELS
from tests.conftest import ROOT
from tests.edge.isolation.drawn_frames import SAMPLES
from tests.edge.isolation.test_person import SKIN_TONES, figure
from train.augment.drawn_people import LIGHTS, WORN
from train.data.photos import classes_of, read_meaning
from train.evaluation.slices import COLUMNS, NONE_OF_THE_TEN, Answer, Picture, answers_to, counted, people, photos

SHIRT, SHOES = {6}, {5, 7, 9}
MEANINGS = {"shirt": ("Shirt",), "shoes": ("Sandal", "Sneaker", "Ankle boot"), "hat": ("_unknown",)}


def answer(right: set[int], best: str | None, decision: Decision = Decision.GARMENT, *slices: str) -> Answer:
    ranked = () if best is None else (LabelScore(best, 0.7),)
    classes = np.isin(np.arange(10), list(right))
    return Answer(classes, "colour", slices or ("all",), Prediction("", 0, decision, ranked, {}), person_removed=False)


def row(*answers: Answer, name: str = "all") -> dict[str, int]:
    counts = counted(answers, FASHION_MNIST_LABELS)
    assert counts["columns"] == list(COLUMNS)
    return dict(zip(COLUMNS, counts["colour"][name], strict=True))


@pytest.mark.parametrize(
    ("right", "best", "expected"),
    [
        (SHIRT, "Shirt", (1, 1)),
        (SHIRT, "Coat", (0, 1)),
        (SHIRT, "Dress", (0, 0)),
        (SHIRT, None, (0, 0)),
        (SHOES, "Sneaker", (1, 1)),
        (SHOES, "Bag", (0, 0)),
        (set(), "T-shirt/top", (0, 0)),
    ],
)
def test_an_answer_is_right_by_its_label_and_by_its_group(
    right: set[int], best: str | None, expected: tuple[int, int]
) -> None:
    counts = row(answer(right, best))
    assert (counts["right"], counts["right_group"]) == expected


def test_refused_answers_are_counted_apart_and_may_be_right() -> None:
    counts = row(
        answer(SHIRT, "Shirt", Decision.UNKNOWN),
        answer(SHIRT, "Shirt", Decision.NO_GARMENT),
        answer(SHIRT, None, Decision.NO_GARMENT),
        answer(SHIRT, "Bag"),
    )
    assert counts == dict(zip(COLUMNS, (4, 2, 2, 1, 2, 0), strict=True))


def test_every_slice_of_a_picture_gets_it() -> None:
    answers = [
        answer(SHIRT, "Shirt", Decision.GARMENT, "all", "white"),
        answer(SHIRT, "Bag", Decision.GARMENT, "all"),
    ]
    assert row(*answers)["right"] == 1
    assert row(*answers)["pictures"] == 2
    assert row(*answers, name="white")["pictures"] == 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A blue shirt on white, a white one on black, one near the grey of its red ground, and a hat."""
    for name, garment, ground in (
        ("shirt/blue", (150, 60, 30), (240, 240, 240)),
        ("shirt/white", (235, 235, 235), (20, 20, 20)),
        ("shirt/near", (220, 90, 40), (40, 50, 90)),
        ("hat/black", (20, 20, 20), (240, 240, 240)),
    ):
        pixels = np.full((200, 150, 3), ground, np.uint8)
        pixels[60:140, 45:105] = garment
        path = tmp_path / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), pixels)
    return tmp_path


def test_photos_come_in_colour_in_grey_and_at_night_in_the_kinds_they_show(folder: Path) -> None:
    shown = list(photos(folder, FASHION_MNIST_LABELS, MEANINGS))
    assert [one.set_name for one in shown] == ["colour", "grey", "night"] * 4
    by_file = dict(zip(("hat", "blue", "near", "white"), (one.slices for one in shown[::3]), strict=True))
    assert by_file == {
        "hat": (NONE_OF_THE_TEN,),
        "blue": ("all", "shirt", "tops"),
        "near": ("all", "shirt", "tops", "near its ground"),
        "white": ("all", "shirt", "tops", "white"),
    }
    for colour, grey, night in zip(shown[::3], shown[1::3], shown[2::3], strict=True):
        assert colour.slices == grey.slices == night.slices
        assert has_no_colour(bgr_to_lab(grey.pixels))
        assert has_no_colour(bgr_to_lab(night.pixels))
        assert not np.array_equal(grey.pixels, night.pixels)
    assert not has_no_colour(bgr_to_lab(shown[3].pixels))


def test_the_folders_of_the_measured_photos_have_a_meaning() -> None:
    meanings = read_meaning(ROOT / "scripts" / "clothing-dataset-small.json")
    meant = {name: int(classes_of(name, meanings, FASHION_MNIST_LABELS).sum()) for name in meanings}
    assert meant == dict.fromkeys(meanings, 1) | {"shoes": 3, "hat": 0, "shorts": 0, "skirt": 0}


def test_people_are_alike_but_for_their_skin() -> None:
    with np.load(SAMPLES / "fashion_mnist_300.npz") as file:
        garments = Dataset(file["images"], file["labels"], FASHION_MNIST_LABELS, "the bundled samples")
    shown = list(people(garments, 1))
    assert len(shown) == len(WORN) * len(SKIN_TONES) * len(LIGHTS)
    slices = Counter(name for one in shown for name in one.slices)
    assert slices["all"] == len(shown)
    assert {slices[f"tone {tone}"] for tone in SKIN_TONES} == {len(WORN) * len(LIGHTS)}
    assert {slices[FASHION_MNIST_LABELS[label]] for label in WORN} == {len(SKIN_TONES) * len(LIGHTS)}
    lightest, darkest = shown[0], shown[9 * len(LIGHTS)]
    assert (lightest.slices[1], darkest.slices[1]) == ("tone 1", "tone 10")
    of_each = len(SKIN_TONES) * len(LIGHTS)
    assert [one.pixels.shape[0] == 400 for one in shown[::of_each]] == [False, True, True, False, True]
    changed = (lightest.pixels != darkest.pixels).any(axis=2).mean()
    assert 0.02 < changed < 0.4


def test_the_device_answers_and_says_whether_it_removed_a_person() -> None:
    model = read_model("tiny")
    classifier = open_classifier(model, open_interpreter(model), views=2)
    lying = np.full((200, 150, 3), 240, np.uint8)
    lying[60:140, 45:105] = (150, 60, 30)
    classes = np.arange(10) == 0
    shown = [Picture(one, classes, "people", ("all",)) for one in (figure(SKIN_TONES[5]), lying)]
    assert [one.person_removed for one in answers_to(shown, classifier)] == [True, False]
