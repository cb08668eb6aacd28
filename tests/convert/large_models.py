"""A network of 56 x 56 pixels that answers to Fashion-MNIST's pictures, each pixel repeated, as one of 28 x 28 does."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from convert.inputs.training_record import RECORD_NAME

TINY = Path(__file__).parents[1] / "data" / "tiny.keras"


def twice_as_large(small: Any) -> Any:
    """The network with a first convolution of 6 x 6 and stride 2 in place of its 3 x 3: pixels come in fours.

    The kernel's values are repeated 2 x 2 and divided by 4. All that follows is as it was.
    """
    import keras

    pixels = keras.Input((56, 56), name="pixels")
    first = small.get_layer("c0")
    outputs = {first.name: _first_convolution(keras.layers.Reshape((56, 56, 1))(pixels), first)}
    for layer in small.layers[small.layers.index(first) + 1 :]:
        given = [outputs[node.operation.name] for node in layer._inbound_nodes[0].parent_nodes]
        copy = type(layer).from_config(layer.get_config())
        outputs[layer.name] = copy(given if len(given) > 1 else given[0])
    model = keras.Model(pixels, outputs[small.layers[-1].name], name="large")
    kernel, *others = small.get_weights()
    model.set_weights([np.repeat(np.repeat(kernel, 2, axis=0), 2, axis=1) / 4, *others])
    return model


def _first_convolution(pixels: Any, first: Any) -> Any:
    import keras

    options = {"strides": 2, "padding": "same", "use_bias": False, "name": first.name}
    return keras.layers.Conv2D(first.filters, 6, **options)(pixels)


def write_large(path: Path, **changes: Any) -> Path:
    """Write it as made from tests/data/tiny.keras, with that one's training record but for its size and `changes`."""
    import keras

    twice_as_large(keras.saving.load_model(TINY, compile=False)).save(path)
    with zipfile.ZipFile(TINY) as small, zipfile.ZipFile(path, "a") as archive:
        record = json.loads(small.read(RECORD_NAME))
        record["input"] |= {"height": 56, "width": 56}
        archive.writestr(RECORD_NAME, json.dumps(record | changes))
    return path
