"""Models of others run: in colour, told by their metadata, their tensors, or by whoever runs them."""

from __future__ import annotations

import io
import json
import random
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.choices import PixelRange
from edge.errors import ModelUnsupported
from edge.frame import Decision, Frame
from edge.inference.classifier import Classifier, open_classifier
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import Model, parse_model, read_labels
from edge.inference.plain_model import bounded_by_one, image_of
from edge.inference.tflite_metadata import METADATA_NAME, Described, described
from edge.opencv import cv2
from edge.spec import Colour, Framing, ImageSpec, TensorSpec
from edge.testing import FakeInterpreter
from tests.conftest import Run
from tests.edge.inference import strangers
from tests.edge.inference.strangers import COLOURS, LABELS, SIDE, Head, coloured

pytest.importorskip("tensorflow", reason="its converter writes the models; the device has none")

SIGNED = ImageSpec(SIDE, SIDE, -1.0, 1.0, Colour.RGB, Framing.STRETCH)
OUTPUT = TensorSpec((1, 3), np.dtype(np.uint8), 1 / 256, 0)


def opened(content: bytes, labels: tuple[str, ...] = (), **told: object) -> Classifier:
    model = parse_model(content, Path("stranger.tflite"))
    with pytest.warns(UserWarning, match="no fmnist-edge manifest"):
        return open_classifier(model, open_interpreter(model), labels, **told)  # type: ignore[arg-type]


def answers(classifier: Classifier) -> dict[str, tuple[str, float]]:
    found = {}
    for name in COLOURS:
        best = classifier(Frame(coloured(name), name, 0, 0.0, 0.0)).best
        assert best is not None
        found[name] = (best.label, best.score)
    return found


def check_right(classifier: Classifier) -> None:
    for name, (label, score) in answers(classifier).items():
        assert label == name
        assert 0.9 < score <= 1


def test_bytes_go_into_a_model_of_bytes_as_they_are(of_bytes: bytes) -> None:
    """As Teachable Machine's own examples feed them: scale about 1/127.5, zero point 127 or 128."""
    classifier = opened(of_bytes, LABELS)
    tensor = classifier.interpreter.input
    assert (tensor.dtype, tensor.zero_point in {127, 128}) == (np.uint8, True)
    assert classifier.image.framing is Framing.STRETCH
    assert classifier.image.colour is Colour.RGB
    np.testing.assert_array_equal(classifier._table, np.arange(256))
    check_right(classifier)


def test_floats_of_which_nothing_is_said_are_from_minus_one_to_one(of_floats: bytes) -> None:
    classifier = opened(of_floats, LABELS)
    assert classifier.image == SIGNED
    check_right(classifier)


def test_what_is_told_wins(of_floats: bytes) -> None:
    told = opened(of_floats, LABELS, framing=Framing.CROP, pixels=PixelRange.BYTE)
    assert told.image == ImageSpec(SIDE, SIDE, 0.0, 255.0, Colour.RGB, Framing.CROP)
    garment = opened(of_floats, LABELS, framing=Framing.GARMENT_COLOUR, pixels=PixelRange.UNIT)
    assert (garment.image.framing, garment.image.high) == (Framing.GARMENT_COLOUR, 1.0)
    assert garment(Frame(np.full((60, 80, 3), 90, np.uint8), "", 0, 0.0, 0.0)).decision is Decision.NO_GARMENT


def test_the_warning_says_what_was_assumed_and_which_option_overrides_it(of_floats: bytes) -> None:
    model = parse_model(of_floats, Path("stranger.tflite"))
    with pytest.warns(UserWarning) as said:
        open_classifier(model, open_interpreter(model), LABELS)
    (text,) = [str(one.message) for one in said]
    for words in ("red ... blue (--labels)", "rgb frame-stretch of 32x32 (--framing)", "pixels -1..1 (--pixels)"):
        assert words in text


def test_metadata_say_range_colour_and_labels(of_floats: bytes) -> None:
    """Of floats that are 0 to 255 in truth the network makes another answer, so that the range is seen to count."""
    content = strangers.described(of_floats, replace(SIGNED, low=0.0, high=255.0), "red\ngreen\nblue\n")
    assert described(content) == Described((0.0,), (1.0,), Colour.RGB, ("kinds.list",))
    classifier = opened(content)
    assert classifier.labels == LABELS
    assert (classifier.image.low, classifier.image.high) == (0, 255)
    check_right(opened(strangers.described(of_floats, SIGNED, "red\ngreen\nblue\n")))


