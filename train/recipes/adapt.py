"""Fine-tune a network on one's own photos, beside Fashion-MNIST, so that it learns the one and keeps the other.

Command    fmnist-train adapt --photos DIR [--model camera]
Hardware   two cores of a 64-bit PC
Time       about ten minutes for base in bfloat16, half an hour in float32 on one core; half of that for small
Expect     docs/camera.md: ten photos a class are worth more than anything else

Each step shows photos, cut out by masks that differ a little, in other poses or on people; images of Fashion-MNIST as
in the camera recipe; and pictures of no class. A photo may be of one of several classes (shoes are Sandal, Sneaker or
Ankle boot): the one that the network leans to is its target. The result is a mean of the weights before and after,
which keeps more of what the network knew (Wortsman et al. 2022, arxiv.org/abs/2109.01903).
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from edge.errors import TrainingFailed
from train.data.adapt_settings import GARMENTS, OUTLIERS, PHOTOS, STEPS_PER_EPOCH, AdaptSettings
from train.networks import image_at, image_of, like, optimizer_of
from train.recipe import follow
from train.settings import PRECISIONS

if TYPE_CHECKING:
    from train.data.photos import Photos
    from train.data.splits import Parts
    from train.fitting.callbacks import Callback
    from train.fitting.run_folder import EpochResult, RunFolder

HELD_OUT_VIEWS = "held_out_views.npz"
"""In the run folder: what the device sees of the photos that were held out."""


DEFAULTS = AdaptSettings(
    recipe="adapt",
    epochs=20,
    batch_size=PHOTOS + GARMENTS + OUTLIERS,
    learning_rate=0.005,
    seed=0,
    validation_images=None,
)


def train(
    settings: AdaptSettings,
    *,
    photos: Path,
    start: Path,
    meaning: Path | None,
    data_dir: Path | None,
    out: Path,
    resume: bool,
    callback: Callback,
) -> dict[str, Any]:
    """Fine-tune `start`, a .keras file that gives logits, on `photos`; write the run folder `out`.

    Returns what metrics.json holds, with the photos' figures before and after under "photos". Raises the errors of
    train.recipe.follow, read_photos, read_trained and fit.
    """
    figures: dict[str, Any] = {}

    def teach(parts: Parts, folder: RunFolder, callback: Callback) -> tuple[Any, list[EpochResult]]:
        from train.data.epochs import read_trained
        from train.data.photos import read_photos, seen_again
        from train.evaluation.device_answers import keep_views
        from train.evaluation.photo_metrics import fitted_score_calibration, gain

        require_fashion_mnist(parts)
        image = image_at(read_trained(start, len(parts.training.label_names)).model, settings.pixels)
        read = read_photos(photos, parts.training.label_names, meaning, callback.reading, image=image, grey=True)
        learnt, kept = read.split(settings.held_out)
        before, after, history = fine_tuned(start, learnt, parts, folder, callback)
        keep_views(kept, folder.path / HELD_OUT_VIEWS, read.left_out)
        calibration = fitted_score_calibration(after, kept, parts.held_out, settings.seed)
        kept_before = seen_again(kept, photos, image_of(before))
        figures.update(calibration.as_json(), photos=gain(before, after, learnt, kept_before, kept, calibration))
        return after, history

    return follow(settings, teach, data_dir=data_dir, out=out, resume=resume, callback=callback, figures=figures)


def require_fashion_mnist(parts: Parts) -> None:
    """Raise TrainingFailed for data of other classes."""
    if not parts.training.is_fashion_mnist:
        raise TrainingFailed(
            "adapt goes on from a model of Fashion-MNIST's ten classes", "leave --data out, or name its folder"
        )


def fine_tuned(
    start: Path, learnt: Photos, parts: Parts, folder: RunFolder, callback: Callback
) -> tuple[Any, Any, list[EpochResult]]:
    """Train by the folder's AdaptSettings: (the Keras network before, the mean of before and after, history).

    Raises the errors of read_trained and fit.
    """
    from train.data.adapt_epochs import AdaptEpochBuilder
    from train.data.epochs import read_trained
    from train.fitting.fit import fit

    settings, training = cast("AdaptSettings", folder.settings), parts.training
    before = read_trained(start, len(training.label_names)).model
    epoch_builder = AdaptEpochBuilder(settings.seed, learnt, settings.worn)
    tuned, history = fit(
        partial(build, start=start), training, parts.held_out, folder, callback, epoch_builder=epoch_builder
    )
    after = like(before, len(training.label_names), settings.pixels)
    old, new = after.get_weights(), tuned.get_weights()
    after.set_weights([settings.keep * one + (1 - settings.keep) * two for one, two in zip(old, new, strict=True)])
    return before, after, history


def build(settings: AdaptSettings, classes: int, steps: int = STEPS_PER_EPOCH, *, start: Path) -> Any:
    """Build and compile the network of `start` with its weights: bytes (N, pixels, pixels) grey in, logits out."""
    from keras.metrics import MeanMetricWrapper

    from train.data.adapt_epochs import partial_label_accuracy, partial_label_crossentropy
    from train.data.epochs import read_trained
    from train.fitting.normalisation import FusedBatchNormalization

    trained = read_trained(start, classes).model
    options = {"normalisation": FusedBatchNormalization, "dtype": PRECISIONS[settings.precision]}
    model = like(trained, classes, settings.pixels, **options)
    metric = MeanMetricWrapper(partial_label_accuracy, name="accuracy")
    optimizer = optimizer_of(settings, steps)
    model.compile(optimizer=optimizer, loss=partial_label_crossentropy, metrics=[metric], steps_per_execution=10)
    return model
