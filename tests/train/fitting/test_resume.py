"""A run ends in the same weights, to the bit, however it was interrupted; and it loses nothing on the way."""

import dataclasses
import os
import re
import resource
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras")

import keras

from edge.errors import OutputFailed, TrainingFailed
from tests.processes import wait_for_line
from train.quiet import load_keras
from train.recipes import edge_cnn, mlp

load_keras()
ROOT = Path(__file__).parents[3]


def weights(model_file):
    """The trained variables, and the optimizer's where the file has them: a checkpoint does."""
    model = keras.saving.load_model(model_file)
    optimizer = getattr(model, "optimizer", None)
    return [np.asarray(v) for v in (*model.weights, *(optimizer.variables if optimizer else ()))]


def same(left, right):
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


def command(arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "train.cli", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, data_dir):
    """The weights after six epochs in one go."""
    from train.settings import Settings

    class Silent:
        def __getattr__(self, name):
            return lambda *_: None

    out = tmp_path_factory.mktemp("whole") / "run"
    settings = Settings("mlp", 6, 16, 0.01, seed=3, validation_images=20)
    mlp.train(settings, data_dir=data_dir, out=out, resume=False, callback=Silent())
    return settings, weights(out / "model.keras")


@pytest.mark.slow
def test_interrupted_then_killed_then_resumed_gives_the_same_weights(tmp_path, data_dir, uninterrupted, recorder):
    """Ctrl-C after epoch 1 names the command that goes on; that one is killed with -9 after epoch 3."""
    settings, expected = uninterrupted
    out = tmp_path / "run"
    first = [*shlex.split(settings.command)[1:], "--data-dir", str(data_dir), "--out", str(out)]
    process = command(first)
    wait_for_line(process, "epoch  1/")
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stdout == ""
    assert "Traceback" not in stderr
    last = stderr.strip().splitlines()[-1]
    assert last.startswith("interrupted; to go on: fmnist-train mlp ")
    assert last.endswith("--resume")

    process = command(shlex.split(last.split("fmnist-train ")[1]))
    said = wait_for_line(process, "epoch  3/")
    assert "resuming after epoch" in said
    time.sleep(0.1)  # into the midst of an epoch
    process.kill()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert (out / "checkpoint.keras").exists()
    assert not (out / "model.keras").exists()

    mlp.train(settings, data_dir=data_dir, out=out, resume=True, callback=recorder)
    assert recorder.notes[0] in {f"resuming after epoch {epoch} of 6" for epoch in (3, 4, 5)}
    assert same(weights(out / "model.keras"), expected)
    assert not list(out.glob("*checkpoint*"))


