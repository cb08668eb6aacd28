"""Networks that `fmnist-train transfer` starts from: how each wants its pixels, and what int8 makes of it.

Most are those of keras.applications. Keras is imported in the functions: `fmnist-train transfer --help` reads BACKBONES
only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from edge.errors import BadOption

LARGEST_SIDE = 512

SWISH = "its swish and squeeze-and-excitation lose accuracy in int8 and are slow there"
HARD_SWISH = "its hard-swish and squeeze-and-excitation lose accuracy in int8; an Edge TPU leaves them to the processor"
LAYER_NORM = "its LayerNormalization and GELU have no fast int8 form, and an Edge TPU has none at all"


class Pixels(Enum):
    """What a backbone makes of red, green, blue, 0 to 255: three by three factors' diagonal, and what is added.

    A pixel x becomes `scale` * x + `offset`, channel by channel, in the order blue, green, red where `swapped`.
    """

    BYTES = ((1.0, 1.0, 1.0), (0.0, 0.0, 0.0), False)
    """As they are: the backbone has its own preprocessing inside."""
    SIGNED = ((1 / 127.5,) * 3, (-1.0,) * 3, False)
    """-1 to 1: mode "tf" of keras.applications."""
    CAFFE = ((1.0, 1.0, 1.0), (-103.939, -116.779, -123.68), True)
    """Blue, green, red less ImageNet's means: mode "caffe"."""
    TORCH = (
        (1 / (255 * 0.229), 1 / (255 * 0.224), 1 / (255 * 0.225)),
        (-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225),
        False,
    )
    """ImageNet's mean and standard deviation taken out: mode "torch"."""
    EFFICIENTNET = (
        (0.229**-0.5, 0.224**-0.5, 0.225**-0.5),
        (
            255 * 0.485 * (1 - 0.229**-0.5),
            255 * 0.456 * (1 - 0.224**-0.5),
            255 * 0.406 * (1 - 0.225**-0.5),
        ),
        False,
    )
    """For a backbone that takes the means out and divides by the variance's, not the deviation's square root.

    keras.applications mends that with one more layer, but only where it fetches the weights itself."""
    LITE = ((1 / 128,) * 3, (-127 / 128,) * 3, False)
    """Of EfficientNet-Lite."""

    @property
    def scale(self) -> tuple[float, float, float]:
        """Factors of the channels, in the backbone's order."""
        return self.value[0]

    @property
    def offset(self) -> tuple[float, float, float]:
        """What is added to the channels, in the backbone's order."""
        return self.value[1]

    @property
    def swapped(self) -> bool:
        """Whether the backbone wants blue first."""
        return self.value[2]


@dataclass(frozen=True, slots=True)
class Backbone:
    """A network without its last layers.

    `constructor` is a function of keras.applications, or of train.colour_networks where `own`; `side` the size that it
    was trained for, `smallest` the least that it takes; `doubt` says why int8 or an Edge TPU takes it badly, "" where
    they take it well. `has_imagenet` says whether ImageNet's weights can be had, of keras.applications or of a
    package.
    """

    constructor: str
    pixels: Pixels
    side: int = 224
    smallest: int = 32
    doubt: str = ""
    own: bool = False
    has_imagenet: bool = True
    options: Mapping[str, Any] = field(default_factory=dict)


MINIMAL = {"minimalistic": True}
"""MobileNetV3 without what int8 dislikes."""

