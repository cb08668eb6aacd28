"""Backbones of keras.applications bring their preprocessing along, in the graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.datasets import dataset
from edge.inference.model_file import read_model
from tests.coloured_pictures import colour_network, write_coloured

if TYPE_CHECKING:
    from tests.convert.conftest import Quantize

UNDONE = {
    "resnet50": (1.0, [103.939, 116.779, 123.68]),
    "mobilenet_v2": (127.5, 127.5),
    "densenet": ([58.395, 57.12, 57.375], [123.675, 116.28, 103.53]),
}
"""Scale and offset that take a backbone's preprocessing back, so that the network behind sees what it is made for."""


@pytest.mark.parametrize("backbone", UNDONE)
def test_what_keras_applications_do_to_pixels_is_part_of_the_network(
    backbone: str, quantize: Quantize, tmp_path: Path
) -> None:
    """Their three kinds, caffe's blue green red less means among them, stay in the graph."""
    import keras

    data = write_coloured(tmp_path / "data")
    pixels = keras.Input((48, 40, 3))
    prepared = getattr(keras.applications, backbone).preprocess_input(pixels)
    core = colour_network(bgr=backbone == "resnet50")
    model = keras.Model(pixels, core(keras.layers.Rescaling(*UNDONE[backbone])(prepared)))
    model.save(tmp_path / "m.keras")
    result = quantize(tmp_path / "m.keras", "-o", tmp_path / "m.tflite", "--data", data, "--max-drop", 5)
    assert result.exception is None, result.exception
    converted = read_model(str(tmp_path / "m.tflite"))
    assert converted.image is not None and converted.manifest is not None
    accuracy = converted.manifest["accuracy"]
    test = dataset.load("test", data, image=converted.image)
    scores = model.predict(test.images.astype(np.float32), verbose=0)
    assert accuracy["float"] == np.mean(scores.argmax(axis=1) == test.labels)
    assert accuracy["int8"] > accuracy["float"] - 0.05 > 0.75
