"""Fashion-MNIST, or pictures of one's own: find them or fetch them, check them, and hold some of them out.

Source: Xiao, Rasul and Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
Algorithms", arXiv:1708.07747; github.com/zalandoresearch/fashion-mnist.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.datasets import download
from edge.datasets.idx_files import CLASSES, Split, expected_files, holds_any, read_folder
from edge.datasets.image_folders import (
    FASHION_MNIST_IMAGE,
    LAYOUT,
    Reading,
    is_picture_set,
    labels_of,
    number_type,
    read_picture_set,
)
from edge.errors import BadOption, DatasetDamaged, DatasetError, DatasetNotFound
from edge.spec import FASHION_MNIST_LABELS, ImageSpec

SYSTEM_FOLDER = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package dataset-fashion-mnist puts the files."""

LARGEST_DEFAULT_PER_CLASS = 200
"""Held out of each class at most unless told otherwise: what calibrates int8, and tells epochs apart to 0.7 points."""


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Labelled pictures: `images` uint8 (N, height, width) or (N, height, width, 3), `labels` (N,) into `label_names`.

    Fashion-MNIST's are (N, 28, 28), bright on a black background; one's own are as the model takes them for which they
    were read. Labels are uint8, or uint16 of more than 256 names. `origin` says for people where the data came from.
    Of one's own pictures, `files` has the file of each, and `enlarged` counts those that were smaller in their files.
    Raises DatasetDamaged if the arrays do not fit each other.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.unsignedinteger]
    label_names: tuple[str, ...]
    origin: str
    files: tuple[Path, ...] = ()
    enlarged: int = 0

    def __post_init__(self) -> None:
        count, size = len(self.images), self.images.shape[1:]
        if self.images.dtype != np.uint8 or len(size) not in (2, 3) or size[2:] not in ((), (3,)):
            raise DatasetDamaged(
                f"{self.origin}: expected images uint8 (N, height, width) or (N, height, width, 3), got "
                f"{self.images.dtype} {self.images.shape}"
            )
        if self.labels.shape != (count,) or self.labels.dtype not in (np.uint8, np.uint16):
            raise DatasetDamaged(
                f"{self.origin}: expected labels uint8 ({count},), got {self.labels.dtype} {self.labels.shape}",
                "images and labels must come from the same download",
            )
        if len(self.labels) == 0:
            raise DatasetDamaged(f"{self.origin}: expected some images, got none")
        if self.labels.max() >= len(self.label_names):
            raise DatasetDamaged(
                f"{self.origin}: expected labels below {len(self.label_names)}, got {self.labels.max()}"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: NDArray[np.intp]) -> Dataset:
        """Return the images at `indices` intp (M,), in that order, without their files."""
        return Dataset(self.images[indices], self.labels[indices], self.label_names, self.origin)

    @property
    def is_fashion_mnist(self) -> bool:
        """Whether the labels are Fashion-MNIST's; the pictures may still be others."""
        return self.label_names == FASHION_MNIST_LABELS

    def numbered_as(self, labels: tuple[str, ...]) -> Dataset:
        """Number the classes as a model with these labels does; it may know classes that are not in the data.

        Names agree if their letters and digits do, for a folder cannot be called T-shirt/top. Raises
        DatasetDamaged if the model does not know one of the labels.
        """
        alike = {_letters(label): number for number, label in enumerate(labels)}
        alike |= {label: number for number, label in enumerate(labels)}
        numbers = [alike.get(name, alike.get(_letters(name))) for name in self.label_names]
        unknown = [name for name, number in zip(self.label_names, numbers, strict=True) if number is None]
        if unknown:
            raise DatasetDamaged(
                f"the model does not know {', '.join(unknown)[:200]}: its labels are {', '.join(labels)[:200]}",
                "give data with the model's labels (--data DIR), or another --model",
            )
        numbered = np.array(numbers, number_type(labels))[self.labels]
        return Dataset(self.images, numbered, labels, self.origin, self.files, self.enlarged)

    def first(self, count: int) -> Dataset:
        """Return the first `count` images, or all if there are fewer; they share this data set's memory."""
        return Dataset(self.images[:count], self.labels[:count], self.label_names, self.origin)


def load(
    split: Split,
    data_dir: Path | None = None,
    *,
    allow_download: bool = True,
    progress: download.Progress | None = None,
    reading: Reading | None = None,
    image: ImageSpec = FASHION_MNIST_IMAGE,
) -> Dataset:
    """Read the training or test images from the first place that has them: Fashion-MNIST's 60,000 and 10,000.

    The places: `data_dir` (or else $FMNIST_EDGE_DATA) alone if given; otherwise Debian's folder, then the
    cache, which is filled by a download if need be. A folder holds the IDX files, plain or gzipped, the
    reference script's NumPy files (edge/datasets/idx_files.py) or, if it was given, pictures of one's own in class
    folders (edge/datasets/image_folders.py), of whose number `reading` is told, and which become what `image` says;
    Fashion-MNIST's stay as they are (edge.isolation.network_input.fit_pictures makes them fit a model). Raises
    DatasetNotFound, DatasetDamaged, DownloadFailed or OutputFailed (no room in the cache).
    """
    chosen = _chosen(data_dir)
    cache = cache_folder()
    for folder in (chosen,) if chosen else (SYSTEM_FOLDER, cache):
        found = _load_folder(folder, split, tolerant=folder == cache and allow_download)
        if found:
            return found
    if chosen and is_picture_set(chosen):
        own = read_picture_set(chosen, split, reading, image)
        origin = f"own pictures, {split} split, from {chosen}"
        return Dataset(own.images, own.numbers, own.labels, origin, own.files, own.enlarged)
    if chosen:
        raise _not_there(chosen, split)
    if not allow_download:
        raise DatasetNotFound(
            f"the {split} data of Fashion-MNIST is neither in {SYSTEM_FOLDER} nor in {cache}",
            "fmnist-edge fetch-data, or apt install dataset-fashion-mnist, or give --data",
        )
    download.fetch_split(split, cache, progress)
    fetched = _load_folder(cache, split, tolerant=False)
    if fetched is None:
        raise DatasetNotFound(f"the downloaded {split} data is gone from {cache}", "run the command again")
    return fetched


