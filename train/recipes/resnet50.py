"""Transfer learning from ImageNet with ResNet50: a new head on a frozen backbone, then optionally its last stages.

Command    fmnist-train resnet50
Hardware   two cores of a 64-bit PC, no GPU; 3 GB of memory, 0.5 GB of disk for the features
Time       6 minutes for the features, once for each weights file; then 6 to 15 s an epoch, two minutes in all
Expect     the reference's 85.7 % of the 10,000 test images, with ImageNet's weights; not verified, for want of them.
           Measured with random frozen weights: 85.44 %, of the 2,000 held out 85.40 %. docs/resnet50.md has the rest.

He et al. 2016, "Deep Residual Learning for Image Recognition", arXiv:1512.03385. The backbone, its weights and its
"caffe" preprocessing are those of keras.applications.

    bytes (28, 28) -> zeros around them, (32, 32) -> three channels less their ImageNet means -> ResNet50
    -> mean over the picture, (2048,) -> BatchNormalization, Dense 256, Dense

A run has up to two phases. First the head learns on the features of the frozen backbone, which are computed once.
Then, with `--fine-tune N`, the last N of the backbone's stages learn with it at a lower rate. With `--weights none`
there is nothing to keep, so there is one phase, in which everything learns from random weights.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.errors import BadOption
from train.fitting.run_folder import EpochResult, RunFolder
from train.recipe import follow
from train.settings import Settings

if TYPE_CHECKING:
    from train.data.splits import Parts
    from train.fitting.callbacks import Callback

# NumPy, Keras and matplotlib are imported in the functions: `fmnist-train resnet50 --help` reads DEFAULTS only.

STAGES = ("conv5_", "conv4_", "conv3_", "conv2_", "conv1_")
"""How the names of the backbone's layers begin, in the order in which `--fine-tune` frees them."""

MEANS = (103.939, 116.779, 123.68)
"""Of ImageNet's blue, green and red (keras.applications.resnet50.preprocess_input). Grey needs no channel flip."""

BORDER = 2
"""Pixels around 28 x 28: 32 x 32 is the least that keras.applications' ResNet50 takes."""

HEAD_UNITS = 256

LEAST_VARIANCE = 0.1
"""Added to each feature's variance, so that normalisation amplifies none more than three times. In the int8 model
normalisation is part of the Dense layer, whose weights share one scale: with Keras' 0.001 a feature that hardly varies
weighed up to 50 times as much as others, took the scale for itself, and cost 19.7 points (docs/resnet50.md)."""


@dataclass(frozen=True, slots=True)
class Resnet50Settings(Settings):
    """Settings, and what the backbone starts from and how much of it learns.

    `weights` is imagenet, none or the name of a file without its folder; `weights_sha256` is that file's content, so
    that another one is noticed. `fine_tune` counts stages, 0 to 5. Raises BadOption.
    """

    weights: str = "imagenet"
    weights_sha256: str | None = None
    fine_tune: int = 0
    fine_tune_epochs: int = 3
    fine_tune_learning_rate: float = 1e-5
    unfreeze_batch_norm: bool = False

    def __post_init__(self) -> None:
        Settings.__post_init__(self)
        rate = self.fine_tune_learning_rate
        if not (math.isfinite(rate) and rate > 0):
            raise BadOption(f"expected a positive --fine-tune-learning-rate, got {rate}")
        if self.fine_tune_epochs < 1:
            raise BadOption(f"expected a positive --fine-tune-epochs, got {self.fine_tune_epochs}")
        if not 0 <= self.fine_tune <= len(STAGES):
            raise BadOption(f"expected --fine-tune from 0 to {len(STAGES)} stages, got {self.fine_tune}")
        if self.weights == "none" and self.fine_tune:
            raise BadOption(
                "--fine-tune has nothing to tune with --weights none",
                "leave --fine-tune away: from random weights the whole network learns in all --epochs",
            )
        if self.unfreeze_batch_norm and not self.fine_tune:
            raise BadOption("--unfreeze-batch-norm does nothing without --fine-tune", "add --fine-tune 1")

    def command_with(self, weights_file: Path | None) -> str:
        """The command with the path of the weights file, which `command` leaves out: for this machine only."""
        return replace(self, weights=str(weights_file or self.weights)).command


DEFAULTS = Resnet50Settings(
    recipe="resnet50",
    epochs=10,
    batch_size=64,
    learning_rate=0.001,
    seed=0,
    validation_images=None,  # 2,000 of Fashion-MNIST's
)


