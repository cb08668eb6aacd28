"""Which photos are wrong: the list, and the sheets, drawn and read again."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras")

from edge.frame import Decision
from edge.opencv import cv2
from edge.spec import FASHION_MNIST_LABELS, Colour, Framing, ImageSpec
from tests.edge.isolation.test_person import SKIN_TONES, figure
from tests.photographs import photograph
from train.evaluation.device_answers import DeviceAnswers
from train.evaluation.wrong_photos import (
    BOX,
    COLUMNS,
    GAP,
    ROWS,
    TEXT,
    TILE_WIDTH,
    TITLE,
    WrongPhoto,
    draw_wrong,
    tile,
    write_list,
    wrong_photos,
)

SHIRT, BAG = 6, 8


def answers(rows: list[tuple[str, set[int], int, float, Decision]], left_out: tuple[str, ...] = ()) -> DeviceAnswers:
    """Of (file, right classes, best class, its score, decision)."""
    scores = np.zeros((len(rows), 10), np.float32)
    classes = np.zeros((len(rows), 10), np.bool_)
    for number, (_, right, best, score, _) in enumerate(rows):
        scores[number] = (1 - score) / 9
        scores[number, best] = score
        classes[number, list(right)] = True
    paths, decisions = tuple(row[0] for row in rows), tuple(row[4] for row in rows)
    return DeviceAnswers(scores, classes, paths, left_out, FASHION_MNIST_LABELS, decisions)


def test_the_wrong_ones_are_listed_surest_first() -> None:
    found = wrong_photos(
        answers(
            [
                ("shirt/right.jpg", {SHIRT}, SHIRT, 0.9, Decision.GARMENT),
                ("shirt/refused but right.jpg", {SHIRT}, SHIRT, 0.3, Decision.UNKNOWN),
                ("shirt/refused.jpg", {SHIRT}, BAG, 0.3, Decision.UNKNOWN),
                ("hat/taken for a bag.jpg", set(), BAG, 0.7, Decision.GARMENT),
                ("hat/refused.jpg", set(), BAG, 0.2, Decision.UNKNOWN),
                ("shoes/right.jpg", {5, 7, 9}, 7, 0.8, Decision.GARMENT),
                ("shoes/wrong.jpg", {5, 7, 9}, BAG, 0.8, Decision.GARMENT),
                ("shirt/cut off.jpg", {SHIRT}, BAG, 0.6, Decision.NO_GARMENT),
            ],
            left_out=("shirt/nothing.jpg",),
        )
    )
    assert [(one.file, one.truth, one.answer, one.score, one.decision) for one in found] == [
        ("shoes/wrong.jpg", "Sandal or Sneaker or Ankle boot", "Bag", 0.8, "garment"),
        ("hat/taken for a bag.jpg", "none of these", "Bag", 0.7, "garment"),
        ("shirt/cut off.jpg", "Shirt", "Bag", 0.6, "no_garment"),
        ("shirt/refused.jpg", "Shirt", "Bag", 0.3, "unknown"),
        ("shirt/nothing.jpg", "shirt", "", 0.0, "no_garment"),
    ]


def test_the_list_is_read_again_with_every_name_as_it_was(tmp_path: Path) -> None:
    names = ["Röcke/a, b.jpg", 'shirt/"x".jpg', "shirt/line\nend.jpg", "shirt/\udcff.jpg"]
    write_list([WrongPhoto(name, "Shirt", "Bag", 0.5, "garment") for name in names], tmp_path / "wrong.csv")
    with (tmp_path / "wrong.csv").open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == names
    assert rows[0] == {"file": names[0], "truth": "Shirt", "answer": "Bag", "score": "0.5", "decision": "garment"}


def test_sheets_hold_sixty_photos_each_and_earlier_ones_go(tmp_path: Path) -> None:
    photos, out = tmp_path / "photos", tmp_path / "run"
    (photos / "Röcke $x$").mkdir(parents=True)
    out.mkdir()
    rng = np.random.default_rng(0)
    names = [f"Röcke $x$/{number}.jpg" for number in range(3)]
    for name in names:
        assert cv2.imwrite(str(photos / name), photograph("Dress", rng))
    wrong = [WrongPhoto(names[number % 3], "Dress", "Bag", 0.5, "garment") for number in range(62)]
    pages = draw_wrong(wrong, photos, 100, out)
    assert pages == [out / "wrong-1.png", out / "wrong-2.png"]
    first, second = (cv2.imread(str(page)) for page in pages)
    assert first.shape == (TITLE + ROWS * (BOX + TEXT), GAP + COLUMNS * (TILE_WIDTH + GAP), 3)
    assert second.shape[0] == TITLE + BOX + TEXT
    for sheet, place, name in ((first, 0, names[0]), (first, 59, names[59 % 3]), (second, 1, names[61 % 3])):
        np.testing.assert_array_equal(at(sheet, place), tile(photos / name)[..., ::-1])
        below = sheet[TITLE + place // COLUMNS * (BOX + TEXT) + BOX :][:40]
        assert below[:, GAP + place % COLUMNS * (TILE_WIDTH + GAP) :][:, :TILE_WIDTH].min() < 100  # there is text
    assert draw_wrong(wrong[:1], photos, 100, out) == [out / "wrong.png"]
    assert [path.name for path in out.iterdir()] == ["wrong.png"]
    (out / "wrong-headed.png").touch()
    assert draw_wrong([], photos, 100, out) == []
    assert [path.name for path in out.iterdir()] == ["wrong-headed.png"]


def at(sheet: np.ndarray, place: int) -> np.ndarray:
    top, left = TITLE + place // COLUMNS * (BOX + TEXT), GAP + place % COLUMNS * (TILE_WIDTH + GAP)
    return sheet[top : top + BOX, left : left + TILE_WIDTH]


def test_a_worn_garment_is_shown_whole_and_without_its_person(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "worn.png"), figure(SKIN_TONES[5]))
    drawn = tile(tmp_path / "worn.png")
    whole, torso = drawn[: BOX // 2, BOX + 6 :][:, : BOX // 2], drawn[BOX // 2 :, BOX + 6 :][:, : BOX // 2]
    assert (whole > 0).any()
    assert (torso > 0).any()
    assert not np.array_equal(whole, torso)


def test_a_photo_that_is_gone_leaves_its_place_empty(tmp_path: Path) -> None:
    assert (tile(tmp_path / "gone.jpg") == 255).all()


def test_a_network_in_colour_is_shown_with_what_it_saw(tmp_path: Path) -> None:
    """A whole frame with its borders, in its own colours; one larger than its place is shrunk."""
    blue = np.zeros((40, 80, 3), np.uint8)
    blue[..., 0] = 200
    assert cv2.imwrite(str(tmp_path / "blue.png"), blue)
    for side in (56, 300):
        spec = ImageSpec(side, side, colour=Colour.RGB, framing=Framing.LETTERBOX, ground=(255, 0, 0))
        shown = tile(tmp_path / "blue.png", spec)[:, BOX + 6 :]
        np.testing.assert_array_equal(shown[BOX // 2, BOX // 2], (0, 0, 200))
        np.testing.assert_array_equal(shown[BOX // 8, BOX // 2], (255, 0, 0))
        np.testing.assert_array_equal(tile(tmp_path / "blue.png", spec)[BOX // 2, BOX // 2], (0, 0, 200))
