"""`--target mediapipe`: the variant answers as the int8 model does, here and in MediaPipe's own ImageClassifier."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from convert.cli.app import app
from convert.targets import target_check
from convert.targets.check import check
from convert.targets.operators import Target
from convert.tflite import metadata
from convert.tflite.mediapipe_variant import open_grey, with_rgb_ends
from edge.errors import AccuracyBudgetExceeded, BadOption, ModelUnsupported
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import Model, read_model
from edge.spec import FASHION_MNIST_LABELS, ImageSpec
from tests.conftest import ROOT
from tests.convert.drawn_models import Drawing, as_model
from tests.convert.report.test_outcome import SCHEMA

if TYPE_CHECKING:
    from tests.conftest import RuntimePython, Sample
    from tests.convert.conftest import Converted, Quantize, Trainer

CLASSIFY = """
import sys, numpy as np, mediapipe as mp
from mediapipe.tasks.python import BaseOptions, vision
options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=sys.argv[1]), max_results=1)
with vision.ImageClassifier.create_from_options(options) as classifier:
    for picture in np.load(sys.argv[2]):
        best = classifier.classify(mp.Image(mp.ImageFormat.SRGB, picture)).classifications[0].categories[0]
        print(best.category_name)
"""
"""As a user of MediaPipe writes it; nothing of ours."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, converted: Converted, quantize: Quantize) -> Path:
    """The tiny network's folder after a conversion for MediaPipe."""
    folder = tmp_path_factory.mktemp("mediapipe")
    path = folder / "tiny.keras"
    shutil.copy(converted.keras, path)
    result = quantize(path, "--max-drop", 2, "--target", "litert,mediapipe")
    assert result.exception is None, result.exception
    assert "tiny_int8_mediapipe.tflite: the same network for RGB" in result.stdout
    assert "of 10,000 test images, 0 get another answer than from int8" in result.stdout
    return folder


@pytest.fixture(scope="module")
def variant(written: Path) -> Model:
    return read_model(str(written / "tiny_int8_mediapipe.tflite"))


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)])


def test_the_variant_takes_rgb_bytes_and_gives_bytes(variant: Model) -> None:
    interpreter = open_interpreter(variant)
    assert (interpreter.input.shape, interpreter.input.dtype) == ((1, 28, 28, 3), np.uint8)
    assert (interpreter.output.shape, interpreter.output.dtype) == ((1, 10), np.uint8)
    assert (interpreter.input.scale, interpreter.input.zero_point) == (1, 0)
    assert (interpreter.output.scale, interpreter.output.zero_point) == (1 / 256, 0)
    with pytest.raises(ModelUnsupported, match="one grey picture"):
        from edge.inference.classifier import open_classifier

        open_classifier(variant, interpreter)


def test_grey_pictures_get_the_int8_models_answers_to_the_bit(written: Path, variant: Model, sample: Sample) -> None:
    plain = open_interpreter(read_model(str(written / "tiny_int8.tflite")))
    raw = plain.run((sample.images.astype(np.int16) - 128).astype(np.int8))
    rgb = np.repeat(sample.images[..., np.newaxis], 3, axis=3)
    np.testing.assert_array_equal(open_interpreter(variant).run(rgb), raw.astype(np.int16) + 128)


def test_colours_count_as_the_eye_sees_them(variant: Model, sample: Sample) -> None:
    """A picture in one colour is the grey one, darker by BT.601's weight of that colour, to the bit."""
    interpreter, grey = open_interpreter(variant), open_grey(variant, open_interpreter(variant))
    for channel, weight in enumerate((0.299, 0.587, 0.114)):
        share = round(128 * weight)
        pixels = sample.images[:50].astype(np.int64)
        pixels += pixels * share % 128 == 64  # how halves are rounded is the kernel's own affair
        rgb = np.zeros((50, 28, 28, 3), np.uint8)
        rgb[..., channel] = pixels
        darker = np.rint(pixels * share / 128).astype(np.uint8)
        answers = interpreter.output.decode(interpreter.run(rgb))
        np.testing.assert_array_equal(answers, grey.probabilities(darker))