BACKBONES: Mapping[str, Backbone] = {
    "small_cnn": Backbone("small_cnn", Pixels.BYTES, side=128, own=True, has_imagenet=False),
    "efficientnet_lite0": Backbone("efficientnet_lite0", Pixels.LITE, own=True),
    "mobilenet": Backbone("MobileNet", Pixels.SIGNED),
    "mobilenet_v2": Backbone("MobileNetV2", Pixels.SIGNED),
    "mobilenet_v3_small_minimalistic": Backbone("MobileNetV3Small", Pixels.BYTES, options=MINIMAL),
    "mobilenet_v3_large_minimalistic": Backbone("MobileNetV3Large", Pixels.BYTES, options=MINIMAL),
    "resnet50": Backbone("ResNet50", Pixels.CAFFE),
    "resnet50_v2": Backbone("ResNet50V2", Pixels.SIGNED),
    "densenet121": Backbone("DenseNet121", Pixels.TORCH),
    "xception": Backbone("Xception", Pixels.SIGNED, side=299, smallest=71),
    "inception_v3": Backbone("InceptionV3", Pixels.SIGNED, side=299, smallest=75),
    "mobilenet_v3_small": Backbone("MobileNetV3Small", Pixels.BYTES, doubt=HARD_SWISH),
    "mobilenet_v3_large": Backbone("MobileNetV3Large", Pixels.BYTES, doubt=HARD_SWISH),
    "efficientnet_b0": Backbone("EfficientNetB0", Pixels.EFFICIENTNET, doubt=SWISH),
    "efficientnet_v2_b0": Backbone("EfficientNetV2B0", Pixels.BYTES, doubt=SWISH),
    "efficientnet_v2_b1": Backbone("EfficientNetV2B1", Pixels.BYTES, side=240, doubt=SWISH),
    "convnext_tiny": Backbone("ConvNeXtTiny", Pixels.BYTES, doubt=LAYER_NORM),
}
"""Those that int8 takes well come first."""


def find_backbone(name: str) -> Backbone:
    """The backbone of this name. Raises BadOption."""
    if name not in BACKBONES:
        raise BadOption(f"there is no --backbone {name}", f"one of {', '.join(BACKBONES)}")
    return BACKBONES[name]


def check_size(name: str, height: int, width: int) -> None:
    """Raise BadOption for a size that a backbone, or the device, does not take."""
    least = find_backbone(name).smallest
    if not (least <= height <= LARGEST_SIDE and least <= width <= LARGEST_SIDE):
        raise BadOption(
            f"{name} does not take pictures of {height}x{width}",
            f"--size from {least}x{least} to {LARGEST_SIDE}x{LARGEST_SIDE}",
        )


def build_backbone(name: str, height: int, width: int, *, imagenet: bool = False, **options: Any) -> Any:
    """Build a backbone without its top: float32 (N, height, width, 3), as it wants them, -> (N, h, w, features).

    Its weights are random (Keras' seed) or, with `imagenet`, those that keras.applications fetches. `options` are those
    of the project's own networks.
    """
    import keras

    backbone = find_backbone(name)
    shape = (height, width, 3)
    if backbone.own:
        from train import colour_networks

        return getattr(colour_networks, backbone.constructor)(shape, name=name, **options)
    constructor = getattr(keras.applications, backbone.constructor)
    # EfficientNetV2's looks its blocks up by its own name, so all get theirs afterwards.
    random = constructor(weights=None, include_top=False, input_shape=shape, **backbone.options)
    random.name = name
    if imagenet:
        # EfficientNetB0 is built otherwise with these weights. Here all weights of a backbone fit one build.
        fetched = constructor(weights="imagenet", include_top=False, input_shape=shape, **backbone.options)
        random.set_weights(fetched.get_weights())
    return random


def pixels_as_wanted(pixels: Any, wanted: Pixels) -> Any:
    """Red, green, blue, 0..255, as a backbone wants them, in Keras: (N, H, W, 3) -> (N, H, W, 3).

    One range for all channels is a Rescaling, the rest a fixed 1x1 convolution: an Edge TPU has both, and the int8
    input stays exactly pixel - 128.
    """
    import keras
    import numpy as np

    if wanted is Pixels.BYTES:
        return pixels
    if len(set(wanted.scale)) == len(set(wanted.offset)) == 1 and not wanted.swapped:
        return keras.layers.Rescaling(wanted.scale[0], wanted.offset[0], name="pixels_as_wanted")(pixels)
    layer = keras.layers.Conv2D(3, 1, trainable=False, name="pixels_as_wanted")
    result = layer(pixels)
    kernel = np.diag(np.array(wanted.scale, np.float32))
    if wanted.swapped:
        kernel = kernel[::-1]
    layer.set_weights([np.ascontiguousarray(kernel)[np.newaxis, np.newaxis], np.array(wanted.offset, np.float32)])
    return result
