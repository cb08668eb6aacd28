"""The data set is found, checked to the byte, and split by content."""

import gzip
import struct
import subprocess
import sys
import time

import numpy as np
import pytest

from edge.datasets import dataset
from edge.datasets.dataset import Dataset, held_out, load, split_held_out
from edge.errors import BadOption, DatasetDamaged, DatasetNotFound
from edge.spec import FASHION_MNIST_LABELS


def made_up(count, seed=0):
    """Images uint8 (count, 28, 28) and labels uint8 (count,) with every class equally often."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, 28, 28), np.uint8)
    return images, rng.permutation(np.arange(count) % 10).astype(np.uint8)


def write_idx(folder, split, images, labels, packed=True):
    folder.mkdir(parents=True, exist_ok=True)
    prefix = {"train": "train", "test": "t10k"}[split]
    for name, content in (
        (f"{prefix}-images-idx3-ubyte", struct.pack(">4I", 2051, *images.shape) + images.tobytes()),
        (f"{prefix}-labels-idx1-ubyte", struct.pack(">2I", 2049, len(labels)) + labels.tobytes()),
    ):
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content, 1))
        else:
            (folder / name).write_bytes(content)


@pytest.fixture(autouse=True)
def nowhere_else(tmp_path, monkeypatch):
    """No test reads this machine's own copy or reaches for a mirror."""
    monkeypatch.setattr(dataset, "SYSTEM_FOLDER", tmp_path / "system")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("FMNIST_EDGE_MIRRORS", "http://127.0.0.1:9/")
    monkeypatch.delenv("FMNIST_EDGE_DATA", raising=False)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("split", ["train", "test"])
def test_idx_files_are_read(tmp_path, split, packed):
    images, labels = made_up(30)
    write_idx(tmp_path, split, images, labels, packed)
    data = load(split, tmp_path)
    np.testing.assert_array_equal(data.images, images)
    np.testing.assert_array_equal(data.labels, labels)
    assert data.label_names == FASHION_MNIST_LABELS
    assert str(tmp_path) in data.origin


@pytest.mark.parametrize(
    "features",
    [
        lambda images: images,
        lambda images: images.reshape(-1, 784),
        lambda images: images[..., None],
        lambda images: images.astype(np.float64),
        lambda images: images.reshape(-1, 784).astype(np.int64),
        lambda images: images.astype(np.float32) / np.float32(255),
    ],
    ids=["uint8", "flat", "channel", "float 0..255", "int64 flat", "float 0..1"],
)
@pytest.mark.parametrize(
    "target",
    [lambda y: y, lambda y: y.astype(np.int64), lambda y: y[:, None], lambda y: np.eye(10)[y]],
    ids=["uint8", "int64", "column", "one-hot"],
)
def test_numpy_files_of_the_reference_script_are_read(tmp_path, features, target):
    images, labels = made_up(30)
    np.save(tmp_path / "train_features.npy", features(images))
    np.save(tmp_path / "train_target.npy", target(labels))
    data = load("train", tmp_path)
    np.testing.assert_array_equal(data.images, images)
    np.testing.assert_array_equal(data.labels, labels)


def _cut_gz(path):
    path.write_bytes(path.read_bytes()[:-20])


def _flip_in_gz(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))


def _rewrite(change):
    def damage(path):
        path.write_bytes(gzip.compress(bytes(change(bytearray(gzip.decompress(path.read_bytes()))))))

    return damage


def _with(content, at, values):
    content[at : at + len(values)] = values
    return content


IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        (IMAGES, _cut_gz, "truncated or corrupt"),
        (IMAGES, _flip_in_gz, "truncated or corrupt"),
        (LABELS, _cut_gz, "truncated or corrupt"),
        (IMAGES, lambda path: path.write_bytes(b"<html>not found</html>"), "truncated or corrupt"),
        (IMAGES, lambda path: path.write_bytes(b""), "got an empty file"),
        (IMAGES, _rewrite(lambda c: c[:3]), "too few bytes"),
        (IMAGES, _rewrite(lambda c: c[:8]), "expected IDX magic number 2051"),
        (IMAGES, _rewrite(lambda c: c[:-1]), "expected 23520 bytes for shape"),
        (IMAGES, _rewrite(lambda c: c + b"x"), "got more"),
        (IMAGES, _rewrite(lambda c: _with(c, 3, b"\x01")), "expected IDX magic number 2051, got 2049"),
        (IMAGES, _rewrite(lambda c: _with(c, 11, b"\x0e\0\0\0\x38")), "images of 28x28 pixels, got 14x56"),
        (IMAGES, _rewrite(lambda c: _with(c[: -784], 7, b"\x1d")), "expected labels uint8 (29,)"),
        (LABELS, _rewrite(lambda c: _with(c, 10, b"\x0a")), "expected labels 0 to 9, got 10 at index 2"),
    ],
)  # fmt: skip
def test_damage_is_named_with_its_file(tmp_path, name, damage, message):
    write_idx(tmp_path, "train", *made_up(30))
    damage(tmp_path / name)
    with pytest.raises(DatasetDamaged) as caught:
        load("train", tmp_path)
    assert message in caught.value.message
    assert str(tmp_path) in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("train_features.npy", np.zeros((4, 30, 30)), "expected shape (N, 784)"),
        ("train_features.npy", np.full((4, 784), 256.0), "expected pixels from 0 to 255"),
        ("train_features.npy", np.full((4, 784), -1), "expected pixels from 0 to 255"),
        ("train_features.npy", np.full((4, 784), np.nan), "expected finite numbers"),
        ("train_features.npy", np.array([{}] * 4, object), "not a NumPy array file of numbers"),
        ("train_features.npy", np.array(["a"] * 4), "expected an array of numbers"),
        ("train_target.npy", np.array([0, 1, 2, 10]), "got 10 at index 3"),
        ("train_target.npy", np.array([0, 1, 2, 0.5]), "got 0.5 at index 3"),
        ("train_target.npy", np.array([0, -1, 2, 1]), "got -1 at index 1"),
        ("train_target.npy", np.full((4, 10), 0.1), "expected one-hot rows"),
        ("train_target.npy", np.zeros((4, 3)), "expected shape (N,)"),
        ("train_target.npy", np.zeros(5), "expected labels uint8 (4,)"),
    ],
)
def test_damaged_numpy_files_are_named(tmp_path, name, array, message):
    np.save(tmp_path / "train_features.npy", np.zeros((4, 784), np.uint8))
    np.save(tmp_path / "train_target.npy", np.zeros(4, np.uint8))
    np.save(tmp_path / name, array, allow_pickle=True)
    with pytest.raises(DatasetDamaged, match=None) as caught:
        load("train", tmp_path)
    assert message in caught.value.message


@pytest.mark.parametrize("missing", [IMAGES, LABELS])
def test_half_a_pair_names_the_missing_file(tmp_path, missing):
    write_idx(tmp_path, "train", *made_up(30))
    (tmp_path / missing).unlink()
    with pytest.raises(DatasetNotFound, match=f"{missing.removesuffix('.gz')} is missing, though"):
        load("train", tmp_path)


def test_a_folder_that_was_named_is_the_only_place(tmp_path, monkeypatch):
    write_idx(tmp_path / "system", "train", *made_up(30))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetNotFound, match="empty does not hold the train data"):
        load("train", tmp_path / "empty")
    monkeypatch.setenv("FMNIST_EDGE_DATA", str(tmp_path / "absent"))
    with pytest.raises(DatasetNotFound, match=r"no folder .*absent"):
        load("train")
    assert len(load("train", tmp_path / "system")) == 30


def test_places_are_searched_in_order(tmp_path, monkeypatch):
    cache = tmp_path / "cache" / "fmnist-edge" / "fashion-mnist"
    with pytest.raises(DatasetNotFound, match="is neither in") as caught:
        load("test", allow_download=False)
    assert "fetch-data" in caught.value.hint
    write_idx(cache, "test", *made_up(10))
    assert len(load("test", allow_download=False)) == 10
    write_idx(tmp_path / "system", "test", *made_up(20))
    assert len(load("test", allow_download=False)) == 20
    write_idx(tmp_path / "chosen", "test", *made_up(30))
    monkeypatch.setenv("FMNIST_EDGE_DATA", str(tmp_path / "chosen"))
    assert len(load("test", allow_download=False)) == 30


def test_a_data_set_validates_itself():
    images, labels = made_up(30)
    for wrong in (
        lambda: Dataset(images.astype(np.float32), labels, FASHION_MNIST_LABELS, "here"),
        lambda: Dataset(images.reshape(len(images), -1), labels, FASHION_MNIST_LABELS, "here"),
        lambda: Dataset(images, labels[:-1], FASHION_MNIST_LABELS, "here"),
        lambda: Dataset(images, labels, FASHION_MNIST_LABELS[:9], "here"),
        lambda: Dataset(images[:0], labels[:0], FASHION_MNIST_LABELS, "here"),
    ):
        with pytest.raises(DatasetDamaged, match=r"here: expected .*, got "):
            wrong()