def test_it_says_what_it_is_and_the_report_what_was_written(written: Path, variant: Model) -> None:
    plain = read_model(str(written / "tiny_int8.tflite"))
    assert variant.manifest is not None and plain.manifest is not None
    assert variant.manifest["mediapipe"]["made_from_sha256"] == plain.manifest["sha256"]
    assert variant.manifest["accuracy"] == plain.manifest["accuracy"]
    with zipfile.ZipFile(written / "tiny_int8_mediapipe.tflite") as archive:
        assert archive.read("labels.txt").decode().splitlines() == list(FASHION_MNIST_LABELS)
    report = json.loads((written / "tiny_int8.report.json").read_text("utf-8"))
    jsonschema.validate(report, SCHEMA)
    assert report["mediapipe"]["bytes"] == (written / "tiny_int8_mediapipe.tflite").stat().st_size
    assert (report["mediapipe"]["other_answers"], report["mediapipe"]["drop"]) == (0, 0)
    assert report["targets"]["litert"]["verdict"] == "passed"
    assert report["targets"]["mediapipe"]["verdict"] in {"not run", "passed"}
    assert "for RGB in bytes" in (written / "tiny_int8.report.html").read_text("utf-8")


def test_the_other_commands_take_it(written: Path) -> None:
    path = written / "tiny_int8_mediapipe.tflite"
    result = run("compare", written / "tiny_int8.tflite", path, "--max-drop", 0, "-f", "json")
    assert result.exception is None, result.exception
    assert json.loads(result.stdout)["counts"]["same_answer"] == 10_000
    assert run("check", path, "--target", "litert,tflite-runtime,edgetpu,mediapipe").exception is None
    assert run("inspect", path).exception is None


def test_the_int8_model_is_what_it_is_without_the_variant(written: Path, converted: Converted) -> None:
    made, alone = (read_model(str(path)) for path in (written / "tiny_int8.tflite", converted.model))
    assert made.flatbuffer == alone.flatbuffer


@pytest.mark.slow
@pytest.mark.parametrize(("low", "high"), [(0, 1), (-1, 1)])
def test_other_ranges_and_logits(
    tmp_path: Path, train: Trainer, mlp_layers: Any, quantize: Quantize, low: float, high: float
) -> None:
    path = tmp_path / "logits.keras"
    train(mlp_layers(1.0, 0.0, None), low, high, from_logits=True).save(path)
    pixels = "1" if low == 0 else "-1..1"
    result = quantize(path, "--max-drop", 2, "--pixels", pixels, "--target", "mediapipe")
    assert result.exception is None, result.exception
    report = json.loads((tmp_path / "logits_int8.report.json").read_text("utf-8"))
    assert report["mediapipe"]["other_answers"] < 100 and abs(report["mediapipe"]["drop"]) < 0.5
    made = open_interpreter(read_model(str(tmp_path / "logits_int8_mediapipe.tflite")))
    assert (made.output.scale, made.output.zero_point) == (1 / 256, 0)


