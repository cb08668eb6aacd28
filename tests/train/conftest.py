"""A tiny Fashion-MNIST whose classes can be told apart, and a callback that keeps what it is told."""

import struct

import numpy as np
import pytest

from train.settings import Settings


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory):
    """1,020 training and 200 test images in IDX files: a class is a bright band at its own height, in noise."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for prefix, count in (("train", 1020), ("t10k", 200)):
        labels = rng.permutation(np.arange(count) % 10).astype(np.uint8)
        images = rng.integers(0, 60, (count, 28, 28)).astype(np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[2 * label + 4 : 2 * label + 6] += 150
        (folder / f"{prefix}-images-idx3-ubyte").write_bytes(struct.pack(">4I", 2051, *images.shape) + images.tobytes())
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 2049, count) + labels.tobytes())
    return folder


@pytest.fixture
def settings():
    """Four quick epochs."""
    return Settings("mlp", 4, 16, 0.01, seed=3, validation_images=20)


class Recorder:
    """A callback that remembers, and can act after an epoch."""

    def __init__(self):
        self.notes, self.results, self.batches, self.after_epoch, self.read = [], [], [], {}, {}

    def note(self, text):
        self.notes.append(text)

    def downloading(self, name, done, total):
        raise AssertionError("no test downloads")

    def reading(self, what, done, total):
        self.read[what] = (done, total)

    def training_started(self, history):
        self.behind = list(history)

    def epoch_started(self, epoch, epochs, batches):
        self.batches.append([batches])

    def batches_done(self, done, loss, accuracy):
        self.batches[-1].append(done)

    def epoch_finished(self, result, epochs):
        self.results.append(result)
        self.after_epoch.get(result.epoch, lambda: None)()


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def new_recorder():
    return Recorder
