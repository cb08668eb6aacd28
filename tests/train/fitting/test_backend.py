"""Another backend of Keras trains the same recipe, and TensorFlow converts what it wrote."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge.datasets.dataset import load

ROOT = Path(__file__).parents[3]


@pytest.fixture
def with_jax():
    assert importlib.util.find_spec("jax"), "scripts/test --all installs the extra jax"


def run(module, *arguments, **environment):
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.slow
@pytest.mark.subprocess
def test_jax_trains_and_tensorflow_converts(with_jax, tmp_path):
    out = tmp_path / "run"
    done = run("train.cli", "mlp", "--epochs", 1, "--limit", 6000, "--out", out, KERAS_BACKEND="jax")
    assert [line[:10] for line in done.stderr.splitlines()] == ["epoch  1/1"]
    versions = json.loads((out / "metrics.json").read_text())["versions"]
    assert "jax" in versions
    assert "tensorflow" not in versions
    said = run("convert.cli", "quantize", out / "model.keras", "--max-drop", 5, KERAS_BACKEND="tensorflow").stdout
    assert "passed" in said
    report = json.loads((out / "model_int8.report.json").read_text())
    trained = json.loads((out / "metrics.json").read_text())["test_accuracy"]
    assert report["manifest"]["accuracy"]["float"] == pytest.approx(trained, abs=1e-3)


@pytest.mark.slow
@pytest.mark.subprocess
@pytest.mark.parametrize("recipe", [["mlp"], ["edge", "--size", "tiny", "--limit", "256"]], ids=["mlp", "edge"])
def test_training_on_jax_never_loads_tensorflow(with_jax, tmp_path, data_dir, recipe):
    """TensorFlow is refused, as on a machine without it."""
    program = (
        "import sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] == 'tensorflow': raise ImportError('tensorflow is refused here')\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "import train.cli.app; train.cli.app.main()\n"
    )
    arguments = [*recipe, "--epochs", "2", "--data", str(data_dir), "--out", str(tmp_path / "run")]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "KERAS_BACKEND": "jax"},
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "model.keras").exists()
    assert list((tmp_path / "run" / "tensorboard").iterdir())


@pytest.mark.slow
@pytest.mark.subprocess
@pytest.mark.timeout(900)  # four starts of JAX, two of which compile and train
def test_a_teacher_of_jax_teaches_there_and_is_read_by_tensorflow(with_jax, tmp_path, data_dir):
    """scripts/distil from end to end, then once more: all is finished."""
    command = ["scripts/distil", "--smoke", "--data-dir", data_dir, "--out", tmp_path]
    environment = {**os.environ, "PYTHON": sys.executable, "KERAS_BACKEND": "jax"}
    first, again = (
        subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        for _ in range(2)
    )
    assert first.returncode == 0, first.stderr
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("is finished: nothing left to train") == 2

    metrics = json.loads((tmp_path / "tiny" / "metrics.json").read_text())
    assert metrics["settings"]["teacher"] == ["large"]
    assert "jax" in metrics["versions"]

    from train.augment.basic import Augmentation
    from train.data.epochs import read_teachers

    labels = load("test", data_dir).label_names
    (teacher,) = read_teachers([tmp_path / "large"], labels, Augmentation(shift=1))
    answers = teacher.model.predict(load("test", data_dir).images, verbose=0)
    assert answers.shape == (200, 10)
    assert answers.sum(axis=1) == pytest.approx(1, abs=1e-3)
