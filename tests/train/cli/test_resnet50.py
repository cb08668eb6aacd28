"""`fmnist-train resnet50`: every option arrives, a run's command makes it again, and kill -9 costs nothing."""

import dataclasses
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras")

from edge.errors import BadOption
from tests.processes import wait_for_line
from train.quiet import load_keras
from train.recipes import resnet50_weights
from train.recipes.resnet50 import Resnet50Settings

load_keras()

import keras  # noqa: E402 - quietly loaded above

ROOT = Path(__file__).parents[3]


@pytest.fixture
def settings():
    return Resnet50Settings("resnet50", 2, 16, 0.01, 3, 20, weights="tiny.weights.h5", fine_tune=1, fine_tune_epochs=2)


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory):
    """Random weights of the real ResNet50, seeded, with statistics that keep its features within bounds."""
    keras.utils.set_random_seed(0)
    file = tmp_path_factory.mktemp("weights") / "random.weights.h5"
    resnet50_weights.build_backbone().save_weights(file)
    return file


def arrays(model):
    return [np.asarray(weight) for weight in model.weights]


def same(left, right):
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


@pytest.mark.parametrize(
    "wrong",
    [
        {"fine_tune": 6},
        {"fine_tune": -1},
        {"fine_tune_epochs": 0},
        {"fine_tune_learning_rate": 0.0},
        {"fine_tune_learning_rate": float("inf")},
        {"learning_rate": 0.0},
        {"weights": "none", "fine_tune": 1},
        {"fine_tune": 0, "unfreeze_batch_norm": True},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong, settings):
    with pytest.raises(BadOption):
        dataclasses.replace(settings, **wrong)


@pytest.mark.parametrize("changed", [{}, {"unfreeze_batch_norm": True}, {"weights": "none", "fine_tune": 0}])
def test_the_command_carries_every_option(changed, settings, monkeypatch):
    """Typed again, it gives the same settings."""
    from typer.testing import CliRunner

    from train.cli import app

    told = []
    monkeypatch.setattr(app, "run_recipe", lambda _recipe, settings, *_, **__: told.append(settings))
    expected = dataclasses.replace(settings, **changed)
    assert CliRunner().invoke(app.app, shlex.split(expected.command)[1:]).exit_code == 0
    assert told == [expected]


def test_the_command_to_resume_names_the_weights_file_with_its_folder(settings):
    words = shlex.split(settings.command_with(Path("/my weights/tiny.weights.h5")))
    assert words[words.index("--weights") + 1] == "/my weights/tiny.weights.h5"


def command(arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "train.cli", "resnet50", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.subprocess
@pytest.mark.timeout(900)  # five starts of TensorFlow, each of which builds ResNet50
def test_killed_in_each_phase_and_resumed(tmp_path, data_dir, weights_file):
    """kill -9 while the features are computed, in the head's epochs and in the fine-tuning."""
    arguments = ["--weights", str(weights_file), "--data", str(data_dir), "--limit", "60", "--epochs", "20"]
    arguments += ["--validation-images", "20", "--fine-tune", "1", "--fine-tune-epochs", "2"]
    whole = command([*arguments, "--out", str(tmp_path / "whole")])
    _, said = whole.communicate(timeout=240)
    assert whole.returncode == 0, said
    arguments += ["--out", str(tmp_path / "run"), "--resume"]
    for sign in ("computing the features", "epoch  5/20", "epoch 21/22"):
        process = command(arguments, XDG_CACHE_HOME=str(tmp_path / "other cache"))
        wait_for_line(process, sign)
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    process = command(arguments, XDG_CACHE_HOME=str(tmp_path / "other cache"))
    _, said = process.communicate(timeout=240)
    assert process.returncode == 0, said
    assert "computing the features" not in said
    models = [keras.saving.load_model(tmp_path / name / "model.keras") for name in ("run", "whole")]
    assert same(arrays(models[0]), arrays(models[1]))
