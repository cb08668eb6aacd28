"""The reference's network, 784-1536-784-10, trained as well as it can be.

Command    fmnist-train mlp --recipe best --teacher RUN
Hardware   two cores of a 64-bit PC, no GPU
Time       9 to 20 s an epoch, ten to twenty-five minutes in all
Expect     91.0 % of the 10,000 test images right, 91.6 % of the 2,000 held out, taught by small (docs/models.md)

What is added to the plain recipe (train/recipes/mlp.py): mirrored images, dropout (Srivastava et al. 2014,
jmlr.org/papers/v15/srivastava14a.html), AdamW (arxiv.org/abs/1711.05101) with warm-up and cosine, label smoothing,
averaged weights and, as soft targets, what a better network says of the same picture. The network on
the device is the same, to the byte count.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.errors import BadOption
from train.recipe import follow
from train.settings import PRECISIONS, Settings, check_precision, steps_per_epoch

if TYPE_CHECKING:
    from train.data.splits import Parts
    from train.fitting.callbacks import Callback
    from train.fitting.run_folder import EpochResult, RunFolder

# NumPy, Keras and matplotlib are imported in the functions: `fmnist-train mlp --help` reads DEFAULTS only.

WARM_UP_EPOCHS = 1
STEPS_PER_EXECUTION = 20


@dataclass(frozen=True, slots=True)
class BestSettings(Settings):
    """Settings of `fmnist-train mlp --recipe best`, beyond those of every recipe. Raises BadOption."""

    dropout: float = 0.3
    weight_decay: float = 0.02
    label_smoothing: float = 0.1
    flip: float = 0.5
    shift: int = 0
    mixup: float = 0.0
    average: float = 0.998
    teacher: tuple[str, ...] = ()
    teacher_share: float = 0.9
    precision: str = "float32"

    def __post_init__(self) -> None:
        super(BestSettings, self).__post_init__()  # slots make a new class, which super() misses
        check_precision(self.precision)
        for name in ("dropout", "label_smoothing", "flip", "average", "mixup"):
            if not 0 <= getattr(self, name) < 1:
                raise BadOption(f"expected --{name.replace('_', '-')} from 0 to below 1, got {getattr(self, name)}")
        if not 0 <= self.teacher_share <= 1:
            raise BadOption(f"expected a --teacher-share from 0 to 1, got {self.teacher_share}")

    @property
    def command_name(self) -> str:
        """As it is typed."""
        return "mlp --recipe best"


DEFAULTS = BestSettings(
    recipe="mlp-best", epochs=60, batch_size=128, learning_rate=1e-3, seed=0, validation_images=2000
)


def train(
    settings: BestSettings,
    *,
    data_dir: Path | None,
    out: Path,
    resume: bool,
    callback: Callback,
    teachers: tuple[Path, ...] = (),
) -> dict[str, Any]:
    """Train, measure and write the run folder `out`; return what metrics.json holds.

    `teachers` are run folders or .keras files whose answers become part of the targets. Raises the errors of
    train.recipe.follow, read_teachers and fit.
    """

    def teach(parts: Parts, folder: RunFolder, callback: Callback) -> tuple[Any, list[EpochResult]]:
        from train.augment.basic import Augmentation
        from train.data.epochs import AugmentedEpochBuilder, read_teachers
        from train.fitting.fit import fit

        augmentation = Augmentation(settings.flip, settings.shift, erase=0.0, mixup=settings.mixup)
        epoch_builder = AugmentedEpochBuilder(
            seed=settings.seed,
            augmentation=augmentation,
            smoothing=settings.label_smoothing,
            teachers=read_teachers(teachers, parts.training.label_names, augmentation, PRECISIONS[settings.precision]),
            teacher_share=settings.teacher_share,
        )
        steps = steps_per_epoch(settings, len(parts.training))
        network = partial(build, steps=steps)
        return fit(network, parts.training, parts.held_out, folder, callback, epoch_builder=epoch_builder)

    return follow(settings, teach, data_dir=data_dir, out=out, resume=resume, callback=callback)


def build(settings: BestSettings, classes: int, steps: int) -> Any:
    """Build and compile the network: bytes (N, 28, 28) grey in, float32 probabilities (N, classes) out.

    `steps` are those of an epoch.
    """
    from keras import Input, Sequential, layers, optimizers

    from train.fitting.schedules import averaging, cosine

    model = Sequential(
        [
            Input((28, 28)),
            layers.Rescaling(1 / 255),
            layers.Flatten(),
            layers.Dense(1536, activation="relu"),
            layers.Dropout(settings.dropout, seed=settings.seed),
            layers.Dense(784, activation="relu"),
            layers.Dropout(settings.dropout, seed=settings.seed + 1),
            layers.Dense(classes, activation="softmax"),
        ],
        name="mlp",
    )
    total = settings.epochs * steps
    rate = cosine(settings.learning_rate, total, WARM_UP_EPOCHS * steps)
    optimizer = optimizers.AdamW(rate, weight_decay=settings.weight_decay, **averaging(settings.average, total))
    model.compile(
        optimizer=optimizer,
        loss="categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=STEPS_PER_EXECUTION,
    )
    return model
