"""What the backbone of the recipe resnet50 starts from: ImageNet's weights, a file's, or random ones."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.errors import BadOption, DownloadFailed, TrainingFailed

if TYPE_CHECKING:
    from train.fitting.callbacks import Callback

IMAGENET_URL = (
    "https://storage.googleapis.com/tensorflow/keras-applications/resnet/"
    "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
)
"""Where keras.applications fetches its 94 MB from; it checks their MD5 and keeps them in ~/.keras/models."""

SUFFIXES = (".weights.h5", ".keras", ".h5")
"""Keras' weights, Keras' whole models, and the older HDF5, in which the ImageNet weights come."""

TIMEOUT_S = 30.0
_FILE_HINT = (
    "expected what keras.applications.ResNet50(include_top=False).save_weights('resnet50.weights.h5') writes, "
    f"a model.keras of this recipe, or {IMAGENET_URL}"
)


def weights_identity(file: Path | None, expected: str | None) -> str | None:
    """SHA-256 of the weights file, None without one; reads 100 MB in a tenth of a second, and no Keras.

    Raises BadOption if the file is not there, has no suffix that Keras knows, or is not the `expected` one.
    """
    if file is None:
        if expected:
            raise BadOption("--weights-sha256 is for a --weights FILE", "Keras checks the ImageNet weights itself")
        return None
    if not file.name.endswith(SUFFIXES):
        raise BadOption(
            f"--weights {file}: expected imagenet, none or a file named *{', *'.join(SUFFIXES)}",
            "Keras tells the formats apart by the name",
        )
    try:
        with file.open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise BadOption(f"--weights {file}: {error.strerror or error}", _FILE_HINT) from error
    if expected not in (None, found):
        raise BadOption(f"{file} has the SHA-256 {found}, expected {expected}", "give the file that was meant")
    return found


def load_backbone(file: Path | None, callback: Callback) -> Any:
    """The frozen Keras ResNet50 with weights from `file`, or ImageNet's: float32 (N, 32, 32, 3) -> (N, 1, 1, 2048).

    Raises DownloadFailed if ImageNet's weights cannot be had, TrainingFailed if the file's do not fit.
    """
    backbone = _fetch_imagenet(callback) if file is None else _read(file)
    backbone.trainable = False
    return backbone


def build_backbone(weights: str | None = None) -> Any:
    """ResNet50 without its top, random (Keras' seed) or "imagenet": float32 (N, 32, 32, 3) -> (N, 1, 1, 2048)."""
    import keras

    return keras.applications.ResNet50(weights=weights, include_top=False, input_shape=(32, 32, 3), name="resnet50")


def _fetch_imagenet(callback: Callback) -> Any:
    waiting_s = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT_S)  # Keras would wait for a silent server for ever
    callback.note("ImageNet weights: from Keras' cache, or fetched once (94 MB)")
    try:
        with contextlib.redirect_stdout(sys.stderr):  # Keras' progress; stdout is for the result
            return build_backbone("imagenet")
    # Keras raises a plain Exception for what the network did, ValueError for a wrong checksum, OSError for the disk.
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise DownloadFailed(
            f"the ImageNet weights could not be had: {reason}",
            f"fetch {IMAGENET_URL} on a machine with a network and give it with --weights FILE, "
            "or train from random weights with --weights none",
        ) from error
    finally:
        socket.setdefaulttimeout(waiting_s)


def _read(file: Path) -> Any:
    import keras
    import numpy as np

    backbone = build_backbone()
    try:
        if file.suffix == ".keras":
            source = _find_backbone(keras.saving.load_model(file, compile=False, safe_mode=True))
            for layer in filter(lambda layer: layer.weights, backbone.layers):
                layer.set_weights(source.get_layer(layer.name).get_weights())
        else:
            backbone.load_weights(file)
    # Keras and h5py let through whatever a damaged file or another network leads them to.
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise TrainingFailed(f"{file} does not hold weights of ResNet50: {reason}", _FILE_HINT) from error
    for weight in backbone.weights:
        if not np.isfinite(np.asarray(weight)).all():
            raise TrainingFailed(f"{file}: the weights of {weight.path} hold NaN or infinity", "use another file")
    return backbone


def _find_backbone(model: Any) -> Any:
    """The ResNet50 that `model` is or has inside; raises ValueError."""
    inside = [model]
    while inside:
        candidate = inside.pop()
        layers = getattr(candidate, "layers", [])
        if any(layer.name == "conv5_block3_3_conv" for layer in layers):
            return candidate
        inside.extend(layers)
    raise ValueError(f"the model {model.name!r} has no ResNet50 inside")
