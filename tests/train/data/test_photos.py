"""Folders of photos: what they mean, how they are split, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edge.choices import DEFAULT_VIEWS
from edge.errors import DatasetDamaged, DatasetNotFound
from edge.isolation.network_input import see
from edge.opencv import cv2
from edge.spec import FASHION_MNIST_LABELS, ImageSpec
from tests.conftest import ROOT
from tests.edge.isolation.test_person import SKIN_TONES, figure
from tests.photographs import write_photos
from train.data.photos import label_number, read_photos, see_photo

LABELS = FASHION_MNIST_LABELS
SAMPLES = ROOT / "edge" / "samples"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_photos(tmp_path / "photos", each=6)


def mapping(folder: Path, content: object) -> Path:
    path = folder.parent / "map.json"
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("T-shirt", 0),
        ("t-shirt_top", 0),
        ("TROUSER", 1),
        ("shirt", 6),
        ("Ankle-Boot", 9),
        ("ankle", 9),
        ("s", None),  # Sandal, Shirt and Sneaker
        ("", None),
        ("hat", None),
    ],
)
def test_folders_are_called_as_labels_more_or_less(name: str, label: int | None) -> None:
    assert label_number(name, LABELS) == label


def test_photos_become_what_the_device_sees(folder: Path) -> None:
    photos = read_photos(folder, LABELS)
    assert len(photos) == 18
    assert photos.folders == ("Dress", "T-shirt", "_unknown")
    assert photos.known.sum() == 12
    for photo, classes in zip(photos.photos, photos.classes, strict=True):
        assert photo.views.shape[1:] == photo.variants.shape[1:] == (28, 28)
        assert len(photo.views) == DEFAULT_VIEWS
        assert len(photo.variants) >= 3
        assert classes.sum() == (photo.folder != "_unknown")


def test_training_runs_the_person_step_as_the_device_does() -> None:
    """Somebody in a T-shirt before white: views of the whole and of the torso, and both among what is taught."""
    pixels = figure(SKIN_TONES[5])
    photo = see_photo(pixels, "T-shirt", "T-shirt/worn.jpg")
    seen = see(pixels, ImageSpec(), DEFAULT_VIEWS)
    assert photo is not None
    assert seen.garment is not None
    assert seen.garment.torso is not None
    np.testing.assert_array_equal(photo.views, seen.pictures)
    assert len(photo.views) == 2 * DEFAULT_VIEWS
    taught = {picture.tobytes() for picture in photo.variants}
    assert {seen.pictures[0].tobytes(), seen.pictures[DEFAULT_VIEWS].tobytes()} <= taught


def test_pictures_that_were_drawn_are_taught_as_the_device_sees_them() -> None:
    """An image of Fashion-MNIST, enlarged: grey on black, so no garment is looked for in it."""
    pixels = cv2.imread(str(sorted(SAMPLES.glob("*.png"))[0]))
    large = cv2.resize(pixels, (280, 280), interpolation=cv2.INTER_NEAREST)
    for one in (pixels, large):
        photo = see_photo(one, "any")
        assert photo is not None
        np.testing.assert_array_equal(photo.views, see(one, ImageSpec(), DEFAULT_VIEWS).pictures)
        np.testing.assert_array_equal(photo.variants, photo.views)


def test_a_folder_may_stand_for_several_labels_or_none(folder: Path) -> None:
    (folder / "_unknown").rename(folder / "hats")
    (folder / "Dress").rename(folder / "shoes")
    meaning = mapping(folder, {"shoes": ["Sandal", "Sneaker", "Ankle boot"], "hats": "_unknown"})
    photos = read_photos(folder, LABELS, meaning)
    rows = {photo.folder: row for photo, row in zip(photos.photos, photos.classes, strict=True)}
    assert np.flatnonzero(rows["shoes"]).tolist() == [5, 7, 9]
    assert not rows["hats"].any()


def test_the_split_takes_of_every_folder_and_does_not_mind_names(folder: Path) -> None:
    learnt, kept = read_photos(folder, LABELS).split(0.34)
    assert (len(learnt), len(kept)) == (12, 6)
    assert kept.folders == learnt.folders
    digests = {photo.views.tobytes() for photo in kept.photos}
    for path in sorted(folder.glob("*/*.jpg")):
        path.rename(path.with_name(f"renamed {path.name}"))
    _, again = read_photos(folder, LABELS).split(0.34)
    assert {photo.views.tobytes() for photo in again.photos} == digests
    everything, nothing = read_photos(folder, LABELS).split(0.0)
    assert (len(everything), len(nothing)) == (18, 0)


def test_one_photo_of_a_class_is_learnt_not_held_out(tmp_path: Path) -> None:
    photos = read_photos(write_photos(tmp_path / "one", each=1), LABELS)
    learnt, kept = photos.split(0.2)
    assert (len(learnt), len(kept)) == (3, 0)


def test_photos_not_yet_sorted_are_passed_over(folder: Path) -> None:
    (folder / "Dress").rename(folder / "_unsorted")
    assert read_photos(folder, LABELS).folders == ("T-shirt", "_unknown")


def test_empty_scenes_teach_nothing_but_are_named(folder: Path) -> None:
    for name in ("Dress", "_unknown"):
        cv2.imwrite(str(folder / name / "empty.png"), np.full((90, 90, 3), 200, np.uint8))
    photos = read_photos(folder, LABELS)
    assert len(photos) == 18
    assert photos.left_out == ("Dress/empty.png",)  # in a folder of no class it is as it should be
    assert {photo.path for photo in photos.photos} == {
        f"{name}/{number}.jpg" for name in photos.folders for number in range(6)
    }


def test_what_is_wrong_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetNotFound, match="is no folder"):
        read_photos(tmp_path / "nowhere", LABELS)
    (folder / "Dress" / "0.jpg").write_bytes(b"\xff\xd8 not a photo")
    with pytest.raises(DatasetDamaged, match=r"Dress/0\.jpg"):
        read_photos(folder, LABELS)
    (folder / "Dress").rename(folder / "gloves")
    with pytest.raises(DatasetDamaged, match="the folder gloves stands for 'gloves', which is no label"):
        read_photos(folder, LABELS)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetDamaged, match="no photo of a garment"):
        read_photos(tmp_path / "empty", LABELS)


@pytest.mark.parametrize("content", [[], {"a": 3}, {"a": []}, {"a": ["Dress", 3]}])
def test_a_mapping_that_makes_no_sense_is_refused(folder: Path, content: object) -> None:
    with pytest.raises(DatasetDamaged, match=r"JSON object|stands for"):
        read_photos(folder, LABELS, mapping(folder, content))


def test_a_mapping_that_is_no_json_is_refused(folder: Path) -> None:
    path = folder.parent / "map.json"
    path.write_text("pants = Trouser")
    with pytest.raises(DatasetDamaged, match="not JSON"):
        read_photos(folder, LABELS, path)
    with pytest.raises(DatasetNotFound, match="nowhere"):
        read_photos(folder, LABELS, folder / "nowhere.json")
