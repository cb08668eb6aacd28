"""A backbone becomes a classifier of bytes: pixels as it wants them in front of it, a head behind it."""

from __future__ import annotations

from typing import Any

import keras

from train.backbones import Pixels, pixels_as_wanted

LEAST_VARIANCE = 0.1
"""Added to each feature's variance in the head, for its int8 form: train.recipes.resnet50 has the reason."""

MOMENTUM = 0.9
"""Of the head's statistics: a hundred photos make three steps an epoch, in which Keras' 0.99 would not get there."""


def build_extractor(backbone: Any, wanted: Pixels) -> Any:
    """Build what gives features: bytes as float32 (N, H, W, 3) red green blue in, float32 (N, features) out."""
    pixels = keras.layers.Input(backbone.input_shape[1:], name="rgb")
    features = keras.layers.GlobalAveragePooling2D(name="mean_of_picture")(backbone(pixels_as_wanted(pixels, wanted)))
    return keras.Model(pixels, features, name="extractor")


def classifier_head(features: int, classes: int, dropout: float) -> Any:
    """Build what learns on the features: float32 (N, features) in, probabilities float32 (N, classes) out."""
    return keras.Sequential(
        [
            keras.layers.Input((features,)),
            keras.layers.BatchNormalization(momentum=MOMENTUM, epsilon=LEAST_VARIANCE, name="head_normalisation"),
            keras.layers.Dropout(dropout, name="head_dropout"),
            keras.layers.Dense(classes, activation="softmax", name="probabilities"),
        ],
        name="head",
    )


def connect(extractor: Any, head: Any) -> Any:
    """Join both, sharing their weights: bytes as float32 (N, H, W, 3) in, probabilities (N, classes) out."""
    return keras.Model(extractor.input, head(extractor.output), name="classifier")


def without_optimizer(model: Any) -> Any:
    """The same layers uncompiled: an optimizer may be twice as large as what it trained, and classifies nothing.

    Inside another model it would be saved, too, and not fit when fewer of the layers are trainable on loading.
    """
    return keras.Model(model.inputs[0], model.outputs[0], name=model.name)


def free_top(network: Any, backbone: Any, share: float) -> None:
    """Let the last `share` of the backbone's layers learn, and all of the head, but no BatchNormalization.

    That normalises with the statistics that it has: those of small batches of other pictures would undo what the
    weights know (keras.io/guides/transfer_learning).
    """
    weighty = [layer for layer in leaves(backbone) if layer.weights and not normalises(layer)]
    first = len(weighty) - max(1, round(share * len(weighty)))
    frozen = set(map(id, weighty[:first]))
    backbone.trainable = True  # which frees all layers below; without it none could be free
    for layer in leaves(network):
        fixed = layer.name == "pixels_as_wanted" or id(layer) in frozen or normalises(layer)
        layer.trainable = not fixed


def normalises(layer: Any) -> bool:
    """Whether a layer keeps statistics of its inputs."""
    return isinstance(layer, keras.layers.BatchNormalization | keras.layers.Normalization)


def leaves(model: Any) -> list[Any]:
    """The layers of a model and of the models in it."""
    if hasattr(model, "layers"):
        return [leaf for layer in model.layers for leaf in leaves(layer)]
    return [model]