def find_labels(data_dir: Path | None = None) -> tuple[str, ...]:
    """The labels of the data that `load` would read: those of a folder of one's own pictures, else Fashion-MNIST's.

    No picture is read. Raises DatasetNotFound or DatasetDamaged.
    """
    chosen = _chosen(data_dir)
    if chosen is None or holds_any(chosen):
        return FASHION_MNIST_LABELS
    if not is_picture_set(chosen):
        raise _not_there(chosen, "train")
    return labels_of(chosen)


def _not_there(folder: Path, split: Split) -> DatasetNotFound:
    return DatasetNotFound(
        f"{folder} does not hold the {split} data" if folder.is_dir() else f"no folder {folder}",
        f"it should hold {expected_files(split)}, or pictures of your own as {LAYOUT}",
    )


def _chosen(data_dir: Path | None) -> Path | None:
    told = os.environ.get("FMNIST_EDGE_DATA")
    return data_dir or (Path(told) if told else None)


def cache_folder() -> Path:
    """Where downloads are kept: $XDG_CACHE_HOME or ~/.cache, then fmnist-edge/fashion-mnist."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "fmnist-edge" / "fashion-mnist"


def held_out(dataset: Dataset, per_class: int) -> NDArray[np.intp]:
    """Choose `per_class` images of each class by content alone: ascending indices intp (M,).

    Within a class the images are ordered by the SHA-256 of their bytes and the first are taken. So the choice
    is the same on every machine and NumPy version and does not depend on the order of the file; a larger
    choice contains each smaller one; and as the copies of an image follow the first that is chosen, none of
    them stays behind on the other side (with copies, M can exceed 10 x `per_class`). Fashion-MNIST's training
    data has no copies. 60,000 images take about 0.1 s.

    Raises BadOption if a class has fewer than `per_class` images.
    """
    content = np.ascontiguousarray(dataset.images).data.cast("B")
    size = dataset.images[0].size
    digests = [hashlib.sha256(content[at : at + size]).digest() for at in range(0, len(content), size)]
    chosen: set[bytes] = set()
    for number, name in enumerate(dataset.label_names):
        of_class = sorted(digests[index] for index in np.flatnonzero(dataset.labels == number))
        if len(of_class) < per_class:
            raise BadOption(
                f"{per_class} images of each class are to be held out, but {name!r} has {len(of_class)}",
                "hold out fewer images",
            )
        chosen.update(of_class[:per_class])
    return np.flatnonzero([digest in chosen for digest in digests])


def default_held_out(dataset: Dataset, per_class: int = LARGEST_DEFAULT_PER_CLASS) -> int:
    """How many images to hold out unless told: of each class as many as a tenth of the smallest, 1 to `per_class`.

    Of Fashion-MNIST's 60,000 training images these are 2,000. The number depends on the data alone.
    """
    smallest = int(np.bincount(dataset.labels, minlength=len(dataset.label_names)).min())
    return min(max(smallest // 10, 1), per_class) * len(dataset.label_names)


def split_held_out(dataset: Dataset, total: int) -> tuple[Dataset, Dataset]:
    """Split into (rest, held out), the second with `total` images, equally many of each class.

    Train on the first, tune or calibrate on the second; see `held_out` for what is promised. Both keep the
    data set's order. Raises BadOption unless `total` is a positive multiple of the number of classes that
    leaves something to train on.
    """
    chosen = reserved(dataset, total)
    return dataset.subset(np.flatnonzero(~chosen)), dataset.subset(np.flatnonzero(chosen))


def reserved(dataset: Dataset, total: int) -> NDArray[np.bool_]:
    """Which images `split_held_out` holds out: bool (N,), without a copy of any. Raises what that raises."""
    classes = len(dataset.label_names)
    if total <= 0 or total % classes:
        raise BadOption(
            f"expected a positive multiple of {classes} images to hold out, got {total}",
            f"as many images of each of the {classes} classes are held out",
        )
    chosen = np.zeros(len(dataset), bool)
    chosen[held_out(dataset, total // classes)] = True
    left = np.bincount(dataset.labels[~chosen], minlength=classes)
    if not left.all():
        emptied = ", ".join(f"{name!r}" for name, count in zip(dataset.label_names, left, strict=True) if not count)
        raise BadOption(
            f"holding out {total} of {len(dataset)} images leaves none of {emptied}",
            "hold out fewer images, or add images of that class",
        )
    return chosen


def _letters(label: str) -> str:
    """What has to agree of two spellings of a label."""
    return re.sub(r"[\W_]+", "", label.casefold())


def _load_folder(folder: Path, split: Split, tolerant: bool) -> Dataset | None:
    """Read the folder's data set; None without one, or, if `tolerant`, when a download can mend it."""
    assert len(FASHION_MNIST_LABELS) == CLASSES
    try:
        arrays = read_folder(folder, split)
    except DatasetError:
        if tolerant:
            return None
        raise
    if arrays is None:
        return None
    return Dataset(*arrays, FASHION_MNIST_LABELS, f"Fashion-MNIST, {split} split, from {folder}")
