"""Fine-tune a network in colour on one's own photos of the labels that it knows, such as a run of transfer.

Command    fmnist-train adapt --photos DIR --model runs/transfer
Hardware   two cores of a 64-bit PC
Time       an epoch shows each photo once: as long as an epoch of the whole network in docs/transfer.md
Expect     docs/transfer.md

The photos are a data set: train/CLASS and test/CLASS, or CLASS alone, of which a fifth is the test. All weights learn,
but for BatchNormalization, at a low rate, on variations of the photos. The result is a mean of the weights before and
after (Wortsman et al. 2022, arxiv.org/abs/2109.01903).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.documents import parse_object, read_member
from edge.errors import BadOption, DatasetDamaged, TrainingFailed
from edge.spec import Framing, ImageSpec
from train.fitting.run_folder import METADATA_MEMBER, EpochResult, RunFolder
from train.recipe import follow
from train.settings import Settings

if TYPE_CHECKING:
    from edge.datasets.dataset import Dataset
    from train.data.splits import Parts
    from train.fitting.callbacks import Callback

SMOOTHING = 0.1
"""The share of a target that is spread over all classes."""


@dataclass(frozen=True, slots=True)
class ColourAdaptSettings(Settings):
    """Settings of adapt for networks in colour: `photos` names the folder, `model` what the training starts from.

    `keep` is the share of the old weights in the result. Raises BadOption.
    """

    photos: str = ""
    model: str = ""
    keep: float = 0.1

    def __post_init__(self) -> None:
        Settings.__post_init__(self)
        if not 0 <= self.keep < 1:
            raise BadOption(f"expected --keep from 0 to below 1, got {self.keep}")

    @property
    def command(self) -> str:
        """The command that makes this run again; the batch size is no option."""
        return Settings.command.fget(self).replace(f" --batch-size {self.batch_size}", "")  # type: ignore[attr-defined, no-any-return]


DEFAULTS = ColourAdaptSettings(
    recipe="adapt", epochs=10, batch_size=16, learning_rate=1e-4, seed=0, validation_images=None
)


@dataclass(frozen=True, slots=True)
class Known:
    """What a .keras file says of its network: the labels, and the picture that it takes."""

    labels: tuple[str, ...]
    image: ImageSpec


def known_of(model: Path) -> Known | None:
    """What the record in a .keras file says; None without one, or where the network sees garments in grey."""
    try:
        record = parse_object(read_member(model, METADATA_MEMBER))
        known = Known(tuple(map(str, record["labels"])), ImageSpec.from_json(record["input"]))
    except (OSError, KeyError, TypeError, ValueError):
        return None
    return None if known.image.framing is Framing.GARMENT_GREY else known


def train(
    settings: ColourAdaptSettings,
    *,
    start: Path,
    known: Known,
    data_dir: Path,
    out: Path,
    resume: bool,
    callback: Callback,
) -> dict[str, Any]:
    """Fine-tune `start`, a .keras file, on the photos in `data_dir`; write the run folder `out`.

    Returns what metrics.json holds, with the accuracy on the photos' test split before and after under "photos". Raises
    the errors of train.recipe.follow and fit, and TrainingFailed or DatasetDamaged where model and photos do not fit.
    """
    _check_labels(data_dir, known)
    figures: dict[str, Any] = {}

    def teach(parts: Parts, folder: RunFolder, callback: Callback) -> tuple[Any, list[EpochResult]]:
        from train.augment.colour import ColourAugmentation
        from train.data.epochs import AugmentedEpochBuilder
        from train.fitting.fit import fit

        if parts.training.images.shape[1:] != known.image.shape:
            raise TrainingFailed("adapt takes photos of your own", "--photos DIR with CLASS/*.jpg")
        before = load(start, len(known.labels))
        shown = AugmentedEpochBuilder(settings.seed, ColourAugmentation(), SMOOTHING)
        after, history = fit(
            partial(build, start=start), parts.training, parts.held_out, folder, callback, epoch_builder=shown
        )
        old, new = before.get_weights(), after.get_weights()
        after.set_weights([settings.keep * one + (1 - settings.keep) * two for one, two in zip(old, new, strict=True)])
        figures["photos"] = _gain(before, after, parts, known.image)
        return after, history

    return follow(
        settings,
        teach,
        data_dir=data_dir,
        out=out,
        resume=resume,
        callback=callback,
        figures=figures,
        image=known.image,
        labels=known.labels,
    )


def load(start: Path, classes: int) -> Any:
    """The network of a .keras file. Raises TrainingFailed."""
    from train.data.epochs import read_trained

    return read_trained(start, classes).model


def build(settings: Settings, classes: int, *, start: Path) -> Any:
    """The network of `start` with its weights, compiled: all learn but BatchNormalization and fixed preprocessing."""
    import keras

    from train.evaluation.results import gives_logits
    from train.recipes.backbone_head import free_top

    model = load(start, classes)
    free_top(model, model, 1.0)
    model.compile(
        optimizer=keras.optimizers.Adam(settings.learning_rate),
        loss=keras.losses.CategoricalCrossentropy(from_logits=gives_logits(model)),
        metrics=["accuracy"],
    )
    return model


def _check_labels(photos: Path, known: Known) -> None:
    """Raise DatasetDamaged where the photos' folders are not the labels: what is not shown would be forgotten."""
    from edge.datasets.dataset import find_labels

    def letters(name: str) -> str:
        return "".join(letter for letter in name.casefold() if letter.isalnum())

    found = {letters(name): name for name in find_labels(photos)}
    wanted = {letters(name): name for name in known.labels}
    missing = [name for key, name in wanted.items() if key not in found]
    strange = [name for key, name in found.items() if key not in wanted]
    if missing or strange:
        lacks = f"no folder of {', '.join(missing)[:200]}" if missing else f"no label {', '.join(strange)[:200]}"
        raise DatasetDamaged(
            f"{photos} has {lacks}" if missing else f"the model has {lacks}",
            "adapt wants photos of each label that the model knows, and of no other; for others, fmnist-train transfer",
        )


def _gain(before: Any, after: Any, parts: Parts, image: ImageSpec) -> dict[str, Any]:
    """Accuracy 0..1 on the test split, of all and label by label, before and after."""
    from edge.inference.accuracy import Evaluation
    from train.evaluation.results import predict

    test: Dataset = parts.test
    runs = {
        when: Evaluation(predict(model, test, image).argmax(axis=1), test.labels.astype("int64"), test.label_names)
        for when, model in (("before", before), ("after", after))
    }
    counts = runs["after"].confusion.sum(axis=1)
    folders = {
        name: {"photos": int(count), **{when: round(run.per_class[name], 4) for when, run in runs.items()}}
        for name, count in zip(test.label_names, counts, strict=True)
        if count
    }
    accuracies = {when: {"accuracy": round(run.accuracy, 4)} for when, run in runs.items()}
    trained_on = len(parts.training) + len(parts.held_out)
    return {"trained_on": trained_on, "held_out": len(test), "folders": folders, **accuracies}
