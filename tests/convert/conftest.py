"""Small models, trained here and converted once for all tests. The data set must be installed: nothing is fetched."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from numpy.typing import NDArray
from typer.testing import CliRunner

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

from convert.cli.app import app
from convert.inputs.training_record import RECORD_NAME
from edge.datasets import dataset
from edge.datasets.dataset import Dataset
from edge.spec import FASHION_MNIST_LABELS

RECORD: dict[str, Any] = {
    "v": 1,
    "recipe": "tiny",
    "labels": list(FASHION_MNIST_LABELS),
    "input": {"height": 28, "width": 28, "low": 0, "high": 255},
    "validation_images": 2000,
    "seed": 5,
    "epochs": 3,
    "test_accuracy": None,
    "versions": {},
    "command": "fmnist-train tiny",
}


@pytest.fixture(scope="session")
def training() -> Dataset:
    return dataset.load("train", allow_download=False)


@pytest.fixture(scope="session")
def test_data() -> Dataset:
    return dataset.load("test", allow_download=False)


@dataclass(frozen=True)
class Trainer:
    """Trains small networks on 6,000 real pictures, which takes about two seconds each."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def __call__(
        self,
        layers: list[Any],
        low: float = 0,
        high: float = 255,
        from_logits: bool = False,
        rate: float = 0.002,
        epochs: int = 3,
    ) -> Any:
        import keras

        keras.utils.set_random_seed(5)
        model = keras.models.clone_model(keras.Sequential(layers))  # new initial weights, which follow from the seed
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)
        model.compile(keras.optimizers.Adam(rate), loss)
        pixels = self.images.astype(np.float32) * ((high - low) / 255) + low
        inputs = pixels.reshape(-1, *model.input_shape[1:])
        # In the order given: tf.data shuffles otherwise once training's modules are imported (train/quiet.py).
        model.fit(inputs, self.labels, batch_size=32, epochs=epochs, shuffle=False, verbose=0)
        return model


@pytest.fixture(scope="session")
def train(training: Dataset) -> Trainer:
    rest, _ = dataset.split_held_out(training, RECORD["validation_images"])
    return Trainer(rest.images[:6000], rest.labels[:6000])


AddRecord = Callable[..., None]


@pytest.fixture(scope="session")
def add_record() -> AddRecord:
    """Write a training record, with changes, into a .keras file."""

    def add(path: Path, **changes: Any) -> None:
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(RECORD_NAME, json.dumps(RECORD | changes))

    return add


Layers = Callable[..., "list[Any]"]


@pytest.fixture(scope="session")
def mlp_layers() -> Layers:
    """Layers of a small network that scales its pixels itself."""
    return _mlp_layers


def _mlp_layers(
    scale: float = 1 / 255, offset: float = 0.0, activation: str | None = "softmax", units: int = 24
) -> list[Any]:
    import keras

    return [
        keras.Input((28, 28)),
        keras.layers.Rescaling(scale, offset),
        keras.layers.Flatten(),
        keras.layers.Dense(units, "relu"),
        keras.layers.Dense(10, activation),
    ]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("convert")


@pytest.fixture(scope="session")
def tiny(train: Trainer, folder: Path, add_record: AddRecord) -> Path:
    """A trained network with the record that our own training writes."""
    path = folder / "tiny.keras"
    train(_mlp_layers()).save(path)
    add_record(path)
    return path


Quantize = Callable[..., Result]


@pytest.fixture(scope="session")
def quantize() -> Quantize:
    """The command in this process, where TensorFlow is loaded already; errors are in the result's `exception`."""

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, ["quantize", *map(str, arguments)])

    return run


@dataclass(frozen=True)
class Converted:
    """The tiny network's conversion."""

    keras: Path
    model: Path
    report: Path
    result: Result


@pytest.fixture(scope="session")
def converted(tiny: Path, quantize: Quantize) -> Converted:
    result = quantize(tiny, "--max-drop", 2)
    assert result.exception is None, result.exception
    return Converted(tiny, tiny.with_name("tiny_int8.tflite"), tiny.with_name("tiny_int8.report.json"), result)