@pytest.mark.slow
def test_a_variant_that_loses_writes_nothing(
    tmp_path: Path, converted: Converted, quantize: Quantize, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The front layer is spoilt: red, green and blue weigh nothing, so all pictures are black."""
    monkeypatch.setattr("convert.tflite.mediapipe_variant.LUMA", (0, 0, 0))
    path = tmp_path / "tiny.keras"
    shutil.copy(converted.keras, path)
    result = quantize(path, "--max-drop", 2, "--target", "mediapipe")
    assert isinstance(result.exception, AccuracyBudgetExceeded)
    assert "variant for MediaPipe loses" in result.exception.message
    assert [one.name for one in tmp_path.iterdir()] == ["tiny.keras"]


def test_only_int8_models_have_a_variant(converted: Converted, quantize: Quantize) -> None:
    result = quantize(converted.keras, "--scheme", "float16", "--target", "mediapipe")
    assert isinstance(result.exception, BadOption)


@pytest.mark.parametrize(
    ("shape", "kind", "result", "said"),
    [
        ((1, 8, 8, 3), "UINT8", "UINT8", ""),
        ((1, 8, 8, 3), "FLOAT32", "FLOAT32", ""),
        ((1, 8, 8, 1), "UINT8", "UINT8", "takes RGB, 1xHxWx3, not 1x8x8x1"),
        ((2, 8, 8, 3), "UINT8", "UINT8", "takes RGB, 1xHxWx3, not 2x8x8x3"),
        ((1, 8, 8, 3), "INT8", "UINT8", "takes pictures of UINT8 or FLOAT32, not INT8"),
        ((1, 8, 8, 3), "UINT8", "INT8", "reads scores of UINT8 or FLOAT32, not INT8"),
    ],
)
def test_the_check_knows_what_mediapipe_takes(shape: tuple[int, ...], kind: str, result: str, said: str) -> None:
    drawing = Drawing()
    given, scores = drawing.tensor(*shape, kind=kind), drawing.tensor(1, 192, kind=result)
    drawing.ends(given, drawing.operation("RESHAPE", [given], scores))
    (finding,) = check(as_model(drawing.flatbuffer()), [Target.MEDIAPIPE]).findings
    complaint = finding.complaints[Target.MEDIAPIPE]
    assert said in complaint and bool(said) == bool(complaint)
    drawing.graph.inputs = [given, given]
    (finding,) = check(as_model(drawing.flatbuffer()), [Target.MEDIAPIPE]).findings
    assert "expects one input and one output, the file has 2 and 1" in finding.complaints[Target.MEDIAPIPE]


@pytest.mark.subprocess
def test_mediapipe_itself_gives_the_same_answers(
    written: Path, variant: Model, sample: Sample, runtime_python: RuntimePython, tmp_path: Path
) -> None:
    """By a script of MediaPipe's own, by name of the label; and through `convert check --run`."""
    python, path = runtime_python("mediapipe"), written / "tiny_int8_mediapipe.tflite"
    pictures = sample.images[:200]
    np.save(tmp_path / "rgb.npy", np.repeat(pictures[..., np.newaxis], 3, axis=3))
    done = subprocess.run(
        [python, "-c", CLASSIFY, path, tmp_path / "rgb.npy"], capture_output=True, text=True, check=True
    )
    expected = open_grey(variant, open_interpreter(variant)).probabilities(pictures).argmax(axis=1)
    assert done.stdout.splitlines() == [FASHION_MNIST_LABELS[number] for number in expected]
    assert len(set(expected)) == 10
    result = run("check", path, "--target", "mediapipe", "--run", "--python", f"mediapipe={python}", "-f", "json")
    assert result.exception is None, result.exception
    found = json.loads(result.stdout)["targets"]["mediapipe"]["run"]
    assert found["runtime"].startswith("mediapipe ") and (found["steps"], found["changed"]) == (0, 0)


@pytest.mark.subprocess
def test_the_documents_example_runs(written: Path, runtime_python: RuntimePython, tmp_path: Path) -> None:
    """With a grey PNG, of which MediaPipe's own reader makes an image that its classifier fails on."""
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "targets.md").read_text("utf-8"), re.DOTALL)
    shutil.copy(written / "tiny_int8_mediapipe.tflite", tmp_path / "mlp_int8_mediapipe.tflite")
    shutil.copy(ROOT / "edge" / "samples" / "ankle-boot.png", tmp_path / "boot.png")
    command = [runtime_python("mediapipe"), "-c", example]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == "Ankle boot\n"


@pytest.mark.subprocess
def test_mediapipe_refuses_what_the_check_refuses(runtime_python: RuntimePython, tmp_path: Path) -> None:
    """The one-channel model, and a variant that says it is grey: that is why there is a variant."""
    python = runtime_python("mediapipe")
    np.save(tmp_path / "rgb.npy", np.zeros((1, 28, 28, 3), np.uint8))
    plain = read_model("tiny")
    assert plain.image is not None
    drawn = with_rgb_ends(plain.flatbuffer, plain.image, plain.gives_logits)
    (tmp_path / "grey.tflite").write_bytes(metadata.embed(drawn, metadata.describe("x", ImageSpec(), is_rgb=False)))
    for path, said in ((plain.path, "Only 4D tensors"), (tmp_path / "grey.tflite", "Only RGB color space")):
        done = subprocess.run(
            [python, "-c", CLASSIFY, path, tmp_path / "rgb.npy"], capture_output=True, text=True, check=False
        )
        assert done.returncode and said in done.stderr


@pytest.mark.slow
@pytest.mark.subprocess
def test_quantize_runs_it_in_mediapipe(
    tmp_path: Path, converted: Converted, quantize: Quantize, runtime_python: RuntimePython
) -> None:
    path = tmp_path / "tiny.keras"
    shutil.copy(converted.keras, path)
    python = f"mediapipe={runtime_python('mediapipe')}"
    result = quantize(path, "--max-drop", 2, "--target", "mediapipe", "--python", python)
    assert result.exception is None, result.exception
    facts = json.loads((tmp_path / "tiny_int8.report.json").read_text("utf-8"))["targets"]["mediapipe"]
    assert (facts["verdict"], facts["images"], facts["steps"]) == ("passed", target_check.IMAGES, 0)