def train(
    settings: Resnet50Settings,
    *,
    weights_file: Path | None = None,
    data_dir: Path | None,
    out: Path,
    resume: bool,
    callback: Callback,
) -> dict[str, Any]:
    """Train, measure and write the run folder `out`; return what metrics.json holds.

    `weights_file` is where `settings.weights` lies if that is a file's name. Raises the errors of
    train.recipe.follow, weights_identity, load_backbone and fit.
    """
    from train.recipes.resnet50_weights import load_backbone, weights_identity

    settings = replace(settings, weights_sha256=weights_identity(weights_file, settings.weights_sha256))

    def teach(parts: Parts, folder: RunFolder, callback: Callback) -> tuple[Any, list[EpochResult]]:
        from train.fitting.fit import fit

        if settings.weights == "none":
            return fit(build, parts.training, parts.held_out, folder, callback)
        return _transfer(load_backbone(weights_file, callback), parts, settings, folder, callback)

    return follow(settings, teach, data_dir=data_dir, out=out, resume=resume, callback=callback)


def _transfer(
    backbone: Any, parts: Parts, settings: Resnet50Settings, folder: RunFolder, callback: Callback
) -> tuple[Any, list[EpochResult]]:
    """Train the head on the backbone's features, then the stages to be fine-tuned: (whole network, history)."""
    from train.recipes.resnet50_features import compute_features
    from train.recipes.two_phases import FineTuning, FrozenFeatures, head_then_top

    def compute() -> FrozenFeatures:
        extractor = build_extractor(backbone)
        training, held_out = (compute_features(extractor, part, callback) for part in (parts.training, parts.held_out))
        return FrozenFeatures(extractor, training, held_out)

    stages = ", ".join(name.rstrip("_") for name in STAGES[: settings.fine_tune])
    fine_tuning = FineTuning(settings.fine_tune_epochs, partial(_unfreeze, settings=settings), stages)
    return head_then_top(parts, folder, callback, compute, _build_head, fine_tuning if settings.fine_tune else None)


def build(settings: Settings, classes: int) -> Any:
    """Build and compile the whole network, random and free: bytes (N, 28, 28) in, probabilities (N, classes) out."""
    from train.recipes.backbone_head import connect
    from train.recipes.resnet50_weights import build_backbone

    network = connect(build_extractor(build_backbone()), build_head(classes))
    return _compile(network, settings.learning_rate)


def build_extractor(backbone: Any) -> Any:
    """Build what frozen features need: bytes as float32 (N, 28, 28) in, float32 (N, 2048) out.

    Only operations that an Edge TPU has, and none that changes the bytes before the first convolution, so the int8
    input is exactly pixel - 128. The zeros go around the picture while 0 still means black.
    """
    import keras
    import numpy as np

    pixels = keras.layers.Input((28, 28))
    grey = keras.layers.Reshape((28, 28, 1))(pixels)
    framed = keras.layers.ZeroPadding2D(BORDER, name="frame")(grey)
    less_means = keras.layers.Conv2D(3, 1, trainable=False, name="less_imagenet_means")
    channels = less_means(framed)
    less_means.set_weights([np.ones((1, 1, 1, 3), np.float32), -np.array(MEANS, np.float32)])
    features = keras.layers.GlobalAveragePooling2D(name="mean_of_picture")(backbone(channels))
    return keras.Model(pixels, features, name="extractor")


def build_head(classes: int) -> Any:
    """Build what learns on the features: float32 (N, 2048) in, probabilities float32 (N, classes) out."""
    import keras

    return keras.Sequential(
        [
            keras.layers.Input((2048,)),
            keras.layers.BatchNormalization(epsilon=LEAST_VARIANCE, name="head_normalisation"),
            keras.layers.Dense(HEAD_UNITS, activation="relu", name="head_hidden"),
            keras.layers.Dense(classes, activation="softmax", name="probabilities"),
        ],
        name="head",
    )


def _build_head(settings: Settings, classes: int, features: int) -> Any:
    return _compile(build_head(classes), settings.learning_rate)


def _unfreeze(network: Any, settings: Resnet50Settings) -> Any:
    """Free the last stages and compile anew.

    A frozen BatchNormalization normalises with the statistics that it has: those of small batches of other pictures
    would undo what the weights know (keras.io/guides/transfer_learning).
    """
    import keras

    backbone, head = network.get_layer("resnet50"), network.get_layer("head")
    backbone.trainable = True  # which frees all layers below; without it none could be free
    for layer in (*backbone.layers, *head.layers):
        learns = layer in head.layers or layer.name.startswith(STAGES[: settings.fine_tune])
        normalises = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = learns and (settings.unfreeze_batch_norm or not normalises)
    return _compile(network, settings.fine_tune_learning_rate)


def _compile(model: Any, learning_rate: float) -> Any:
    import keras

    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss="sparse_categorical_crossentropy",  # categorical cross-entropy, of class numbers
        metrics=["accuracy"],
    )
    return model
