"""A model of one's own, in colour, does all that the bundled ones do: it is explained, measured, served, replaced."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.bench.correctness import check_answers
from edge.bench.measure import Plain
from edge.choices import PixelRange
from edge.datasets.dataset import load
from edge.deployment.model_in_service import InService, ModelInService
from edge.errors import ModelUnsupported
from edge.frame import Decision, Frame
from edge.inference.accuracy import evaluate
from edge.inference.classifier import HINTS, Classifier, open_classifier
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import Model, parse_model, read_model
from edge.opencv import cv2
from edge.output.explanation import explain_picture
from edge.output.occlusion import MOST_WINDOWS, occlusion_map
from edge.output.view_sheet import HEIGHT, draw_sheet
from edge.serve.live_pictures import View, jpeg_of
from edge.serve.live_state import Look
from edge.spec import Colour, Framing, ImageSpec, ScoreCalibration, TensorSpec
from edge.testing import FakeInterpreter
from tests.conftest import Run
from tests.edge.deployment.test_model_in_service import settled
from tests.edge.inference import strangers
from tests.edge.inference.strangers import COLOURS, LABELS, SIDE, coloured

pytest.importorskip("tensorflow", reason="its converter writes the models; the device has none")

STRETCH = ImageSpec(SIDE, SIDE, -1.0, 1.0, Colour.RGB, Framing.STRETCH)
CROP = replace(STRETCH, framing=Framing.CROP)
GARMENT = replace(STRETCH, framing=Framing.GARMENT_COLOUR, ground=(255, 255, 255))


def frame(pixels: np.ndarray) -> Frame:
    return Frame(pixels, "here", 0, 0.0, 1.0)


def open_model(model: Model) -> Classifier:
    return open_classifier(model, open_interpreter(model), views=2)


def opened(flatbuffer: bytes, image: ImageSpec) -> Classifier:
    return open_model(parse_model(strangers.own(flatbuffer, image), Path("own.tflite")))


def halves() -> np.ndarray:
    """Red on the left, grey on the right."""
    pixels = np.full((90, 120, 3), 120, np.uint8)
    pixels[:, :60] = COLOURS["red"]
    return pixels


def pictures_of_own(folder: Path, of_each: int = 4) -> Path:
    for name in COLOURS:
        (folder / "test" / name).mkdir(parents=True)
        for number in range(of_each):
            height, width = 50 + 3 * number, 70 + 7 * number
            assert cv2.imwrite(str(folder / "test" / name / f"{number}.png"), coloured(name, height, width, number))
    return folder


@pytest.mark.parametrize("image", [STRETCH, CROP, replace(STRETCH, framing=Framing.LETTERBOX), GARMENT])
def test_it_answers_whatever_the_framing(of_floats: bytes, image: ImageSpec) -> None:
    classifier = opened(of_floats, image)
    for name, colour in COLOURS.items():
        shown = np.full((90, 120, 3), 200, np.uint8)
        shown[20:70, 30:90] = colour
        prediction = classifier(frame(shown if image.framing.isolates else coloured(name)))
        assert prediction.best is not None
        assert (prediction.best.label, prediction.decision) == (name, Decision.GARMENT)
        assert (prediction.presence is None) == (not image.framing.isolates)


def test_the_order_of_channels_is_the_models(of_floats: bytes) -> None:
    """A model that was trained in blue green red takes a red frame for a blue one if it is told the wrong order."""
    swapped = opened(of_floats, replace(STRETCH, colour=Colour.BGR))
    assert swapped(frame(coloured("red"))).ranked[0].label == "blue"


def test_blank_and_doubtful_whole_frames_get_hints_that_make_sense(of_floats: bytes) -> None:
    """Nobody is told to lay something flat before a model that sees whole frames."""
    content = strangers.own(of_floats, STRETCH, doubt={"unknown_below": 0.999})
    classifier = open_model(parse_model(content, Path("own.tflite")))
    blank = classifier(frame(np.full((50, 60, 3), 99, np.uint8)))
    assert (blank.decision, blank.hint) == (Decision.NO_GARMENT, HINTS["blank"])
    unsure = classifier(frame(np.random.default_rng(0).integers(0, 256, (50, 60, 3)).astype(np.uint8)))
    assert unsure.decision is Decision.UNKNOWN
    assert "lay it flat" not in (unsure.hint or "")
    garment = Classifier(open_interpreter(parse_model(content, Path("own.tflite"))), LABELS, GARMENT, False,
                         ScoreCalibration(reject_below=1.0))  # fmt: skip
    shown = np.full((90, 120, 3), 240, np.uint8)
    shown[20:70, 30:90] = (90, 80, 80)
    assert garment(frame(shown)).hint == HINTS["unknown"]


def test_a_sheet_shows_what_the_network_saw_in_its_own_colours(of_floats: bytes, tmp_path: Path) -> None:
    """Red in the frame is red in the view, whatever the order of the model's channels; grey is under the heat map."""
    for image in (STRETCH, replace(CROP, colour=Colour.BGR)):
        classifier = opened(of_floats, image)
        lines = explain_picture(frame(halves()), classifier, tmp_path / "why.png")
        sheet = cv2.imread(str(tmp_path / "why.png"))
        assert sheet is not None
        view = sheet[:, HEIGHT + 4 : 2 * HEIGHT + 4]
        np.testing.assert_array_equal(view[HEIGHT // 2, HEIGHT // 5], COLOURS["red"])
        assert not any("of the frame and" in line for line in lines), "no garment was sought"
        assert any("32x32" in line for line in lines)


def test_the_answer_rests_where_the_colour_is(of_floats: bytes) -> None:
    classifier = opened(of_floats, STRETCH)
    (picture,) = (classifier(frame(halves())), classifier.last_seen)[1].pictures  # type: ignore[union-attr]
    heat = occlusion_map(classifier, picture, "red")
    assert heat.shape == (SIDE, SIDE)
    assert heat[:, :12].mean() > 0.01
    assert np.abs(heat[:, 22:]).max() < heat[:, :12].mean()


@pytest.mark.parametrize(
    ("image", "hidden"),
    [
        (ImageSpec(180, 180, colour=Colour.RGB, framing=Framing.STRETCH), (128, 128, 128)),
        (ImageSpec(90, 60, colour=Colour.BGR, framing=Framing.GARMENT_COLOUR, ground=(9, 8, 7)), (7, 8, 9)),
        (ImageSpec(512, 100, colour=Colour.RGB, framing=Framing.GARMENT_COLOUR, ground=(9, 8, 7)), (9, 8, 7)),
        (ImageSpec(55, 55), (0,)),
    ],
)
def test_windows_are_few_and_of_the_grounds_colour(image: ImageSpec, hidden: tuple[int, ...]) -> None:
    class Watched:
        labels = ("a", "b")
        seen: list[np.ndarray] = []  # noqa: RUF012 - a fake's

        def probabilities(self, pictures: np.ndarray) -> np.ndarray:
            self.seen.extend(pictures)
            return np.tile(np.float32(0.5), (len(pictures), 2))

    watched = Watched()
    watched.seen = []
    watched.image = image  # type: ignore[attr-defined]
    heat = occlusion_map(watched, np.full(image.shape, 200, np.uint8), "a")  # type: ignore[arg-type]
    assert heat.shape == (image.height, image.width)
    assert 100 < len(watched.seen) <= MOST_WINDOWS + 1
    for picture in watched.seen[1:]:
        pixels = picture.reshape(-1, len(hidden))
        changed = pixels[(pixels != 200).any(axis=1)]
        assert 0.01 < len(changed) / len(pixels) < 0.3
        assert (changed == hidden).all()


@pytest.mark.parametrize("side", [96, 180, 224, 512])
def test_sheets_of_large_views_are_filled(side: int) -> None:
    """180 pixels are neither shown as 180 nor cut."""
    image = ImageSpec(side, side, colour=Colour.RGB, framing=Framing.STRETCH)
    fake = FakeInterpreter(TensorSpec((1, side, side, 3), np.dtype(np.int8), 1.0, -128),
                           TensorSpec((1, 3), np.dtype(np.int8), 1 / 256, -128))  # fmt: skip
    classifier = Classifier(fake, LABELS, image, gives_logits=False)
    shown = frame(coloured("blue"))
    prediction = classifier(shown)
    assert classifier.last_seen is not None
    sheet = draw_sheet(shown, classifier.last_seen, prediction)
    view = sheet[:, HEIGHT + 4 : -334]
    assert view.shape[1] >= HEIGHT * 0.85
    assert np.abs(view[HEIGHT // 2].astype(int) - COLOURS["blue"]).max() < 30


def test_the_page_shows_what_the_network_saw_in_its_own_colours(of_floats: bytes) -> None:
    classifier = opened(of_floats, STRETCH)
    shown = frame(coloured("red"))
    classifier(shown)
    for view in View:
        jpeg = jpeg_of(Look(0, shown, classifier.last_seen), view)
        pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert pixels is not None
        assert np.abs(pixels.mean(axis=(0, 1)) - COLOURS["red"]).max() < 12, view


def test_the_pages_worker_opens_it_as_the_camera_did(of_floats: bytes, tmp_path: Path) -> None:
    from edge.serve.picture_child import _open, answer

    path = tmp_path / "plain.tflite"
    path.write_bytes(of_floats)
    settings = {
        "model": str(path), "sha256": read_model(str(path)).sha256, "cpu_model": None, "views": 1, "min_score": None,
        "labels": str(strangers.write_labels(tmp_path / "labels.txt")), "trusted_keys": None, "trust_bundled": False,
        "framing": "frame-crop", "pixels": "-1..1",
    }  # fmt: skip
    with pytest.warns(UserWarning, match="no fmnist-edge manifest"):
        classifier = _open(settings)
    assert classifier.image == CROP
    letter, said = answer(classifier, cv2.imencode(".png", coloured("green"))[1].tobytes())
    assert (letter, json.loads(said)["label"]) == (b"A", "green")


@pytest.mark.subprocess
def test_a_version_that_frames_otherwise_takes_over(of_floats: bytes, tmp_path: Path) -> None:
    """From the next frame on, pictures are made for the new one; another set of labels is still refused."""
    path = tmp_path / "own.tflite"
    path.write_bytes(strangers.own(of_floats, STRETCH))
    model = read_model(str(path))
    service = ModelInService(InService(model, open_model(model)), lambda one: read_model(str(one)), open_model)
    wide = coloured("blue", 60, 240)
    wide[:, 90:150] = coloured("red", 60, 60)
    assert service(frame(wide)).ranked[0].label == "blue"
    path.write_bytes(strangers.own(of_floats, CROP, name="cropping"))
    assert settled(service, service.offer(path)).result().name == "cropping"
    assert service.image == CROP
    assert service(frame(wide)).ranked[0].label == "red"
    path.write_bytes(strangers.own(of_floats, CROP, ("red", "green", "violet")))
    with pytest.raises(ModelUnsupported, match="labels are not those"):
        settled(service, service.offer(path)).result()


def test_own_pictures_are_read_for_the_model(of_floats: bytes, tmp_path: Path) -> None:
    """Of any size; the model may number its labels in another order than the folder's alphabet."""
    data = pictures_of_own(tmp_path / "data")
    for image in (STRETCH, CROP):
        classifier = opened(of_floats, image)
        test = load("test", data, image=image).numbered_as(classifier.labels)
        assert test.images.shape == (12, SIDE, SIDE, 3)
        assert evaluate(classifier, test.images, test.labels).accuracy == 1


def test_the_bench_leaves_its_slice_of_fashion_mnist_out(of_floats: bytes) -> None:
    plain = Plain(LABELS, Framing.CROP, PixelRange.SIGNED)
    model = parse_model(of_floats, Path("plain.tflite"))
    with pytest.warns(UserWarning, match="no fmnist-edge manifest"):
        assert plain.classifier(model, open_interpreter(model)).image == CROP
    with pytest.warns(UserWarning, match="no fmnist-edge manifest"):
        assert check_answers(model, open_interpreter(model), plain.classifier) is None


@pytest.mark.subprocess
def test_evaluate_and_info_from_the_command_line(of_bytes: bytes, fmnist_edge: Run, tmp_path: Path) -> None:
    (tmp_path / "own.tflite").write_bytes(strangers.own(of_bytes, STRETCH))
    data = pictures_of_own(tmp_path / "data")
    result = fmnist_edge("evaluate", "--model", tmp_path / "own.tflite", "--data", data, "--format", "json")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert (found["images"], found["accuracy"]) == (12, 1.0)
    info = fmnist_edge("info", tmp_path / "own.tflite")
    assert "takes: rgb frame-stretch of 32x32, pixels -1..1" in info.stdout
    (tmp_path / "plain.tflite").write_bytes(of_bytes)
    plain = fmnist_edge("info", tmp_path / "plain.tflite")
    assert "takes: rgb frame-stretch of 32x32" in plain.stdout
    assert "assumed: the file has no manifest" in plain.stdout
    refused = fmnist_edge("classify", "fake:1", "--model", tmp_path / "own.tflite", "--framing", "frame-crop")
    assert refused.returncode == 4
    assert "has a manifest" in refused.stderr


@pytest.mark.subprocess
def test_many_labels_are_evaluated_readably(fmnist_edge: Run, tmp_path: Path) -> None:
    """Of 25 classes no matrix: those of which the fewest are right, and what they were taken for."""
    names = [f"thing {number:02}" for number in range(22)]
    content = strangers.convert(strangers.network(classes=25), of_bytes=False)
    (tmp_path / "own.tflite").write_bytes(strangers.own(content, STRETCH, (*LABELS, *names)))
    data = pictures_of_own(tmp_path / "data")
    for name in names:
        (data / "test" / name).mkdir()
        assert cv2.imwrite(str(data / "test" / name / "0.png"), coloured("blue", seed=10 + int(name[-2:])))
    result = fmnist_edge("evaluate", "--model", tmp_path / "own.tflite", "--data", data)
    assert result.returncode == 0, result.stderr
    assert "taken for" in result.stdout
    assert "blue (1)" in result.stdout
    assert "... and 5 more classes" in result.stdout
    assert max(map(len, result.stdout.splitlines()[3:])) < 100
