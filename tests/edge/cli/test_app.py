"""The command as its user meets it: what it prints, what it says when things go wrong, how it ends."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge.datasets import dataset
from edge.inference.accuracy import evaluate
from edge.inference.classifier import Classifier
from edge.inference.model_file import Model
from edge.opencv import cv2
from edge.sources.grammar import parse_sources
from edge.spec import FASHION_MNIST_LABELS
from tests.conftest import ROOT, Run, plain
from tests.edge.sources.http_camera import http_camera
from tests.edge.sources.test_pictures import png_of_claimed_size

pytestmark = pytest.mark.subprocess
SAMPLE = parse_sources(["samples:"])[0].where


def predictions(done: subprocess.CompletedProcess[str]) -> list[dict[str, object]]:
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def check_failure(done: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """Two lines on stderr, an error and a hint, and nothing on stdout."""
    assert done.returncode == code, (done.stdout, done.stderr)
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 2, done.stderr
    assert lines[0].startswith("error: ")
    assert lines[1].startswith("hint: ")
    for word in words:
        assert word in done.stderr


def test_a_picture_is_classified(fmnist_edge: Run) -> None:
    (boot,) = predictions(fmnist_edge("classify", SAMPLE, "--format", "json"))
    assert (boot["v"], boot["label"], boot["decision"]) == (1, "Ankle boot", "garment")
    assert len(boot["top"]) == 3  # type: ignore[arg-type]


def test_the_samples_need_no_path(fmnist_edge: Run) -> None:
    assert len(predictions(fmnist_edge("classify", "samples:", "-f", "json", "--top-k", "1"))) == 10


def test_a_picture_on_standard_input(fmnist_edge: Run) -> None:
    (boot,) = predictions(fmnist_edge("classify", "-", "-f", "json", stdin=Path(SAMPLE).read_bytes()))
    assert (boot["source"], boot["label"]) == ("-", "Ankle boot")


def test_frames_are_turned_and_mirrored(fmnist_edge: Run, tmp_path: Path) -> None:
    path = tmp_path / "upside_down.png"
    cv2.imwrite(str(path), cv2.flip(cv2.imread(SAMPLE), 0))
    (boot,) = predictions(fmnist_edge("classify", SAMPLE, "-f", "json"))
    (turned,) = predictions(fmnist_edge("classify", str(path), "-f", "json", "--rotate", "180", "--flip", "horizontal"))
    assert (turned["label"], turned["score"]) == (boot["label"], boot["score"])
    (wrong,) = predictions(fmnist_edge("classify", str(path), "-f", "json"))
    assert wrong["score"] != boot["score"]


@pytest.mark.skipif(bool(list(Path("/dev").glob("video*"))), reason="this machine has video nodes")
def test_that_there_is_no_camera_is_said(fmnist_edge: Run) -> None:
    check_failure(fmnist_edge("cameras"), 3, "no /dev/video node")


def test_a_network_camera_with_a_limit(fmnist_edge: Run) -> None:
    with http_camera() as address:
        done = fmnist_edge("classify", f"{address}/stream.mjpg", "--limit", "3", "-f", "json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["event"] for one in events] == ["prediction"] * 3 + ["stopped"]
    numbers = [one["frame"] for one in events[:3]]
    assert numbers == sorted(set(numbers))
    assert all(0 < one["age_ms"] < 5000 for one in events[:3])


def test_csv_goes_to_a_file(fmnist_edge: Run, tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    done = fmnist_edge("classify", "samples:", "-f", "csv", "-o", path)
    assert (done.returncode, done.stdout) == (0, "")
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert {row["label"] for row in rows} <= set(FASHION_MNIST_LABELS)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.slow
def test_pictures_give_exactly_the_accuracy_of_the_arrays(
    fmnist_edge: Run, tmp_path: Path, classifier: Classifier
) -> None:
    """2,000 of the test images as PNG files through the command, against the model on the arrays."""
    test = dataset.load("test", allow_download=False).first(2000)
    for number, image in enumerate(test.images):
        cv2.imwrite(str(tmp_path / f"{number:05}.png"), image)
    answers = predictions(fmnist_edge("classify", tmp_path, "-f", "json", "--top-k", "1"))
    expected = evaluate(classifier, test.images, test.labels)
    assert [one["label"] for one in answers] == [FASHION_MNIST_LABELS[number] for number in expected.predicted]


@pytest.mark.slow
def test_evaluate_gives_the_stated_accuracy(fmnist_edge: Run, model: Model) -> None:
    (report,) = predictions(fmnist_edge("evaluate", "-f", "json"))
    assert model.manifest is not None
    assert report["accuracy"] == pytest.approx(model.manifest["accuracy"]["int8"], abs=1e-9)
    assert np.sum(report["confusion"]) == report["images"] == 10_000  # type: ignore[arg-type]


def test_evaluate_shows_a_confusion_matrix(fmnist_edge: Run) -> None:
    done = fmnist_edge("evaluate", "--limit", "500")
    assert done.returncode == 0
    assert "500 test images" in done.stdout
    assert all(label in done.stdout for label in FASHION_MNIST_LABELS)


def test_models_and_info(fmnist_edge: Run, model: Model) -> None:
    assert model.manifest is not None
    listed = fmnist_edge("models").stdout
    assert f"{model.name} (default)" in listed
    assert f"{model.manifest['accuracy']['int8']:.2%}" in listed
    assert max(map(len, listed.splitlines())) <= 80
    (facts,) = [json.loads(fmnist_edge("info", "mlp", "-f", "json").stdout)]
    assert facts["manifest"]["labels"] == list(FASHION_MNIST_LABELS)
    assert facts["input"] == {"shape": [1, 28, 28], "dtype": "int8", "scale": 1.0, "zero_point": -128}
    assert "zero_point: -128" in fmnist_edge("info").stdout


def test_one_bad_file_among_many_fails_alone(fmnist_edge: Run, tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.png").write_bytes(Path(SAMPLE).read_bytes())
    (tmp_path / "2.png").write_text("not a picture")
    done = fmnist_edge("classify", tmp_path, "-f", "json")
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 4
    assert "2.png is not a readable image" in done.stderr
    assert "1 of 5 inputs" in done.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"plain text", "not a readable image"),
        (png_of_claimed_size(20_000, 20_000), "million pixels"),
        (Path(SAMPLE).read_bytes()[:200], "truncated"),
    ],
)
def test_a_bad_picture_alone_is_an_error(fmnist_edge: Run, tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    done = fmnist_edge("classify", path)
    lines = [line for line in done.stderr.splitlines() if not line.startswith("libpng")]
    assert done.returncode == 3
    assert done.stdout == ""
    assert len(lines) == 2
    assert words in done.stderr


AS_NOBODY = """
import os, sys
from edge.cli import app, display, entry
from edge.deployment import model_in_service, model_watch
from edge.inference import classifier, interpreters, model_file
from edge.output import sinks
from edge.sources import grammar
import ai_edge_litert.interpreter
interpreters.open_interpreter(model_file.read_model()).name  # loads what nobody may not read
os.chdir(sys.argv[1])  # pytest's folders above it are closed to others
os.geteuid() or os.setuid(65534)  # root may read everything
sys.argv[1:] = ["classify", sys.argv[2], "--model", "model.tflite"]
entry.main()
"""


@pytest.mark.parametrize(
    ("name", "hint"), [("secret.png", "chmod a+r"), ("secret.avi", "chmod a+r"), ("closed/a.png", "chmod a+x")]
)
def test_a_file_of_somebody_else_says_what_to_do(tmp_path: Path, model: Model, name: str, hint: str) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "model.tflite").write_bytes(model.path.read_bytes())
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(Path(SAMPLE).read_bytes())
    locked = tmp_path / Path(name).parts[0]
    locked.chmod(0)
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, tmp_path, name], capture_output=True, text=True, check=False, cwd=ROOT
    )
    check_failure(done, 3, "permission denied", hint)


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        ((), 2, "nothing to classify"),
        (("nowhere.png",), 3, "no such file"),
        (("x" * 300 + ".png",), 3, "File name too long"),
        (("samples:", "--model", "x" * 300), 4, "File name too long"),
        (("--camera", "87"), 3, "/dev/video87"),
        (("--camera", "no such camera"), 3, "'no such camera'"),
        (("fake:1", "--resolution", "640"), 2, "--resolution"),
        (("fake:1", "--fps", "nan"), 2, "--fps"),
        (("samples:", "--model", "nothing"), 4, "bundled models"),
        (("samples:", "--backend", "coral"), 5, "libedgetpu"),
        (("samples:", "-o", "/nowhere/out"), 6, "cannot write"),
        (("http://127.0.0.1:9/",), 3, "127.0.0.1:9"),
    ],
)
def test_what_goes_wrong_is_said_in_two_lines(
    fmnist_edge: Run, arguments: tuple[str, ...], code: int, word: str
) -> None:
    check_failure(fmnist_edge("classify", *arguments), code, word)


def test_tflite_runtime_is_refused_where_numpy_is_too_new(fmnist_edge: Run) -> None:
    if int(np.__version__.split(".")[0]) < 2:
        (_, *_rest) = predictions(fmnist_edge("classify", "samples:", "--backend", "tflite-runtime", "-f", "json"))
    else:
        check_failure(fmnist_edge("classify", "samples:", "--backend", "tflite-runtime"), 5, "numpy below 2")


@pytest.mark.parametrize("damage", ["truncated", "flipped", "beheaded"])
def test_a_damaged_model_is_stopped_before_the_interpreter(
    fmnist_edge: Run, tmp_path: Path, model: Model, damage: str
) -> None:
    content = bytearray(model.path.read_bytes())
    if damage == "flipped":
        content[len(content) // 2] ^= 8
    else:
        del content[100 if damage == "beheaded" else len(content) // 2 :]
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    check_failure(fmnist_edge("classify", SAMPLE, "--model", path), 4, "damaged")


def test_a_plain_model_warns_and_works(fmnist_edge: Run, tmp_path: Path, model: Model) -> None:
    path = tmp_path / "plain.tflite"
    path.write_bytes(plain(model))
    done = fmnist_edge("classify", SAMPLE, "--model", path, "-f", "json")
    assert done.returncode == 0
    assert done.stderr.startswith("warning: ")
    assert json.loads(done.stdout)["label"] == "Ankle boot"


def test_labels_rename_the_outputs(fmnist_edge: Run, tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(f"klasse {number}" for number in range(10)))
    assert predictions(fmnist_edge("classify", SAMPLE, "--labels", labels, "-f", "json"))[0]["label"] == "klasse 9"
