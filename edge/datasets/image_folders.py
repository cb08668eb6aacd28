"""Read a data set of one's own, the folders' names being the labels.

Either train/CLASS/*.png and test/CLASS/*.png, or CLASS/*.png alone, of which a fifth is the test split. Every picture
goes through edge.isolation.network_input.to_input, the code that the device runs: training sees what the camera will
give.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.datasets.idx_files import Split
from edge.errors import BadOption, DatasetDamaged, DatasetNotFound, SourceError
from edge.isolation.network_input import is_blank, to_input
from edge.sources.pictures import IMAGE_SUFFIXES, read_image
from edge.spec import ImageSpec

LAYOUT = "train/CLASS/*.png and test/CLASS/*.png, or CLASS/*.png alone"
TEST_SHARE = 0.2
"""Of a folder without splits: pictures whose SHA-256 begins below this part of all digests."""

NAMED = 20
"""So many bad files are named; nobody reads a longer list, and they often have one cause."""

MOST_CLASSES = 10_000
UNSORTED, UNKNOWN = RESERVED = ("_unsorted", "_unknown")
"""Folders of a store of frames (edge/stream/review_folder.py) that are no classes."""

_LEFT_BY_SYSTEMS = frozenset({"Thumbs.db", "desktop.ini"})  # and whatever begins with a dot

FASHION_MNIST_IMAGE = ImageSpec()
"""How Fashion-MNIST would show a picture."""

Reading = Callable[[str, int, int], None]
"""Told what is read, how many pictures are done and how many there are in all."""


@dataclass(frozen=True, slots=True, eq=False)
class PictureSet:
    """Pictures uint8 (N, *image.shape) of one's own, their class numbers (N,), the labels, and the file of each.

    `enlarged` counts the files with fewer rows or columns than the picture that was made of them.
    """

    images: NDArray[np.uint8]
    numbers: NDArray[np.unsignedinteger]
    labels: tuple[str, ...]
    files: tuple[Path, ...]
    enlarged: int


def is_picture_set(folder: Path) -> bool:
    """Whether a folder is laid out as a data set of one's own: it has a train or a test folder, or class folders."""
    return _has_splits(folder) or (folder.is_dir() and any(map(_holds_pictures, _visible(folder))))


def labels_of(folder: Path) -> tuple[str, ...]:
    """The labels of a data set of one's own, without reading a picture. Raises DatasetNotFound or DatasetDamaged."""
    split: Split = "train" if not _has_splits(folder) or (folder / "train").is_dir() else "test"
    return _labels(folder, split)


def number_type(labels: tuple[str, ...]) -> np.dtype[np.unsignedinteger]:
    """What numbers of so many classes fit into: uint8, or uint16 of more than 256."""
    return np.dtype(np.uint8 if len(labels) <= 256 else np.uint16)


def _has_splits(folder: Path) -> bool:
    return (folder / "train").is_dir() or (folder / "test").is_dir()


def _holds_pictures(folder: Path) -> bool:
    if not folder.is_dir() or folder.name in RESERVED:
        return False
    return any(path.suffix.lower() in IMAGE_SUFFIXES for path in _visible(folder))


def class_folders(labels: Iterable[str]) -> dict[str, str]:
    """The folder name of each label, which no file system refuses: T-shirt/top is kept in T-shirt_top.

    Dataset.numbered_as finds the label again. Raises BadOption if two labels share a folder.
    """
    folders = {label: re.sub(r"^\.|[/\0]", "_", label) for label in labels}
    times = Counter(folders.values())
    for label, folder in folders.items():
        if folder in RESERVED or times[folder] > 1:
            raise BadOption(f"the label {label!r} cannot have a folder of its own: {folder} stands for something else")
    return folders


def read_picture_set(
    folder: Path, split: Split, reading: Reading | None = None, image: ImageSpec = FASHION_MNIST_IMAGE
) -> PictureSet:
    """The pictures of a split as `image` says; the labels are the folders' names, sorted.

    Class numbers are uint8, or uint16 of more than 256. The pictures come in the order of the SHA-256 of their pixels:
    mixed, and the same on every machine whatever the files are called. Copies within a class count once. Raises
    DatasetNotFound (no such split) and DatasetDamaged, which names every file at fault, up to 20.
    """
    labels = _labels(folder, split)
    files = _files(folder / split, labels) if _has_splits(folder) else _of_split(_files(folder, labels), split, labels)
    pictures: dict[bytes, tuple[NDArray[np.uint8], int, Path]] = {}
    problems: list[str] = []
    enlarged: set[Path] = set()
    for done, (path, number) in enumerate(files, 1):
        picture, smaller = _read(path, image, problems)
        if picture is not None:
            if smaller:
                enlarged.add(path)
            digest = hashlib.sha256(picture.tobytes()).digest()
            _, other, twin = pictures.setdefault(digest, (picture, number, path))
            if other != number:
                problems.append(f"{path} shows the same as {twin}, which is of another class")
        if reading is not None:
            reading(f"{split} pictures", done, len(files))
    refuse(problems, "mend or remove these files; `fmnist-edge classify FILE` says more of each")
    numbers = np.empty(len(pictures), number_type(labels))
    images = np.empty((len(pictures), *image.shape), np.uint8)
    paths: list[Path] = []
    for place, digest in enumerate(sorted(pictures)):
        images[place], numbers[place], path = pictures.pop(digest)  # all of them twice would be gigabytes
        paths.append(path)
    return PictureSet(images, numbers, labels, tuple(paths), len(enlarged.intersection(paths)))


