"""Transfer learning on one's own pictures, in colour and at their own size: a new head on a frozen backbone.

Command    fmnist-train transfer --data DIR --backbone mobilenet_v2
Hardware   two cores of a 64-bit PC, no GPU; memory for all pictures as bytes
Time       a minute for the features of 3,000 pictures by EfficientNet-Lite0, once a variation; then a second an epoch
Expect     87.4 % of 341 photos of ten kinds of clothes, with EfficientNet-Lite0 and ImageNet: docs/transfer.md

    bytes (H, W, 3) red green blue -> as the backbone wants them -> backbone -> mean over the picture
    -> BatchNormalization, Dropout, Dense

A run has up to two phases. First the head learns on the features of the frozen backbone, which are computed once for
each variation of the pictures. Then, with `--fine-tune N`, the backbone's top learns with it for N epochs, at a low
rate. With `--weights none` there is nothing to keep: everything learns from random weights, in one phase, by Muon.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from edge.errors import TrainingFailed
from train.backbones import BACKBONES
from train.fitting.run_folder import EpochResult, RunFolder
from train.recipe import follow
from train.recipes.transfer_settings import TransferSettings
from train.settings import steps_per_epoch

if TYPE_CHECKING:
    from train.data.splits import Parts
    from train.fitting.callbacks import Callback

# NumPy, Keras and matplotlib are imported in the functions: `fmnist-train transfer --help` reads DEFAULTS only.

SMOOTHING = 0.1
"""The share of a target that is spread over all classes, where the whole network learns."""


class Defaults(NamedTuple):
    """What depends on whether there is something to start from."""

    epochs: int
    learning_rate: float


HEAD, FROM_NOTHING = Defaults(30, 0.001), Defaults(40, 0.02)
"""Of Adam, for the head; of Muon, for the whole network."""

DEFAULTS = TransferSettings("transfer", HEAD.epochs, 32, HEAD.learning_rate, seed=0, validation_images=None)


class _MuonSettings(NamedTuple):
    """What train.networks.optimizer_of follows."""

    epochs: int
    learning_rate: float
    weight_decay: float = 0.05
    average: float = 0.99


def train(
    settings: TransferSettings,
    *,
    weights_file: Path | None,
    data_dir: Path,
    out: Path,
    resume: bool,
    callback: Callback,
) -> dict[str, Any]:
    """Train, measure and write the run folder `out`; return what metrics.json holds.

    `weights_file` is where `settings.weights` lies if that is a file's name. Raises the errors of
    train.recipe.follow, weights_identity, load_backbone and fit.
    """
    from train.recipes.backbone_weights import weights_identity

    sha256 = weights_identity(weights_file, settings.weights_sha256, _weights_hint(settings.backbone))
    settings = replace(settings, weights_sha256=sha256)
    backbone = BACKBONES[settings.backbone]
    if backbone.doubt:
        better = ", ".join(name for name, other in BACKBONES.items() if not other.doubt and other.has_imagenet)
        callback.note(f"{settings.backbone} is a poor choice for int8: {backbone.doubt}. Better: {better}")

    def teach(parts: Parts, folder: RunFolder, callback: Callback) -> tuple[Any, list[EpochResult]]:
        if parts.training.images.shape[1:] != settings.image.shape:
            raise TrainingFailed(
                "transfer takes pictures of your own, not Fashion-MNIST's",
                "--data DIR with train/CLASS and test/CLASS, or CLASS alone; for Fashion-MNIST, fmnist-train resnet50",
            )
        if settings.weights == "none":
            return _from_nothing(parts, settings, folder, callback)
        return _transfer(partial(load_backbone, settings, weights_file, callback), parts, settings, folder, callback)

    return follow(settings, teach, data_dir=data_dir, out=out, resume=resume, callback=callback, image=settings.image)


def load_backbone(settings: TransferSettings, file: Path | None, callback: Callback) -> Any:
    """The frozen backbone with weights from `file`, or ImageNet's. Raises DownloadFailed or TrainingFailed."""
    from train.backbones import build_backbone
    from train.recipes.backbone_weights import fetch_imagenet, read_weights

    name, image, hint = settings.backbone, settings.image, _weights_hint(settings.backbone)
    build = partial(build_backbone, name, image.height, image.width)
    if file is None and BACKBONES[name].own:
        from train.recipes.lite_weights import fetched_lite0

        backbone = fetched_lite0(build())
    elif file is None:
        callback.note("ImageNet weights: from Keras' cache, or fetched once")
        without = "or give a file's with --weights FILE, or train from random weights with --weights none; small_cnn "
        backbone = fetch_imagenet(
            partial(build, imagenet=True), f"connect this machine to a network once, {without}is made for that"
        )
    else:
        backbone = read_weights(build(), file, name, hint)
    backbone.trainable = False
    return backbone


