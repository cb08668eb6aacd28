"""Runs side by side: the table, the picture, and what is not a finished run."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("keras")

from convert.tflite.manifest import attach
from edge.errors import FmnistEdgeError, ModelDamaged, ModelNotFound, ModelUnsupported, TrainingFailed
from edge.inference.model_file import read_model
from edge.sources.pictures import read_image
from tests.conftest import plain
from train.cli.app import app
from train.evaluation.comparison import Contender, best_trades, read_contenders
from train.recipes import mlp
from train.settings import Settings

BUNDLED = Path(read_model("mlp").path)


class Silent:
    def __getattr__(self, name):
        return lambda *_: None


@pytest.fixture(scope="module")
def run(tmp_path_factory, data_dir):
    out = tmp_path_factory.mktemp("runs") / "mine"
    settings = Settings("mlp", 2, 16, 0.01, seed=3, validation_images=20)
    mlp.train(settings, data_dir=data_dir, out=out, resume=False, callback=Silent())
    return out


def compare(*arguments):
    result = CliRunner().invoke(app, ["compare", *map(str, arguments)])
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_the_table(run):
    metrics = json.loads((run / "metrics.json").read_text())
    heading, mine, bundled = compare(run, BUNDLED).splitlines()
    assert " ".join(heading.split()) == "run recipe parameters MACs size validation test epochs seed training"
    assert mine.split()[:6] == ["mine", "mlp", "2,418,618", "2,416,288", "9,674", "KB"]
    assert f"{metrics['validation_accuracy']:.2%}" in mine
    assert f"{metrics['test_accuracy']:.2%}" in mine
    assert mine.split()[8:10] == ["2", "3"]
    assert bundled.startswith("models/mlp.tflite  mlp-best, int8")
    assert f"{read_model('mlp').manifest['accuracy']['int8']:.2%}" in bundled


def test_a_run_of_an_older_version_is_measured_from_its_model(run, tmp_path):
    old = shutil.copytree(run, tmp_path / "old")
    metrics = json.loads((old / "metrics.json").read_text())
    for name in ("parameters", "macs", "epochs"):
        del metrics[name]
    (old / "metrics.json").write_text(json.dumps(metrics))
    now, before = read_contenders([run, old])
    assert dataclasses.replace(before, name="mine") == now


def test_the_picture(run, tmp_path):
    path = tmp_path / "pareto.png"
    compare(run, BUNDLED, "-o", path)
    picture = read_image(path)
    assert picture.shape[0] > 400
    orange, blue = (2, 95, 217), (180, 119, 31)  # blue green red
    assert all((picture == colour).all(axis=2).sum() > 20 for colour in (orange, blue))


def contender(name, size, accuracy, macs=None):
    return Contender(name, "mlp", False, ("a", "b"), None, macs, size, None, accuracy, None, None, None)


def test_what_nothing_cheaper_beats():
    a, b, c, d = contender("a", 10, 0.7), contender("b", 20, 0.9, 5), contender("c", 30, 0.8), contender("d", 20, 0.85)
    assert best_trades([d, c, b, a], "size_bytes") == [a, b]
    assert best_trades([d, c, b, a], "macs") == [b]


def test_other_labels_are_told(run, tmp_path):
    other = shutil.copytree(run, tmp_path / "other")
    metrics = json.loads((other / "metrics.json").read_text())
    (other / "metrics.json").write_text(json.dumps(metrics | {"labels": ["hat", "glove"]}))
    result = CliRunner().invoke(app, ["compare", str(run), str(other)])
    assert "the labels differ" in result.stderr


def spoil(folder: Path, fault: str) -> Path:
    """A folder or file that cannot be compared."""
    if fault == "absent":
        shutil.rmtree(folder)
    elif fault == "empty":
        shutil.rmtree(folder)
        folder.mkdir()
    elif fault == "unfinished":
        (folder / "checkpoint.keras").touch()
    elif fault == "no model":
        (folder / "model.keras").unlink()
    elif fault == "a file":
        return folder / "metrics.json"
    elif fault in {"cut", "a list", "a stranger's"}:
        text = {"cut": '{"v": 1', "a list": "[]", "a stranger's": '{"accuracy": 1}'}[fault]
        (folder / "metrics.json").write_text(text)
    elif fault == "older and damaged":
        metrics = json.loads((folder / "metrics.json").read_text())
        del metrics["parameters"]
        (folder / "metrics.json").write_text(json.dumps(metrics))
        (folder / "model.keras").write_bytes(b"PK")
    elif fault == "plain":
        path = folder / "plain.tflite"
        path.write_bytes(plain(read_model("mlp")))
        return path
    elif fault == "damaged":
        damaged = folder / "damaged.tflite"
        damaged.write_bytes(BUNDLED.read_bytes()[:-9000])
        return damaged
    return folder if fault != "no file" else folder / "absent.tflite"


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ("absent", TrainingFailed, "no such folder"),
        ("a file", TrainingFailed, "no folder and no .tflite file"),
        ("empty", TrainingFailed, "no finished run: it has no metrics.json and no model.keras"),
        ("unfinished", TrainingFailed, "is not finished"),
        ("no model", TrainingFailed, "it has no model.keras"),
        ("cut", TrainingFailed, "cannot be read"),
        ("a list", TrainingFailed, "expected a JSON object"),
        ("a stranger's", TrainingFailed, "not a run's"),
        ("older and damaged", TrainingFailed, "model.keras cannot be loaded"),
        ("no file", ModelNotFound, "absent.tflite"),
        ("plain", ModelUnsupported, "does not say how accurate"),
        ("damaged", ModelDamaged, "damaged"),
    ],
)
def test_what_is_no_finished_run_is_named(run, tmp_path, fault, kind: type[FmnistEdgeError], words):
    bad = spoil(shutil.copytree(run, tmp_path / "bad"), fault)
    with pytest.raises(kind) as caught:
        compare(run, bad)
    assert words in caught.value.message
    assert "bad" in caught.value.message


@pytest.mark.parametrize(
    "name", ["parameters", "macs", "labels", "recipe", "test_accuracy", "epochs", "seed", "settings"]
)
@pytest.mark.parametrize(
    "odd", [None, True, "x", [], [[1]], {}, {"a": 1}, -1, float("nan"), float("inf"), pytest.param(10**400, id="huge")]
)
def test_no_metrics_end_in_a_traceback(run, tmp_path, name, odd):
    """Of a run folder that somebody else made: a row, or one of our errors."""
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "model.keras").touch()
    metrics = json.loads((run / "metrics.json").read_text())
    (strange / "metrics.json").write_text(json.dumps({**metrics, name: odd}))
    try:
        assert "strange" in compare(strange)
    except TrainingFailed as error:
        assert "strange" in error.message


@pytest.mark.parametrize("text", [b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe", '{"a": 1}'.encode("utf-16"), b""])
def test_metrics_that_are_no_json(run, tmp_path, text):
    strange = shutil.copytree(run, tmp_path / "strange")
    (strange / "metrics.json").write_bytes(text)
    with pytest.raises(TrainingFailed, match="cannot be read"):
        compare(strange)


@pytest.mark.parametrize("name", ["parameters", "macs", "epochs", "seed", "recipe"])
@pytest.mark.parametrize("odd", [True, "x", [], {}, 1e308])
def test_no_provenance_ends_in_a_traceback(tmp_path, name, odd):
    model = read_model("tiny")
    manifest = {**model.manifest, "provenance": {**model.manifest["provenance"], name: odd}}
    path = tmp_path / "strange.tflite"
    path.write_bytes(attach(model.flatbuffer, manifest))
    try:
        assert "strange" in compare(path)
    except ModelUnsupported as error:
        assert "strange" in error.message