def _of_split(files: list[tuple[Path, int]], split: Split, labels: tuple[str, ...]) -> list[tuple[Path, int]]:
    """The files of a folder without splits that belong to one of them, by their content alone.

    So copies stay together, and a picture that is added moves no other. A class all of whose pictures would be in one
    split gives the other its first or its last by digest. Raises DatasetDamaged for a class of one picture.
    """
    digests: dict[Path, bytes] = {}
    problems = []
    for path, _ in files:
        try:
            digests[path] = hashlib.sha256(path.read_bytes()).digest()
        except OSError as error:
            problems.append(f"{path}: {error.strerror}")
    refuse(problems, "check the files' permissions")
    below = round(TEST_SHARE * (1 << 32)).to_bytes(4, "big")
    of_class: list[list[Path]] = [[] for _ in labels]
    for path, number in files:
        of_class[number].append(path)
    chosen: list[tuple[Path, int]] = []
    for number, paths in enumerate(of_class):
        own = sorted({digests[path] for path in paths})
        if len(own) < 2:
            problems.append(f"{labels[number]}: one picture cannot be in both splits")
            continue
        test = [digest for digest in own if digest < below] or own[:1]
        kept = set(test if len(test) < len(own) else own[:-1])
        chosen += [(path, number) for path in paths if (digests[path] in kept) == (split == "test")]
    refuse(problems, f"give at least two pictures of each class, or lay them out as {LAYOUT}")
    return chosen


def _labels(folder: Path, split: Split) -> tuple[str, ...]:
    """The class folders of a split, checked against those of the other split if that is there."""
    there = {name: _folders(folder / name) for name in ("train", "test") if (folder / name).is_dir()}
    if not there:
        there = {split: tuple(name for name in _folders(folder) if name not in RESERVED)}
    if split not in there:
        raise DatasetNotFound(f"{folder} has no folder {split}", f"a data set of your own is {LAYOUT}")
    labels = there[split]
    if len(there) == 2:
        differing = [
            f"{folder / name / label} has no counterpart in {other}"
            for name, other in (("train", "test"), ("test", "train"))
            for label in sorted(set(there[name]) - set(there[other]))
        ]
        refuse(differing, "train and test need the same class folders, spelt alike")
    refuse(
        [
            f"{folder / split / label}: {label!r} cannot be a label"
            for label in labels
            if label != label.strip() or not label.isprintable()
        ],
        "labels are printable and neither begin nor end with a space: rename the folder",
    )
    if not 2 <= len(labels) <= MOST_CLASSES:
        raise DatasetDamaged(
            f"{folder / split}: expected 2 to {MOST_CLASSES:,} class folders, got {len(labels)}",
            f"a data set of your own is {LAYOUT}",
        )
    return labels


def _files(folder: Path, labels: tuple[str, ...]) -> list[tuple[Path, int]]:
    """All pictures of class folders with their class numbers; what is no picture is refused by name."""
    found: list[tuple[Path, int]] = []
    problems = [f"{path} lies outside the class folders" for path in _visible(folder) if not path.is_dir()]
    for number, label in enumerate(labels):
        pictures = []
        for path in _visible(folder / label):
            if path.is_dir():
                problems.append(f"{path} is a folder within a class")
            elif path.suffix.lower() in IMAGE_SUFFIXES:
                pictures.append(path)
            else:
                problems.append(f"{path} is no picture")
        if not pictures:
            problems.append(f"{folder / label} holds no picture")
        found += [(path, number) for path in pictures]
    suffixes = ", ".join(sorted(suffix.removeprefix(".") for suffix in IMAGE_SUFFIXES))
    refuse(problems, f"a data set of your own is {LAYOUT} (also {suffixes}); move what is neither elsewhere")
    return found


def _read(path: Path, image: ImageSpec, problems: list[str]) -> tuple[NDArray[np.uint8] | None, bool]:
    """A picture as the network gets it, uint8 image.shape, and whether its file has fewer rows or columns.

    None with the problem noted if there is none.
    """
    try:
        pixels = read_image(path)
        picture = to_input(pixels, image)
    except SourceError as error:
        problems.append(error.message)
        return None, False
    if is_blank(picture):
        problems.append(f"{path} is blank: the device gives such a picture no label")
        return None, False
    return picture, pixels.shape[0] < image.height or pixels.shape[1] < image.width


def _folders(folder: Path) -> tuple[str, ...]:
    return tuple(path.name for path in _visible(folder) if path.is_dir())


def _visible(folder: Path) -> list[Path]:
    """What a person put into a folder, by name; an unreadable folder is the data set's fault, not ours."""
    try:
        return sorted(p for p in folder.iterdir() if not p.name.startswith(".") and p.name not in _LEFT_BY_SYSTEMS)
    except OSError as error:
        raise DatasetNotFound(f"{folder}: {error.strerror}", "check the folder's permissions") from error


def refuse(problems: Iterable[str], hint: str) -> None:
    """Raise DatasetDamaged if there are problems with files or folders: one a line, as many as anyone reads."""
    lines = list(problems)
    if not lines:
        return
    more = f"\n... and {len(lines) - NAMED:,} more" if len(lines) > NAMED else ""
    raise DatasetDamaged("\n".join(lines[:NAMED]) + more, hint)
