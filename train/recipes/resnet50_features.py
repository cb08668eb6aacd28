"""The frozen backbone's features, computed once and kept: the head's epochs then take seconds instead of minutes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from edge.datasets.dataset import Dataset, cache_folder
from edge.errors import OutputFailed
from train.fitting.callbacks import Callback
from train.fitting.run_folder import replacing
from train.settings import evaluation_batch

FORMAT = "1"
"""Raise it when what is computed changes in a way that neither weights nor pictures show."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """The head's input for a data set: `images` float32 (N, 2048), not pictures, with `labels` uint8 (N,)."""

    images: NDArray[np.float32]
    labels: NDArray[np.unsignedinteger]
    label_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)


def compute_features(extractor: Any, pictures: Dataset, callback: Callback) -> Features:
    """Run the extractor over all pictures, unless a file in the cache holds what that gave before.

    A file is named by a hash of weights, pictures and Keras backend, and takes 8 KiB a picture: 480 MB for
    Fashion-MNIST. It may be deleted at any time. A cache that cannot be written is said, and does no harm.
    """
    folder = features_folder()

    def tell() -> None:
        callback.note(f"computing the features of {len(pictures):,} images, once; kept in {folder}")

    return Features(kept_features(extractor, pictures, folder, tell, callback), pictures.labels, pictures.label_names)


def kept_features(
    extractor: Any, pictures: Dataset, folder: Path, tell: Callable[[], None], callback: Callback
) -> NDArray[np.float32]:
    """The extractor's output for all pictures, float32 (N, features), from a file in `folder` or computed and kept.

    `tell` is called before it is computed; the callback hears how far it is, and of a folder that cannot be written.
    """
    file = folder / f"{_key(extractor, pictures)}.npy"
    shape = (len(pictures), extractor.output_shape[-1])
    found = _read(file, shape)
    if found is None:
        tell()
        found = _compute(extractor, pictures, shape, callback)
        _keep(found, file, callback)
    return found


def features_folder() -> Path:
    """Where features are kept: beside the downloads, fmnist-edge/resnet50-features in the user's cache."""
    return cache_folder().parent / "resnet50-features"


def _compute(extractor: Any, pictures: Dataset, shape: tuple[int, int], callback: Callback) -> NDArray[np.float32]:
    features = np.empty(shape, np.float32)
    size = evaluation_batch(pictures.images.shape[1:])
    for at in range(0, len(pictures), size):
        batch = slice(at, at + size)
        features[batch] = extractor.predict_on_batch(pictures.images[batch])
        callback.reading("features", min(batch.stop, len(pictures)), len(pictures))
    return features


def _read(file: Path, shape: tuple[int, int]) -> NDArray[np.float32] | None:
    """The array in the file; None if there is none, or a damaged one."""
    try:
        found: NDArray[np.float32] = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return found if found.shape == shape and found.dtype == np.float32 else None


def _keep(features: NDArray[np.float32], file: Path, callback: Callback) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(file) as partial:
            np.save(partial, features)
    except (OSError, OutputFailed) as error:
        callback.note(f"the features are not kept for another run: {error}")


def _key(extractor: Any, pictures: Dataset) -> str:
    digest = hashlib.sha256(f"{FORMAT} {keras.backend.backend()} {pictures.images.shape}".encode())
    for weight in extractor.weights:
        digest.update(np.ascontiguousarray(np.asarray(weight)).data)
    digest.update(np.ascontiguousarray(pictures.images).data)
    return digest.hexdigest()[:32]
