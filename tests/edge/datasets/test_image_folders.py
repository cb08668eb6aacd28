"""A data set of one's own: read as the device would see it, and refused file by file where it is not right."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from edge.datasets.dataset import Dataset, default_held_out, load, split_held_out
from edge.datasets.idx_files import Split
from edge.errors import BadOption, DatasetDamaged, DatasetNotFound
from edge.isolation.network_input import to_input
from edge.opencv import cv2
from edge.sources.pictures import read_image
from edge.spec import FASHION_MNIST_LABELS, ImageSpec
from tests.conftest import Run
from tests.own_pictures import LABELS, write_own_pictures


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return write_own_pictures(tmp_path / "own", training=12, test=4)


def refusal(folder: Path, split: Split = "train") -> DatasetDamaged:
    with pytest.raises(DatasetDamaged) as caught:
        load(split, folder)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("split", ["train", "test"])
def test_pictures_are_what_the_device_makes_of_them(own: Path, split: Split) -> None:
    found = load(split, own)
    assert found.label_names == LABELS
    expected = {
        (to_input(read_image(path), ImageSpec()).tobytes(), LABELS.index(path.parent.name))
        for path in (own / split).glob("*/*")
    }
    assert {(image.tobytes(), int(label)) for image, label in zip(found.images, found.labels, strict=True)} == expected
    assert len(found) == len(expected) == len(list((own / split).glob("*/*")))
    assert found.images[found.labels == LABELS.index("hat"), 0, 0].max() == 0  # white ground became black


def test_the_order_is_the_contents_and_mixes_the_classes(own: Path) -> None:
    before = load("train", own)
    for number, path in enumerate(sorted((own / "train").glob("*/*"), reverse=True)):
        path.rename(path.with_name(f"{number}{path.suffix}"))
    after = load("train", own)
    np.testing.assert_array_equal(before.images, after.images)
    np.testing.assert_array_equal(before.labels, after.labels)
    assert len(set(before.labels[:9].tolist())) == 3


def test_progress_is_told(own: Path) -> None:
    told: list[tuple[str, int, int]] = []
    load("test", own, reading=lambda *state: told.append(state))
    assert told == [("test pictures", done, 12) for done in range(1, 13)]


def test_copies_within_a_class_count_once_and_across_classes_not_at_all(own: Path) -> None:
    hat = own / "train" / "hat" / "hat 000.png"
    shutil.copy(hat, hat.with_name("again.png"))
    assert len(load("train", own)) == 36
    shutil.copy(hat, own / "train" / "scarf" / "a hat.png")
    error = refusal(own)
    assert "scarf/a hat.png shows the same as" in error.message
    assert "hat/again.png" in error.message


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_missing_split(own: Path, split: Split) -> None:
    shutil.rmtree(own / split)
    with pytest.raises(DatasetNotFound, match=f"has no folder {split}") as caught:
        load(split, own)
    assert "train/CLASS/*.png" in caught.value.hint


def test_a_folder_of_neither_kind_says_what_it_should_hold(tmp_path: Path) -> None:
    with pytest.raises(DatasetNotFound) as caught:
        load("train", tmp_path)
    assert "train/CLASS/*.png" in caught.value.hint
    assert "idx3" in caught.value.hint


def test_class_folders_that_differ(own: Path) -> None:
    (own / "test" / "hat").rename(own / "test" / "Hat")
    for split in ("train", "test"):
        error = refusal(own, split)  # type: ignore[arg-type]
        assert "train/hat has no counterpart in test" in error.message
        assert "test/Hat has no counterpart in train" in error.message


def test_one_class_is_none(own: Path) -> None:
    for split in ("train", "test"):
        for label in ("hat", "scarf"):
            shutil.rmtree(own / split / label)
    assert "expected 2 to 10,000 class folders, got 1" in refusal(own).message


def test_folders_that_are_no_labels(own: Path) -> None:
    for split in ("train", "test"):
        (own / split / "hat").rename(own / split / "hat\nwith brim")
        (own / split / "glove").rename(own / split / "glove ")
    message = refusal(own).message
    assert r"'hat\nwith brim' cannot be a label" in message
    assert "'glove ' cannot be a label" in message


def test_stray_files_are_named_and_what_systems_leave_is_not(own: Path) -> None:
    for name in (".DS_Store", "hat/.DS_Store", "hat/Thumbs.db", ".git"):
        (own / "train" / name).write_text("left behind")
    assert len(load("train", own)) == 36
    (own / "train" / "labels.csv").write_text("a,b")
    (own / "train" / "hat" / "notes.txt").write_text("felt")
    (own / "train" / "scarf" / "wool").mkdir()
    message = refusal(own).message
    assert "train/labels.csv lies outside the class folders" in message
    assert "hat/notes.txt is no picture" in message
    assert "scarf/wool is a folder within a class" in message
    assert len(message.splitlines()) == 3


def test_an_empty_class_folder(own: Path) -> None:
    for path in (own / "test" / "hat").iterdir():
        path.unlink()
    assert "test/hat holds no picture" in refusal(own, "test").message
    assert len(load("train", own)) == 36


def test_damaged_pictures_are_all_named(own: Path) -> None:
    damaged = own / "train" / "hat"
    (damaged / "empty.png").touch()
    (damaged / "text.jpg").write_text("not a picture")
    (damaged / "gone.png").symlink_to("nowhere")
    (damaged / "half.png").write_bytes((damaged / "hat 000.png").read_bytes()[:300])
    cv2.imwrite(str(damaged / "white.png"), np.full((50, 50), 255, np.uint8))
    error = refusal(own)
    for words in (
        "empty.png is empty",
        "text.jpg is not a",
        "gone.png: no such file",
        "half.png",
        "white.png is blank",
    ):
        assert words in error.message
    assert len(error.message.splitlines()) == 5


def test_many_damaged_pictures_are_counted(own: Path) -> None:
    for number in range(30):
        (own / "train" / "hat" / f"bad {number:02}.png").write_text("bad")
    lines = refusal(own).message.splitlines()
    assert len(lines) == 21
    assert lines[-1] == "... and 10 more"


def test_the_held_out_share_adapts_to_the_smallest_class(own: Path) -> None:
    for number in range(5):
        next((own / "train" / "hat").glob(f"*{number:03}.*")).unlink()
    training = load("train", own)
    assert default_held_out(training) == 3
    rest, held_out = split_held_out(training, 3)
    assert np.bincount(held_out.labels).tolist() == [1, 1, 1]
    assert np.bincount(rest.labels).tolist() == [11, 6, 11]
    numbers = np.repeat(np.arange(3, dtype=np.uint8), 300)
    assert default_held_out(Dataset(np.zeros((900, 28, 28), np.uint8), numbers, LABELS, "")) == 90


def test_a_class_of_one_picture_leaves_nothing_to_train_on(own: Path) -> None:
    for path in list((own / "train" / "hat").iterdir())[1:]:
        path.unlink()
    training = load("train", own)
    with pytest.raises(BadOption, match="leaves none of 'hat'"):
        split_held_out(training, default_held_out(training))


def test_a_model_numbers_the_classes_in_its_own_way(own: Path) -> None:
    test = load("test", own)
    renumbered = test.numbered_as(("Scarf", "boot", "hat", "glove"))
    assert [renumbered.label_names[number] for number in renumbered.labels] == [
        {"glove": "glove", "hat": "hat", "scarf": "Scarf"}[LABELS[number]] for number in test.labels
    ]
    with pytest.raises(DatasetDamaged, match="the model does not know scarf"):
        test.numbered_as(("glove", "hat"))


@pytest.mark.subprocess
def test_the_bundled_model_is_measured_on_folders_of_its_own_classes(fmnist_edge: Run, tmp_path: Path) -> None:
    """A folder cannot be called T-shirt/top; two of the ten classes are enough."""
    test = load("test")
    for label, name in (("T-shirt/top", "t-shirt top"), ("Bag", "bag")):
        folder = tmp_path / "test" / name
        folder.mkdir(parents=True)
        for number in np.flatnonzero(test.labels == FASHION_MNIST_LABELS.index(label))[:20]:
            cv2.imwrite(str(folder / f"{number}.png"), test.images[number])
    done = fmnist_edge("evaluate", "--data", tmp_path, "-f", "json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["images"] == 40
    assert report["accuracy"] > 0.7
    assert set(report["per_class"]) == {"T-shirt/top", "Bag"}


@pytest.mark.subprocess
def test_foreign_classes_are_refused_by_name(fmnist_edge: Run, own: Path) -> None:
    done = fmnist_edge("evaluate", "--data", own)
    assert done.returncode == 7
    assert done.stderr.startswith("error: the model does not know glove, hat, scarf: its labels are T-shirt/top")