def test_the_held_out_images_do_not_depend_on_the_order_of_the_file():
    images, labels = made_up(400)
    data = Dataset(images, labels, FASHION_MNIST_LABELS, "here")
    order = np.random.default_rng(1).permutation(400)
    chosen = {images[i].tobytes() for i in held_out(data, 5)}
    shuffled = data.subset(order)
    assert {shuffled.images[i].tobytes() for i in held_out(shuffled, 5)} == chosen
    assert len(chosen) == 50


def test_the_held_out_images_are_pinned():
    """A change of the rule would let later calibrations see training images: it must be noticed."""
    images = np.arange(40 * 784).reshape(40, 28, 28).astype(np.uint32) * 2654435761 >> 24
    data = Dataset(images.astype(np.uint8), np.arange(40, dtype=np.uint8) % 10, FASHION_MNIST_LABELS, "here")
    assert held_out(data, 1).tolist() == [0, 2, 16, 19, 21, 25, 27, 33, 34, 38]


def test_a_larger_choice_contains_each_smaller_one():
    data = Dataset(*made_up(400), FASHION_MNIST_LABELS, "here")
    sizes = [set(held_out(data, count).tolist()) for count in (1, 2, 10, 39)]
    assert [len(chosen) for chosen in sizes] == [10, 20, 100, 390]
    assert sizes[0] < sizes[1] < sizes[2] < sizes[3]


def test_copies_of_an_image_stay_on_one_side():
    """Copies of one picture in training and validation would make the validation figure a lie."""
    images, labels = made_up(200)
    images[100:] = images[:100]
    labels[100:150] = labels[:50]
    data = Dataset(images, labels, FASHION_MNIST_LABELS, "here")
    for count in range(1, 8):
        rest, chosen = split_held_out(data, count * 10)
        assert not {i.tobytes() for i in rest.images} & {i.tobytes() for i in chosen.images}
        assert len(rest) + len(chosen) == 200


def test_the_split_is_stratified_and_complete():
    data = Dataset(*made_up(400), FASHION_MNIST_LABELS, "here")
    rest, chosen = split_held_out(data, 100)
    assert np.bincount(chosen.labels).tolist() == [10] * 10
    assert np.bincount(rest.labels).tolist() == [30] * 10
    pixels = np.sort(np.concatenate([rest.images, chosen.images]).reshape(400, -1).sum(axis=1))
    assert np.array_equal(pixels, np.sort(data.images.reshape(400, -1).sum(axis=1)))


@pytest.mark.parametrize("total", [0, -10, 15, 400, 410])
def test_a_split_that_cannot_be_is_refused(total):
    data = Dataset(*made_up(400), FASHION_MNIST_LABELS, "here")
    with pytest.raises(BadOption):
        split_held_out(data, total)


def test_a_class_that_is_too_small_is_named():
    data = Dataset(*made_up(400), FASHION_MNIST_LABELS, "here")
    rest = data.subset(np.flatnonzero((data.labels != 8) | (np.arange(400) < 200)))
    with pytest.raises(BadOption, match=r"'Bag' has \d+"):
        held_out(rest, 39)


def test_sixty_thousand_images_are_split_quickly():
    data = Dataset(*made_up(60_000), FASHION_MNIST_LABELS, "here")
    started = time.process_time()
    rest, chosen = split_held_out(data, 2000)
    assert time.process_time() - started < 20  # measured: 0.15 s, emulated 1.2 s; a loop over pixels takes minutes
    assert (len(rest), len(chosen)) == (58_000, 2000)


@pytest.mark.subprocess
def test_a_file_that_may_not_be_read_is_named(tmp_path):
    write_idx(tmp_path, "train", *made_up(30))
    tmp_path.chmod(0o755)
    (tmp_path / IMAGES).chmod(0)
    program = (
        "import os; from pathlib import Path\n"
        "from edge.datasets.dataset import load; from edge.errors import DatasetError\n"
        f"os.chdir({str(tmp_path)!r}); os.geteuid() or os.setuid(65534)\n"  # root may read everything
        "try: load('train', Path())\nexcept DatasetError as error: print(error)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == f"{IMAGES}: Permission denied\n"
