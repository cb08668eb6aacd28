"""Read the files that Fashion-MNIST comes in: the original IDX, or the reference script's NumPy files."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge.errors import DatasetDamaged, DatasetNotFound

Split = Literal["train", "test"]
Arrays = tuple[NDArray[np.uint8], NDArray[np.uint8]]

IDX_NAMES: dict[Split, tuple[str, str]] = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
NUMPY_NAMES: dict[Split, tuple[str, str]] = {
    "train": ("train_features.npy", "train_target.npy"),
    "test": ("test_features.npy", "test_target.npy"),
}
IDX_MAGIC = {1: 2049, 3: 2051}  # 0x08 (unsigned byte) << 8 | dimensions; yann.lecun.com/exdb/mnist
CLASSES = 10
REPLACE_HINT = "replace the file, or delete it so that fmnist-edge fetches it again"


def read_folder(folder: Path, split: Split) -> Arrays | None:
    """Read a split's images uint8 (N, 28, 28) grey and labels uint8 (N,), or None if it has no file here.

    Raises DatasetNotFound if one file of the pair is missing and DatasetDamaged if one makes no sense.
    """
    idx = _pair(folder, IDX_NAMES[split])
    if idx:
        return _images(_read_idx(idx[0], 3), idx[0]), _labels(_read_idx(idx[1], 1), idx[1])
    arrays = _pair(folder, NUMPY_NAMES[split])
    if arrays:
        return _numpy_images(arrays[0]), _numpy_labels(arrays[1])
    return None


def holds_any(folder: Path) -> bool:
    """Whether a folder holds one of the files that read_folder looks for."""
    names = [name for pairs in (IDX_NAMES, NUMPY_NAMES) for pair in pairs.values() for name in pair]
    return any((folder / name).is_file() or (folder / f"{name}.gz").is_file() for name in names)


def expected_files(split: Split) -> str:
    """Name the files that read_folder looks for, as a phrase for a message."""
    return " and ".join(IDX_NAMES[split]) + " (also .gz), or " + " and ".join(NUMPY_NAMES[split])


def _pair(folder: Path, names: tuple[str, str]) -> tuple[Path, Path] | None:
    images, labels = (_existing(folder / name) or _existing(folder / f"{name}.gz") for name in names)
    if images and labels:
        return images, labels
    if images or labels:
        missing, there = names if labels else reversed(names)
        raise DatasetNotFound(
            f"{folder / missing} is missing, though {there} is there",
            "images and labels come in pairs: add the missing file",
        )
    return None


def _existing(path: Path) -> Path | None:
    return path if path.is_file() else None


def _read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes: 4 bytes magic, 4 bytes a dimension (big-endian), then the bytes."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            header = np.frombuffer(file.read(4 * (1 + dimensions)), ">u4")
            if len(header) <= dimensions or header[0] != IDX_MAGIC[dimensions]:
                got = f"{header[0]}" if len(header) else "an empty file"
                raise _damaged(path, f"IDX magic number {IDX_MAGIC[dimensions]}", got)
            shape = tuple(int(size) for size in header[1:])
            content = file.read(math.prod(shape) + 1)
    except (MemoryError, OverflowError) as error:  # a size that no data set has
        raise _damaged(path, "a plausible size", "x".join(map(str, shape))) from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DatasetDamaged(f"{path}: truncated or corrupt gzip file ({error})", REPLACE_HINT) from error
    except ValueError as error:  # np.frombuffer: not a multiple of four bytes
        if isinstance(error, DatasetDamaged):
            raise
        raise DatasetDamaged(f"{path}: expected an IDX header, got too few bytes", REPLACE_HINT) from error
    except OSError as error:
        raise DatasetNotFound(f"{path}: {error.strerror or error}", "check the file's permissions") from error
    if len(content) != math.prod(shape):
        got = "more" if len(content) > math.prod(shape) else f"{len(content)}"
        raise _damaged(path, f"{math.prod(shape)} bytes for shape {shape}", got)
    return np.frombuffer(content, np.uint8).reshape(shape)


def _read_numpy(path: Path) -> NDArray[Any]:
    try:
        # Never pickles: unpickling a downloaded file would run its author's code.
        with path.open("rb") as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
    # NumPy evaluates the header's text: whatever Python's parser says of it comes through.
    except (ValueError, TypeError, EOFError, MemoryError, RecursionError) as error:
        raise DatasetDamaged(f"{path}: not a NumPy array file of numbers ({error})", REPLACE_HINT) from error
    except OSError as error:
        raise DatasetNotFound(f"{path}: {error.strerror or error}", "check the file's permissions") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "uif":
        raise _damaged(path, "an array of numbers", str(getattr(array, "dtype", type(array).__name__)))
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise _damaged(path, "finite numbers", "NaN or infinity")
    return array


def _numpy_images(path: Path) -> NDArray[np.uint8]:
    """Read images from (N, 784), (N, 28, 28) or (N, 28, 28, 1); floats may run 0..255 or 0..1."""
    array = _read_numpy(path)
    if array.shape[1:] not in ((784,), (28, 28), (28, 28, 1)):
        raise _damaged(path, "shape (N, 784), (N, 28, 28) or (N, 28, 28, 1)", str(array.shape))
    low, high = (array.min(), array.max()) if array.size else (0, 0)
    if low < 0 or high > 255:
        raise _damaged(path, "pixels from 0 to 255 or from 0 to 1", f"{low} to {high}")
    if array.dtype.kind == "f":
        array = np.rint(array * 255 if high <= 1 else array)
    return array.reshape(-1, 28, 28).astype(np.uint8)


def _numpy_labels(path: Path) -> NDArray[np.uint8]:
    """Read class numbers from (N,), (N, 1) or one-hot rows (N, 10)."""
    array = _read_numpy(path)
    if array.ndim == 2 and array.shape[1] == CLASSES:
        if not (((array == 0) | (array == 1)).all() and (array.sum(axis=1) == 1).all()):
            raise _damaged(path, "one-hot rows", "rows with other than a single one")
        array = array.argmax(axis=1)
    elif array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise _damaged(path, f"shape (N,) or one-hot (N, {CLASSES})", str(array.shape))
    return _labels(array, path)


def _images(array: NDArray[np.uint8], path: Path) -> NDArray[np.uint8]:
    if array.shape[1:] != (28, 28):
        raise _damaged(path, "images of 28x28 pixels", "x".join(map(str, array.shape[1:])))
    return array


def _labels(array: NDArray[Any], path: Path) -> NDArray[np.uint8]:
    wrong = (array < 0) | (array >= CLASSES) | (array % 1 != 0)
    if wrong.any():
        at = int(wrong.argmax())
        raise _damaged(path, f"labels 0 to {CLASSES - 1}", f"{array[at]} at index {at}")
    return array.astype(np.uint8)


def _damaged(path: Path, expected: str, got: str) -> DatasetDamaged:
    return DatasetDamaged(f"{path}: expected {expected}, got {got}", REPLACE_HINT)