@pytest.mark.slow
def test_killed_at_any_moment(tmp_path, data_dir, uninterrupted):
    """Again and again, each time a little later: while loading, training, writing a checkpoint, concluding."""
    settings, expected = uninterrupted
    out = tmp_path / "run"
    arguments = [*shlex.split(settings.command)[1:], "--data-dir", str(data_dir), "--out", str(out), "--resume"]
    for patience_s in np.arange(3.0, 20.0, 1.0):
        process = command(arguments)
        try:
            process.communicate(timeout=patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        else:
            break
    assert process.returncode == 0
    assert same(weights(out / "model.keras"), expected)


@pytest.mark.slow
def test_the_compact_network_goes_on_in_a_new_process(tmp_path, data_dir, recorder):
    """Momentum, averaged weights, the rate's step, the variations: all come back, where nothing was built before."""
    settings = dataclasses.replace(
        edge_cnn.DEFAULTS,
        **{"size": "tiny", "epochs": 4, "batch_size": 32, "validation_images": 20, "limit": 200, "cutmix": 0.3},
        precision="bfloat16",
    )
    arguments = [*shlex.split(settings.command)[1:], "--data-dir", str(data_dir)]
    process = command([*arguments, "--out", str(tmp_path / "halved")])
    wait_for_line(process, "epoch  2/")
    process.kill()
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    process = command([*arguments, "--out", str(tmp_path / "halved"), "--resume"])
    _, said = process.communicate(timeout=200)
    assert process.returncode == 0, said
    assert "resuming after epoch" in said
    edge_cnn.train(settings, data_dir=data_dir, teachers=(), out=tmp_path / "whole", resume=False, callback=recorder)
    assert same(*(weights(tmp_path / name / "model.keras") for name in ("halved", "whole")))
    model = keras.saving.load_model(tmp_path / "halved" / "model.keras")
    assert {layer.dtype_policy.name for layer in model.layers} == {"float32"}  # though it was trained in bfloat16


@pytest.mark.parametrize("fault", ["order", "weights"])
def test_the_comparison_sees_what_is_not_reproducible(tmp_path, data_dir, uninterrupted, recorder, monkeypatch, fault):
    """Planted: an order drawn without a seed; first weights drawn without a seed."""
    settings, expected = uninterrupted
    if fault == "order":
        unseeded = np.random.default_rng()
        monkeypatch.setattr(np.random, "default_rng", lambda _seed: unseeded)
    else:
        monkeypatch.setattr("keras.utils.set_random_seed", lambda _seed: None)
    mlp.train(settings, data_dir=data_dir, out=tmp_path / "run", resume=False, callback=recorder)
    assert not same(weights(tmp_path / "run" / "model.keras"), expected)


def test_a_full_disk_keeps_the_last_checkpoint(tmp_path, data_dir, uninterrupted, recorder, new_recorder):
    """The second checkpoint finds no room; once there is some, --resume ends in the same weights."""
    settings, expected = uninterrupted
    out = tmp_path / "run"
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    recorder.after_epoch[1] = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, unlimited[1]))
    try:
        with pytest.raises(OutputFailed, match=r"checkpoint\.keras could not be written: File too large") as caught:
            mlp.train(settings, data_dir=data_dir, out=out, resume=False, callback=recorder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    assert "--resume" in caught.value.hint
    assert [path.name for path in out.iterdir()] == ["checkpoint.keras"]
    later = new_recorder()
    mlp.train(settings, data_dir=data_dir, out=out, resume=True, callback=later)
    assert later.notes == ["resuming after epoch 1 of 6"]
    assert same(weights(out / "model.keras"), expected)


def test_a_failure_at_the_very_end_is_made_good(tmp_path, data_dir, uninterrupted, recorder, new_recorder):
    """No room for the model after all epochs: nothing is trained again, and the test figure is the same."""
    settings, expected = uninterrupted
    out = tmp_path / "run"
    (out / "model.partial.keras").mkdir(parents=True)  # in the way of the model's temporary name
    with pytest.raises(OutputFailed, match=r"model\.keras"):
        mlp.train(settings, data_dir=data_dir, out=out, resume=False, callback=recorder)
    (out / "model.partial.keras").rmdir()
    later = new_recorder()
    mlp.train(settings, data_dir=data_dir, out=out, resume=True, callback=later)
    assert later.results == []
    assert same(weights(out / "model.keras"), expected)


@pytest.mark.parametrize(("group", "place"), [(1, "batch "), (20, "one of the batches ")])
def test_a_loss_of_nan_stops_the_run_and_keeps_the_last_good_epoch(
    tmp_path, data_dir, settings, recorder, group, place
):
    """The step size explodes in the third epoch; the backend is asked once in a group of batches."""
    from edge.datasets.dataset import load, split_held_out
    from train.fitting.fit import fit
    from train.fitting.run_folder import open_run

    def explosive(settings, classes):
        model = mlp.build(settings, classes)
        steps = 1000 // settings.batch_size + 1
        schedule = keras.optimizers.schedules.PiecewiseConstantDecay([2 * steps + 10], [0.01, 1e9])
        model.compile(
            optimizer=keras.optimizers.SGD(schedule),
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
            steps_per_execution=group,
        )
        return model

    training, held_out = split_held_out(load("train", data_dir), 20)
    with open_run(tmp_path / "run", settings, resume=False) as folder:
        with pytest.raises(TrainingFailed, match=rf"the loss became (nan|inf) in epoch 3, in {place}\d") as caught:
            fit(explosive, training, held_out, folder, recorder)
        assert "checkpoint of epoch 2 is kept" in caught.value.hint
        assert [result.epoch for result in recorder.results] == [1, 2]
        assert recorder.batches[2][-1] < 63  # given up within the epoch
        first, last = re.findall(r"(\d+)(?: to (\d+))? of 63", caught.value.message)[0]
        assert (int(first) - 1, int(last or first)) == tuple([0, *recorder.batches[2][1:]][-2:])  # last good, bad
        kept = weights(folder.checkpoint)
    assert all(np.isfinite(array).all() for array in kept)


def test_a_run_is_resumed_with_its_own_settings_only(tmp_path, data_dir, settings, recorder):
    out = tmp_path / "run"

    def stop():
        raise KeyboardInterrupt

    recorder.after_epoch[1] = stop
    with pytest.raises(KeyboardInterrupt):
        mlp.train(settings, data_dir=data_dir, out=out, resume=False, callback=recorder)
    for name, value in (("seed", 5), ("batch_size", 8), ("epochs", 9), ("learning_rate", 0.1)):
        other = dataclasses.replace(settings, **{name: value})
        with pytest.raises(TrainingFailed) as caught:
            mlp.train(other, data_dir=data_dir, out=out, resume=True, callback=recorder)
        differing = f"{name.replace('_', ' ')} {getattr(settings, name)} there, {value} here"
        assert caught.value.message.endswith(f"made with other settings: {differing}"), caught.value.message
    with pytest.raises(TrainingFailed, match="holds an unfinished run") as caught:
        mlp.train(settings, data_dir=data_dir, out=out, resume=False, callback=recorder)
    assert "--resume" in caught.value.hint
    altered = tmp_path / "altered"
    altered.mkdir()
    for path in data_dir.iterdir():
        content = bytearray(path.read_bytes())
        content[-1] ^= path.name.startswith("train-labels")
        (altered / path.name).write_bytes(content)
    with pytest.raises(TrainingFailed, match=r"training data \w+ there, \w+ here"):
        mlp.train(settings, data_dir=altered, out=out, resume=True, callback=recorder)


def test_a_damaged_checkpoint_is_named(tmp_path, data_dir, settings, recorder):
    out = tmp_path / "run"
    out.mkdir()
    for content in (b"", b"PK\x03\x04 no zip"):
        (out / "checkpoint.keras").write_bytes(content)
        with pytest.raises(TrainingFailed, match=r"checkpoint\.keras is damaged"):
            mlp.train(settings, data_dir=data_dir, out=out, resume=True, callback=recorder)