def test_of_bytes_the_metadatas_range_does_not_count(of_bytes: bytes) -> None:
    classifier = opened(strangers.described(of_bytes, replace(SIGNED, low=0.0, high=255.0), "red\ngreen\nblue\n"))
    np.testing.assert_array_equal(classifier._table, np.arange(256))
    check_right(classifier)


def test_labels_that_the_metadata_name_but_nobody_attached_are_asked_for(of_floats: bytes) -> None:
    model = parse_model(strangers.described(of_floats, SIGNED, None), Path("stranger.tflite"))
    assert model.labels == ()
    with pytest.raises(ModelUnsupported, match="3 outputs and no labels") as refused:
        open_classifier(model, open_interpreter(model))
    assert "--labels" in refused.value.hint


def test_means_that_differ_by_channel_are_averaged_with_a_warning(
    of_floats: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line maps all bytes here; networks of ImageNet's means differ by channel."""
    from convert.tflite import metadata

    written = metadata._floats
    monkeypatch.setattr(metadata, "_floats", lambda builder, value: written(builder, value - 9, value, value + 9))
    model = parse_model(strangers.described(of_floats, SIGNED, None), Path("stranger.tflite"))
    tensor = TensorSpec((1, SIDE, SIDE, 3), np.dtype(np.float32), 0.0, 0)
    with pytest.warns(UserWarning, match="normalises each channel in its own way"):
        image = image_of(model, tensor)
    assert (image.low, image.high) == (-1, 1)


def test_damaged_metadata_never_crash_and_are_said(of_floats: bytes) -> None:
    """Bytes are changed at random: what comes out makes sense, or is damaged. Nothing else is raised."""
    whole = strangers.described(of_floats, SIGNED, None)
    begin = whole.index(b"M001") - 4
    rng = random.Random(7)
    damaged = 0
    for _ in range(3000):
        content = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            content[begin + rng.randrange(500)] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
        try:
            found = described(bytes(content))
        except ValueError:
            damaged += 1
            continue
        assert len(found.mean) == len(found.deviation)
        assert len(found.mean) in {0, 1, 3}
    assert damaged > 300
    for length in range(0, len(whole), 97):
        try:
            described(whole[:length])
        except ValueError:
            damaged += 1
    broken = bytearray(whole)
    broken[begin : begin + 4] = b"\xff\xff\xff\x7f"
    with pytest.warns(UserWarning, match="metadata are damaged and do not count"):
        opened(bytes(broken), LABELS)


def test_a_model_without_metadata_has_none(of_floats: bytes) -> None:
    nameless = of_floats.replace(METADATA_NAME.encode(), b"?" * len(METADATA_NAME))
    assert described(nameless) == Described()


def test_labels_that_cannot_be_read_are_not(of_floats: bytes) -> None:
    """A zip that names a file of another name, or nothing in it."""
    for text in ("", None):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("other.txt" if text is None else "kinds.list", text or "")
        content = strangers.described(of_floats, SIGNED, None) + packed.getvalue()
        assert parse_model(content, Path("stranger.tflite")).labels == ()


def test_a_single_output_is_the_second_labels_probability() -> None:
    for of_bytes in (False, True):
        content = strangers.convert(strangers.network(Head.SIGMOID), of_bytes=of_bytes)
        classifier = opened(content, ("other", "red"))
        labels = {name: label for name, (label, _) in answers(classifier).items()}
        assert labels == {"red": "red", "green": "other", "blue": "other"}
        both = classifier.probabilities(np.zeros((1, SIDE, SIDE, 3), np.uint8))
        assert both.sum() == pytest.approx(1)


def test_logits_are_told_from_probabilities_by_what_they_are() -> None:
    """A last layer without softmax, as TensorFlow's tutorial has it: its float file says nothing of that."""
    classifier = opened(strangers.convert(strangers.network(Head.LOGITS), of_bytes=False), LABELS)
    check_right(classifier)
    assert classifier.probabilities(np.zeros((2, SIDE, SIDE, 3), np.uint8)).sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize(
    ("output", "is_bounded"),
    [
        (TensorSpec((1, 3), np.dtype(np.int8), 1 / 256, -128), True),
        (TensorSpec((1, 3), np.dtype(np.uint8), 1 / 255, 0), True),
        (TensorSpec((1, 3), np.dtype(np.int16), 1 / 32768, 0), True),
        (TensorSpec((1, 3), np.dtype(np.int8), 1 / 256, 3), False),
        (TensorSpec((1, 3), np.dtype(np.uint8), 0.0021, 120), False),
        (TensorSpec((1, 3), np.dtype(np.int8), 0.11, -128), False),
    ],
)
def test_logits_in_bytes_are_told_by_scale_and_zero_point(output: TensorSpec, is_bounded: bool) -> None:
    """Also those of an unsure network, which are small."""
    assert bounded_by_one(output) is is_bounded


def test_a_model_with_a_manifest_is_not_told_what_it_takes(model: Model) -> None:
    for told in ({"framing": Framing.STRETCH}, {"pixels": PixelRange.UNIT}):
        with pytest.raises(ModelUnsupported, match="has a manifest, which says") as refused:
            open_classifier(model, open_interpreter(model), **told)  # type: ignore[arg-type]
        assert "--framing and --pixels" in refused.value.hint


@pytest.mark.parametrize(
    ("shape", "framing", "message"),
    [
        ((1, 32, 32, 3), Framing.GARMENT_GREY, "takes rgb pictures, not garment-grey"),
        ((1, 28, 28), Framing.GARMENT_COLOUR, "takes grey pictures, not garment-colour"),
    ],
)
def test_a_framing_of_another_colour_is_refused(
    model: Model, shape: tuple[int, ...], framing: Framing, message: str
) -> None:
    tensor = TensorSpec(shape, np.dtype(np.uint8), 1.0, 0)
    bare = replace(model, image=None, manifest=None, flatbuffer=b"", labels=LABELS)
    with pytest.raises(ModelUnsupported, match=message), pytest.warns(UserWarning, match="damaged"):
        open_classifier(bare, FakeInterpreter(tensor, OUTPUT), framing=framing)


@pytest.mark.subprocess
def test_classify_runs_teachable_machines_export(of_bytes: bytes, fmnist_edge: Run, tmp_path: Path) -> None:
    """With its labels.txt; to the channels' order, for a blue frame would be red otherwise."""
    (tmp_path / "model.tflite").write_bytes(of_bytes)
    labels = strangers.write_labels(tmp_path / "labels.txt")
    assert read_labels(labels) == LABELS
    for name in COLOURS:
        assert cv2.imwrite(str(tmp_path / f"{name}.png"), coloured(name))
    pictures = [tmp_path / f"{name}.png" for name in COLOURS]
    options = ("--model", tmp_path / "model.tflite", "--labels", labels)
    result = fmnist_edge("classify", *pictures, *options, "--format", "json")
    assert result.returncode == 0, result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["label"] for line in lines] == list(COLOURS)
    assert "assuming labels red ... blue" in result.stderr
    cropped = fmnist_edge("classify", pictures[0], *options, "--framing", "frame-crop", "--pixels", "-1..1")
    assert cropped.returncode == 0, cropped.stderr
    assert "frame-crop of 32x32 (--framing), pixels -1..1" in cropped.stderr


@pytest.mark.subprocess
def test_a_thousand_labels_stay_readable(fmnist_edge: Run, tmp_path: Path) -> None:
    """A table shows the best three, JSON as many as are asked for."""
    content = strangers.convert(strangers.network(classes=1000), of_bytes=False)
    (tmp_path / "model.tflite").write_bytes(content)
    labels = [*LABELS, *(f"class {number}" for number in range(3, 1000))]
    (tmp_path / "labels.txt").write_text("\n".join(labels), "utf-8")
    assert cv2.imwrite(str(tmp_path / "green.png"), coloured("green"))
    options = ("--model", tmp_path / "model.tflite", "--labels", tmp_path / "labels.txt")
    table = fmnist_edge("classify", tmp_path / "green.png", *options)
    assert table.returncode == 0, table.stderr
    assert table.stdout.count("class ") <= 3
    assert max(map(len, table.stdout.splitlines())) < 200
    found = fmnist_edge("classify", tmp_path / "green.png", *options, "--format", "json", "--top-k", 1000)
    assert len(json.loads(found.stdout)["top"]) == 1000
