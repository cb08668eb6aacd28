"""How right a camera model is, kind by kind of picture: an average hides where it fails.

What a model card should say (Mitchell et al. 2019, arxiv.org/abs/1810.03993, "disaggregated evaluation"). In: photos
that no model has learnt, and drawn people. Out: counts, which scripts/measure-held-out writes into the model file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.datasets.dataset import Dataset
from edge.frame import Decision, Frame, Prediction
from edge.inference.classifier import Classifier
from edge.isolation.garment import find_garment
from edge.sources.pictures import read_image
from train.augment.drawn_people import COLOURS, LIGHTS, SKIN_TONES, WORN, cut_off_at_the_hips, person
from train.augment.night import in_grey, night_frame
from train.data.photos import classes_of
from train.evaluation.photo_metrics import GROUPS

COLUMNS = ("pictures", "right", "right_group", "unknown", "no_garment", "person_removed")
"""What is counted. Right is the best label, whatever the decision; where nothing is found, there is none."""

TOPS = GROUPS[0]

WHITE = 180
"""Mean grey of a garment's pixels, above which it is white or pale."""

NEAR = 50
"""Grey levels: a garment on a ground that differs by less, on average, is hard to see in grey."""

NONE_OF_THE_TEN = "none of the ten"


class Picture(NamedTuple):
    """A frame uint8 (H, W, 3) blue green red, its right classes bool (classes,), its set, and its slices of the set."""

    pixels: NDArray[np.uint8]
    classes: NDArray[np.bool_]
    set_name: str
    slices: tuple[str, ...]


class Answer(NamedTuple):
    """What a model made of a picture, which is let go."""

    classes: NDArray[np.bool_]
    set_name: str
    slices: tuple[str, ...]
    prediction: Prediction
    person_removed: bool


def answers_to(pictures: Iterable[Picture], classifier: Classifier) -> Iterator[Answer]:
    """Classify pictures as the device does."""
    for number, (pixels, classes, set_name, slices) in enumerate(pictures):
        prediction = classifier(Frame(pixels, set_name, number, 0.0, 0.0))
        seen = classifier.last_seen
        worn = seen is not None and seen.garment is not None and seen.garment.torso is not None
        yield Answer(classes, set_name, slices, prediction, worn)


def counted(answers: Iterable[Answer], labels: tuple[str, ...]) -> dict[str, Any]:
    """How many of each set and slice there are, and how many are right: {"columns": [...], set: {slice: [...]}}."""
    counts: dict[str, dict[str, NDArray[np.int64]]] = {}
    for answer in answers:
        slices = counts.setdefault(answer.set_name, {})
        for name in answer.slices:
            slices[name] = slices.get(name, np.zeros(len(COLUMNS), np.int64)) + _row(answer, labels)
    lists = {set_name: {name: row.tolist() for name, row in slices.items()} for set_name, slices in counts.items()}
    return {"columns": list(COLUMNS), **lists}


def _row(answer: Answer, labels: tuple[str, ...]) -> NDArray[np.int64]:
    """What one answer adds to COLUMNS."""
    best, decision = answer.prediction.best, answer.prediction.decision
    number = None if best is None else labels.index(best.label)
    group = next((group for group in GROUPS if number in group), ())
    right = number is not None and answer.classes[number]
    refused = (decision is Decision.UNKNOWN, decision is Decision.NO_GARMENT)
    return np.array([1, right, answer.classes[list(group)].any(), *refused, answer.person_removed], np.int64)


def photos(folder: Path, labels: tuple[str, ...], meanings: dict[str, tuple[str, ...]]) -> Iterator[Picture]:
    """Every photo of FOLDER/CLASS/*: in colour, in grey, and as a night camera might see it.

    Its slices are all, its folder, tops where it shows one and, by the garment in colour, whether that is white and
    near its ground's grey. A photo of none of the ten classes has that slice alone.
    """
    for number, path in enumerate(sorted(folder.glob("*/*"))):
        pixels, name = read_image(path), path.parent.name
        classes = classes_of(name, meanings, labels)
        tops = ("tops",) if classes[list(TOPS)].any() else ()
        slices = ("all", name, *tops, *_lightness(pixels)) if classes.any() else (NONE_OF_THE_TEN,)
        yield Picture(pixels, classes, "colour", slices)
        yield Picture(in_grey(pixels), classes, "grey", slices)
        yield Picture(night_frame(pixels, np.random.default_rng(number)), classes, "night", slices)


def _lightness(pixels: NDArray[np.uint8]) -> Iterator[str]:
    """The slices that a photo belongs to by the lightness of its garment and its ground."""
    garment = find_garment(pixels)
    if garment.masks and not garment.masks[0].all():
        inside, outside = garment.grey[garment.masks[0]].mean(), garment.grey[~garment.masks[0]].mean()
        if inside > WHITE:
            yield "white"
        if abs(inside - outside) < NEAR:
            yield "near its ground"


def people(garments: Dataset, of_each: int) -> Iterator[Picture]:
    """Drawn people in garments of Fashion-MNIST, `of_each` of its tops and dresses, in every skin tone and light.

    The figures of all tones are alike but for their skin. Every third is cut off at the hips.
    """
    members = [np.flatnonzero(garments.labels == label)[:of_each].tolist() for label in WORN]
    colours = list(COLOURS.values())
    for place, index in enumerate(index for of_all in zip(*members, strict=True) for index in of_all):
        image, label = garments.images[index], int(garments.labels[index])
        classes = np.arange(len(garments.label_names)) == label
        colour = colours[(5 * place + place // len(colours)) % len(colours)]
        for tone, skin in SKIN_TONES.items():
            for light in LIGHTS.values():
                figure = person(image, label, skin, colour, light, index)
                shown = figure if place % 3 else cut_off_at_the_hips(figure)
                yield Picture(shown.pixels, classes, "people", ("all", f"tone {tone}", garments.label_names[label]))
