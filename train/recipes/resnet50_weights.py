"""What the backbone of the recipe resnet50 starts from: ImageNet's weights, a file's, or random ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from train.recipes import backbone_weights

if TYPE_CHECKING:
    from train.fitting.callbacks import Callback

IMAGENET_URL = (
    "https://storage.googleapis.com/tensorflow/keras-applications/resnet/"
    "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
)
"""Where keras.applications fetches its 94 MB from; it checks their MD5 and keeps them in ~/.keras/models."""

_FILE_HINT = (
    "expected what keras.applications.ResNet50(include_top=False).save_weights('resnet50.weights.h5') writes, "
    f"a model.keras of this recipe, or {IMAGENET_URL}"
)


def weights_identity(file: Path | None, expected: str | None) -> str | None:
    """SHA-256 of the weights file, None without one.

    Raises BadOption if the file is not there, has no suffix that Keras knows, or is not the `expected` one.
    """
    return backbone_weights.weights_identity(file, expected, _FILE_HINT)


def load_backbone(file: Path | None, callback: Callback) -> Any:
    """The frozen Keras ResNet50 with weights from `file`, or ImageNet's: float32 (N, 32, 32, 3) -> (N, 1, 1, 2048).

    Raises DownloadFailed if ImageNet's weights cannot be had, TrainingFailed if the file's do not fit.
    """
    if file is None:
        callback.note("ImageNet weights: from Keras' cache, or fetched once (94 MB)")
        backbone = backbone_weights.fetch_imagenet(
            lambda: build_backbone("imagenet"),
            f"fetch {IMAGENET_URL} on a machine with a network and give it with --weights FILE, "
            "or train from random weights with --weights none",
        )
    else:
        backbone = backbone_weights.read_weights(build_backbone(), file, "ResNet50", _FILE_HINT)
    backbone.trainable = False
    return backbone


def build_backbone(weights: str | None = None) -> Any:
    """ResNet50 without its top, random (Keras' seed) or "imagenet": float32 (N, 32, 32, 3) -> (N, 1, 1, 2048)."""
    import keras

    return keras.applications.ResNet50(weights=weights, include_top=False, input_shape=(32, 32, 3), name="resnet50")
