"""The compact convolutional networks in three sizes, a large one that teaches them, and the optimizer of all.

They see a garment in 28x28 pixels, as Fashion-MNIST has it, or in 56x56. The finer ones begin with a convolution of
twice the kernel and the stride: after it, all is as large as before.

NumPy and Keras are imported in the functions: `fmnist-train edge --help` reads SIZES only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from edge.errors import BadOption, TrainingFailed
from edge.spec import FASHION_MNIST_SIDE, ImageSpec
from train.residual import ResidualLayers

WARM_UP_EPOCHS = 1
MOMENTUM = 0.95
ADAM_RATE = 0.2
"""The part of the rate that norms and the last layer learn at, which Muon leaves to AdamW."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Channels and residual blocks of the stages at 28x28, 14x14 and 7x7."""

    widths: tuple[int, int, int]
    blocks: tuple[int, int, int]


SIZES = {
    "tiny": Shape((16, 16, 32), (1, 2, 1)),  # 29 k parameters
    "small": Shape((16, 32, 64), (1, 2, 2)),  # 171 k
    "base": Shape((32, 64, 128), (1, 2, 2)),  # 680 k
    "large": Shape((128, 256, 512), (4, 4, 4)),  # 23 M, for a GPU: a teacher, eight times as wide as a plain ResNet
}
"""Multiples of 16: with others, 24 for example, a step in bfloat16 takes up to three times as long (oneDNN, Zen 4).

`large` has the depth and width of a Wide ResNet-28-8 (Zagoruyko and Komodakis 2016, arxiv.org/abs/1605.07146). With
random erasing one of width 10 gets 96.35 % of Fashion-MNIST's test images right (arxiv.org/abs/1708.04896).
"""


class MuonSettings(Protocol):
    """The settings that the optimizer follows."""

    @property
    def epochs(self) -> int:
        """How many epochs there are."""
        ...

    @property
    def learning_rate(self) -> float:
        """The highest rate, after the warm-up."""
        ...

    @property
    def weight_decay(self) -> float:
        """Of the kernels."""
        ...

    @property
    def average(self) -> float:
        """The momentum of the averaged weights, 0 for none."""
        ...


def optimizer_of(settings: MuonSettings, steps: int) -> Any:
    """Muon with warm-up, cosine, weight decay on kernels and averaged weights; `steps` are those of an epoch."""
    from train.fitting.muon import Muon
    from train.fitting.schedules import averaging, cosine

    total = settings.epochs * steps
    return Muon(
        cosine(settings.learning_rate, total, WARM_UP_EPOCHS * steps),
        weight_decay=settings.weight_decay,
        adam_weight_decay=settings.weight_decay,
        adam_lr_ratio=ADAM_RATE,
        momentum=MOMENTUM,
        **averaging(settings.average, total),
    )


def network(
    shape: Shape,
    classes: int,
    *,
    name: str,
    normalisation: Any = None,
    dtype: str = "float32",
    logits: bool = False,
    side: int = FASHION_MNIST_SIDE,
) -> Any:
    """The network of a shape, not compiled: bytes (N, side, side) grey in, float32 probabilities (N, classes) out.

    With `logits` the softmax is left out. `normalisation` is the class of the layers after the convolutions, Keras'
    own unless given. `side` is one of train.settings.SIDES.
    """
    from keras import Input, Model, layers

    residual = ResidualLayers(normalisation, dtype)
    finer = side // FASHION_MNIST_SIDE
    pixels = Input((side, side), name="pixels")
    # Bytes go in as they are: the first normalisation takes their scale out, and no operation is left over for it.
    x = layers.Reshape((side, side, 1), dtype=dtype)(pixels)
    x = residual.rectified(residual.convolved(x, shape.widths[0], 3 * finer, "0", finer), "0")
    for stage, (channels, count) in enumerate(zip(shape.widths, shape.blocks, strict=True)):
        for number in range(count):
            x = residual.block(x, channels, f"{stage + 1}{number + 1}", stride=2 if stage and not number else 1)
    x = layers.GlobalAveragePooling2D(dtype=dtype, name="mean")(x)
    x = layers.Dense(classes, activation=None if logits else "softmax", dtype="float32", name="d")(x)
    return Model(pixels, x, name=name)


def image_of(model: Any) -> ImageSpec:
    """What pictures a network takes: bytes as they are, of its own size."""
    return ImageSpec(*model.input_shape[1:3])


def image_at(trained: Any, side: int | None) -> ImageSpec:
    """What pictures a network takes that goes on from a trained one: of `side` pixels, or as many as that sees (None).

    Raises BadOption for fewer.
    """
    coarse = image_of(trained)
    if side is None:
        return coarse
    if side < coarse.height:
        raise BadOption(
            f"the model to start from sees {coarse.height}x{coarse.width} pixels",
            f"--pixels {coarse.height}, or leave it away",
        )
    return ImageSpec(side, side)


def like(trained: Any, classes: int, side: int | None = None, **options: Any) -> Any:
    """A network with the shape and the weights of a trained one of `fmnist-train edge`, giving logits.

    With a `side` of its own, it begins as the same function of the means of each 2x2 pixels: a finer first kernel has
    the trained one's weights, a quarter each, four times. `options` are network()'s. Raises TrainingFailed for other
    networks, and the error of image_at.
    """
    weights, side = trained.get_weights(), image_at(trained, side).height
    finer = side // image_of(trained).height
    weights[0] = weights[0].repeat(finer, axis=0).repeat(finer, axis=1) / finer**2
    wanted = [one.shape for one in weights]
    for name, shape in SIZES.items():
        model = network(shape, classes, name=name, logits=True, side=side, **options)
        if [tuple(one.shape) for one in model.weights] == wanted:
            model.set_weights(weights)
            return model
    raise TrainingFailed(
        "the model to start from is none of `fmnist-train edge`", f"one of its sizes: {', '.join(SIZES)}"
    )
