"""The compact network for the device: plain 3x3 convolutions with residuals, which fold into int8 without a rest.

Command    fmnist-train edge --size tiny|small|base [--teacher RUN]...
Hardware   a 64-bit PC, or any GPU that a Keras backend drives
Time       see docs/models.md, which has a line for every run
Expect     see docs/models.md

Conv-BatchNorm-ReLU in residual blocks (He et al. 2016, arxiv.org/abs/1512.03385): each BatchNormalization folds into
the convolution before it, so an int8 file holds CONV_2D, ADD, MEAN, FULLY_CONNECTED and SOFTMAX only, all of which
an Edge TPU takes. Muon (train/fitting/muon.py) with warm-up and cosine; weight decay on kernels alone; flips, shifts,
random erasing and CutMix (train/augment/basic.py); label smoothing; an exponential moving average of the weights; soft
targets from teachers (train/data/epochs.py); and, for machines without a GPU, easy images less often
(train/data/hard_example_sampler.py) and arithmetic in bfloat16, which processors with AVX512-BF16 or AMX do in two
thirds of the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.errors import BadOption, TrainingFailed
from train.networks import SIZES, network, optimizer_of
from train.recipe import follow
from train.settings import PRECISIONS, Settings, check_precision, steps_per_epoch

if TYPE_CHECKING:
    from train.augment.basic import Varying
    from train.data.splits import Parts
    from train.fitting.callbacks import Callback
    from train.fitting.distribution import Share
    from train.fitting.run_folder import EpochResult, RunFolder

# NumPy, Keras and matplotlib are imported in the functions: `fmnist-train edge --help` reads SIZES only.


@dataclass(frozen=True, slots=True)
class EdgeSettings(Settings):
    """Settings of `fmnist-train edge`, beyond those of every recipe. Raises BadOption."""

    size: str = "small"
    weight_decay: float = 0.02
    label_smoothing: float = 0.05
    flip: float = 0.5
    shift: int = 2
    erase: float = 0.5
    cutmix: float = 0.0
    average: float = 0.998
    easy: float = 1.0
    teacher: tuple[str, ...] = ()
    teacher_share: float = 0.7
    start: str | None = None
    precision: str = "float32"

    def __post_init__(self) -> None:
        super(EdgeSettings, self).__post_init__()  # slots make a new class, which super() misses
        if self.size not in SIZES:
            raise BadOption(f"there is no --size {self.size}", f"one of {', '.join(SIZES)}")
        check_precision(self.precision)
        for name in ("label_smoothing", "flip", "erase", "cutmix", "average", "easy", "teacher_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise BadOption(f"expected --{name.replace('_', '-')} from 0 to 1, got {getattr(self, name)}")
        if self.weight_decay < 0 or not 0 <= self.shift <= 8:
            raise BadOption("expected a --weight-decay of 0 or more, and a --shift from 0 to 8 pixels")

    @property
    def gives_logits(self) -> bool:
        """Whether the network's last layer leaves the softmax to the device."""
        return False

    def augmentation(self) -> Varying:
        """How an epoch's images vary."""
        from train.augment.basic import Augmentation

        return Augmentation(self.flip, self.shift, self.erase, cutmix=self.cutmix)


HELD_OUT_PER_CLASS = 500
"""At most: 5,000 of Fashion-MNIST's, which tell variants apart to half a point; a tenth of a smaller class."""

DEFAULTS = EdgeSettings(recipe="edge", epochs=60, batch_size=128, learning_rate=0.02, seed=0, validation_images=None)


def train(
    settings: EdgeSettings,
    *,
    data_dir: Path | None,
    teachers: tuple[Path, ...],
    out: Path,
    resume: bool,
    callback: Callback,
    start: Path | None = None,
    share: Share | None = None,
) -> dict[str, Any]:
    """Train, measure and write the run folder `out`; return what metrics.json holds.

    `teachers` are run folders or .keras files whose answers become part of the targets; `start` is one whose weights
    the training starts from; `share` is what this process has of each batch, of several that train together. Raises the
    errors of train.recipe.follow, read_teachers and fit.
    """
    figures: dict[str, Any] = {}

    def teach(parts: Parts, folder: RunFolder, callback: Callback) -> tuple[Any, list[EpochResult]]:
        from train.data.epochs import AugmentedEpochBuilder, read_teachers
        from train.data.hard_example_sampler import choose
        from train.fitting.distribution import ALONE, distributed, join
        from train.fitting.fit import fit

        mine = share or ALONE
        mine.batch(settings.batch_size)  # before anybody is waited for
        if mine is not ALONE:
            join(mine)
        training = parts.training
        if settings.gives_logits and not training.is_fashion_mnist:
            raise TrainingFailed(
                "the camera recipe knows how Fashion-MNIST's ten classes are worn, and no others",
                "train --recipe plain on pictures of your own",
            )
        choice = choose(training.images, training.labels, len(training.label_names), settings.easy)
        augmentation = settings.augmentation()
        epoch_builder = AugmentedEpochBuilder(
            seed=settings.seed,
            augmentation=augmentation,
            smoothing=settings.label_smoothing,
            teachers=read_teachers(teachers, training.label_names, augmentation, PRECISIONS[settings.precision]),
            teacher_share=settings.teacher_share,
            choice=choice,
        )
        steps = steps_per_epoch(settings, len(training if choice is None else choice))
        trained = partial(build, steps=steps, start=start)
        with distributed(mine):
            model, history = fit(
                trained, training, parts.held_out, folder, callback, epoch_builder=epoch_builder, share=mine
            )
        classes = len(training.label_names)
        plain = network(SIZES[settings.size], classes, name=settings.size, logits=settings.gives_logits)
        plain.set_weights(model.get_weights())
        if settings.gives_logits:
            from train.evaluation.photo_metrics import posed_figures

            figures.update(posed_figures(plain, parts.held_out, settings.seed))
        return plain, history

    return follow(
        settings,
        teach,
        data_dir=data_dir,
        out=out,
        resume=resume,
        callback=callback,
        held_out_per_class=HELD_OUT_PER_CLASS,
        figures=figures,
    )


def build(settings: EdgeSettings, classes: int, steps: int, start: Path | None = None) -> Any:
    """Build and compile the network to train: bytes (N, 28, 28) grey in, probabilities or logits (N, classes) out.

    `steps` are those of an epoch; `start` is a run of the same size. Raises TrainingFailed if it is another's.
    """
    from keras.losses import CategoricalCrossentropy

    from train.data.epochs import read_trained
    from train.fitting.normalisation import FusedBatchNormalization

    model = network(
        SIZES[settings.size],
        classes,
        name=settings.size,
        normalisation=FusedBatchNormalization,
        dtype=PRECISIONS[settings.precision],
        logits=settings.gives_logits,
    )
    if start is not None:
        weights = read_trained(start, classes).model.get_weights()
        if [one.shape for one in weights] != [tuple(one.shape) for one in model.weights]:
            raise TrainingFailed(f"{start} is no network of the size {settings.size}", "give its --size")
        model.set_weights(weights)
    loss = CategoricalCrossentropy(from_logits=settings.gives_logits)
    model.compile(optimizer=optimizer_of(settings, steps), loss=loss, metrics=["accuracy"], steps_per_execution=10)
    return model