def _from_nothing(
    parts: Parts, settings: TransferSettings, folder: RunFolder, callback: Callback
) -> tuple[Any, list[EpochResult]]:
    """Train the whole network from random weights: (network, history)."""
    from train.augment.colour import ColourAugmentation
    from train.data.epochs import AugmentedEpochBuilder
    from train.fitting.fit import fit

    shown = AugmentedEpochBuilder(settings.seed, ColourAugmentation(settings.augment), SMOOTHING)
    built = partial(build, steps=steps_per_epoch(settings, len(parts.training)))
    trained, history = fit(built, parts.training, parts.held_out, folder, callback, epoch_builder=shown)
    plain = _network(settings, len(parts.training.label_names))
    plain.set_weights(trained.get_weights())
    return plain, history


def _transfer(
    load: Callable[[], Any], parts: Parts, settings: TransferSettings, folder: RunFolder, callback: Callback
) -> tuple[Any, list[EpochResult]]:
    """Train the head on the backbone's features, then its top: (whole network, history)."""
    from train.augment.colour import ColourAugmentation
    from train.data.epochs import AugmentedEpochBuilder
    from train.recipes.backbone_head import build_extractor
    from train.recipes.transfer_features import VariedFeatures, compute_varied
    from train.recipes.two_phases import FineTuning, FrozenFeatures, head_then_top

    augmentation = ColourAugmentation(settings.augment)

    def compute() -> FrozenFeatures:
        extractor = build_extractor(load(), BACKBONES[settings.backbone].pixels)
        variants = settings.variants if settings.augment else 1
        training = compute_varied(extractor, parts.training, augmentation, variants, settings.seed, callback)
        held_out = compute_varied(extractor, parts.held_out, augmentation, 1, settings.seed, callback)
        return FrozenFeatures(extractor, training[0], held_out[0], VariedFeatures(settings.seed, training))

    fine_tuning = FineTuning(
        settings.fine_tune,
        partial(_unfreeze, settings=settings),
        f"the top {settings.fine_tune_share:.0%} of {settings.backbone}",
        AugmentedEpochBuilder(settings.seed, augmentation, SMOOTHING),
    )
    return head_then_top(parts, folder, callback, compute, build_head, fine_tuning if settings.fine_tune else None)


def build(settings: TransferSettings, classes: int, steps: int) -> Any:
    """Build and compile the whole network, random and free, to be trained in epochs of so many steps."""
    from train.fitting.normalisation import FusedBatchNormalization
    from train.networks import optimizer_of

    model = _network(settings, classes, normalisation=FusedBatchNormalization)
    model.compile(
        optimizer=optimizer_of(_MuonSettings(settings.epochs, settings.learning_rate), steps),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def _network(settings: TransferSettings, classes: int, normalisation: Any = None) -> Any:
    from train.backbones import build_backbone
    from train.recipes.backbone_head import build_extractor, classifier_head, connect

    own = {"normalisation": normalisation} if BACKBONES[settings.backbone].own else {}
    backbone = build_backbone(settings.backbone, settings.image.height, settings.image.width, **own)
    extractor = build_extractor(backbone, BACKBONES[settings.backbone].pixels)
    return connect(extractor, classifier_head(extractor.output_shape[-1], classes, settings.dropout))


def build_head(settings: TransferSettings, classes: int, features: int) -> Any:
    """Build and compile what learns on frozen features: float32 (N, features) in, probabilities (N, classes) out."""
    import keras

    from train.recipes.backbone_head import classifier_head

    head = classifier_head(features, classes, settings.dropout)
    head.compile(
        optimizer=keras.optimizers.Adam(settings.learning_rate),
        loss="sparse_categorical_crossentropy",  # categorical cross-entropy, of class numbers
        metrics=["accuracy"],
    )
    return head


def _unfreeze(network: Any, settings: TransferSettings) -> Any:
    """Free the backbone's top and compile anew."""
    import keras

    from train.recipes.backbone_head import free_top

    free_top(network, network.get_layer(settings.backbone), settings.fine_tune_share)
    network.compile(
        optimizer=keras.optimizers.Adam(settings.fine_tune_learning_rate),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    return network


def _weights_hint(name: str) -> str:
    constructor = BACKBONES[name].constructor
    return (
        f"expected what keras.applications.{constructor}(include_top=False).save_weights('{name}.weights.h5') writes, "
        f"the file ...notop.h5 of keras.applications, or the model.keras of a run with --backbone {name}"
    )
