"""Several processes train one model, and get what one gets."""

import csv
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge.errors import BadOption, TrainingFailed
from tests.ports import free_port
from train.fitting.distribution import ALONE, Share, parse_share

ROOT = Path(__file__).parents[3]
OPTIONS = ("edge", "--size", "tiny", "--epochs", "2", "--limit", "200", "--batch-size", "40", "--no-tensorboard")


@pytest.mark.parametrize(("rows", "processes"), [(1000, 2), (1003, 3), (90, 3), (89, 2), (5, 2)])
def test_the_shares_of_a_batch_are_the_batch(rows, processes):
    """In order, none twice; of the last batch up to processes - 1 rows are left out."""
    array = np.arange(rows)
    batch = 30
    shares = [Share(number, processes).rows(array, batch) for number in range(processes)]
    assert len({len(one) for one in shares}) == 1
    each = ALONE.batch(batch) // processes
    for start in range(0, rows, batch):
        ours = [one[start // processes : start // processes + each] for one in shares]
        found = np.concatenate(ours)
        expected = array[start : start + batch]
        np.testing.assert_array_equal(found, expected[: len(expected) // processes * processes])
    assert ALONE.rows(array, batch) is array


def test_what_cannot_be_shared_is_said():
    with pytest.raises(TrainingFailed, match="not to be shared by 3") as refused:
        Share(0, 3).batch(128)
    assert refused.value.hint == "--batch-size 126"
    assert parse_share("1/2@localhost:7000") == Share(1, 2, "localhost:7000")
    for wrong in ("2/2@localhost:7000", "0/2", "0/2@localhost", "x/2@localhost:1", ""):
        with pytest.raises(BadOption, match="not understood"):
            parse_share(wrong)


def start(data_dir, out, backend, *more):
    command = [sys.executable, "-m", "train.cli", *OPTIONS, "--data", str(data_dir), "--out", str(out), *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "KERAS_BACKEND": backend}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
@pytest.mark.subprocess
@pytest.mark.timeout(900)  # three starts of JAX, which compile
def test_two_processes_learn_what_one_learns(tmp_path, data_dir):
    """The same losses but for rounding; and both of them hold the same weights to the bit."""
    assert importlib.util.find_spec("jax"), "scripts/test --all installs the extra jax"
    where = f"@127.0.0.1:{free_port()}"
    runs = {"one": (), "first": ("--distribute", "0/2" + where), "second": ("--distribute", "1/2" + where)}
    started = {name: start(data_dir, tmp_path / name, "jax", *more) for name, more in runs.items()}
    for name, process in started.items():
        _, said = process.communicate(timeout=800)
        assert process.returncode == 0, (name, said)
    figures = {}
    for name in runs:
        with (tmp_path / name / "history.csv").open(newline="") as file:
            epochs = csv.DictReader(file)
            figures[name] = np.array([[float(one["loss"]), float(one["val_loss"])] for one in epochs])
        assert figures[name].shape == (2, 2)
    np.testing.assert_array_equal(figures["first"], figures["second"])
    np.testing.assert_allclose(figures["first"], figures["one"], rtol=0.01)
    import keras

    weights = {name: keras.saving.load_model(tmp_path / name / "model.keras").get_weights() for name in runs}
    for one, other in zip(weights["first"], weights["second"], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
@pytest.mark.subprocess
def test_tensorflow_is_refused(tmp_path, data_dir):
    process = start(data_dir, tmp_path / "out", "tensorflow", "--distribute", "0/2@127.0.0.1:9")
    _, said = process.communicate(timeout=200)
    assert process.returncode == 9
    assert "error: --distribute is for JAX\nhint: KERAS_BACKEND=jax" in said
