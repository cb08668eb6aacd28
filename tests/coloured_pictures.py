"""A data set of one's own in colour: patches whose colour is their class, on noise. No garment, and nothing to find."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edge.opencv import cv2

LABELS = ("blue", "green", "red")
CHANNELS = (2, 1, 0)
"""Of red, green, blue, the one that is stronger in a class."""


def write_coloured(folder: Path, training: int = 30, test: int = 20, labels: tuple[str, ...] = LABELS) -> Path:
    """Write so many pictures of each class, 60 x 50 in most files: train/CLASS and test/CLASS, no two alike.

    In about one of ten, another channel than its class's is a little stronger.
    """
    rng = np.random.default_rng(0)
    for split, count in (("train", training), ("test", test)):
        for label in labels:
            place = folder / split / label
            place.mkdir(parents=True)
            for index in range(count):
                colours = rng.integers(60, 200, (60, 50, 3)).astype(np.int16)
                colours += rng.integers(-12, 13, 3)
                colours[15:45, 10:40, CHANNELS[LABELS.index(label)]] += 40
                pixels = np.clip(colours, 0, 255).astype(np.uint8)[..., ::-1]
                assert cv2.imwrite(str(place / f"{index:03}.png"), np.ascontiguousarray(pixels))
    return folder


def colour_network(
    size: tuple[int, int] = (48, 40), labels: int = 3, *, bgr: bool = False, last: str = "softmax", front: Any = ()
) -> Any:
    """A network, its weights set by hand, that knows the strongest channel: of one score, red from blue and green."""
    import keras

    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((*size, 3)),
            *front,
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(6, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(labels, last),
        ]
    )
    kernel = np.zeros((3, 3, 3, 6), np.float32)
    for channel in range(3):
        kernel[:, :, channel, 2 * channel : 2 * channel + 2] = 1 / 9
    convolution, dense = model.layers[-4], model.layers[-1]
    convolution.set_weights([kernel, np.zeros(6, np.float32)])
    order = CHANNELS[::-1] if bgr else CHANNELS
    weights = np.zeros((6, labels), np.float32)
    for number in range(labels):
        if labels == 1:
            weights[:, 0] = -10
            weights[2 * order[-1] : 2 * order[-1] + 2, 0] = 20
        else:
            weights[2 * order[number] : 2 * order[number] + 2, number] = 15
    dense.set_weights([weights, np.zeros(labels, np.float32)])
    return model
