"""A damaged model never reaches an interpreter; a whole one says what it is."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from edge.errors import ModelDamaged, ModelError, ModelNotFound, ModelUnsupported
from edge.inference.model_file import (
    MANIFEST_NAME,
    Model,
    bundled_models,
    check_labels,
    parse_model,
    read_labels,
    read_model,
)
from edge.spec import FASHION_MNIST_LABELS, ImageSpec

HERE = Path("some.tflite")


@pytest.fixture(scope="module")
def content(model: Model) -> bytes:
    return model.path.read_bytes()


def with_manifest(model: Model, **changes: object) -> bytes:
    """The model's flatbuffer with a changed manifest behind it."""
    file = io.BytesIO(model.flatbuffer)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(MANIFEST_NAME, json.dumps({**(model.manifest or {}), **changes}))
    return file.getvalue()


@pytest.mark.parametrize("name", bundled_models())
def test_bundled_models_say_everything(name: str) -> None:
    model = read_model(name)
    assert model.name == name
    assert model.labels == FASHION_MNIST_LABELS
    assert model.image == (ImageSpec(56, 56, 0, 255) if name == "camera" else ImageSpec(28, 28, 0, 255))
    assert model.manifest is not None
    accuracy = model.manifest["accuracy"]
    assert accuracy["images"] == 10_000
    assert set(accuracy["per_class"]) == set(FASHION_MNIST_LABELS)
    assert {"recipe", "command", "seed", "versions"} <= set(model.manifest["provenance"])


def test_a_path_serves_as_well_as_a_name(model: Model) -> None:
    assert read_model(str(model.path)) == model


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ModelNotFound) as caught:
        read_model("resnet9000")
    assert "mlp" in caught.value.hint


@pytest.mark.parametrize("kept", [0, 3, 7, 0.1, 0.5, 0.9, 0.99, 0.9999])
def test_a_truncated_model_is_refused(content: bytes, kept: float) -> None:
    end = kept if isinstance(kept, int) else int(len(content) * kept)
    with pytest.raises(ModelDamaged):
        parse_model(content[:end], HERE)


def test_a_flipped_bit_is_always_found() -> None:
    """Each bit of a sample of the flatbuffer's bytes, and every byte of the appended zip."""
    model = read_model("tiny")  # its hash is computed thousands of times
    content = model.path.read_bytes()
    ends = range(len(model.flatbuffer), len(content))
    places = [*np.random.default_rng(0).integers(0, len(model.flatbuffer), 60).tolist(), *ends]
    for number, place in enumerate(places):
        flipped = bytearray(content)
        flipped[place] ^= 1 << (number % 8)
        try:
            survivor = parse_model(bytes(flipped), HERE)
        except ModelError:
            continue
        # Dates and attributes of the zip carry nothing; whatever is read must be what was written.
        assert place in ends
        assert (survivor.flatbuffer, survivor.labels, survivor.manifest) == (
            model.flatbuffer,
            model.labels,
            model.manifest,
        )


def test_another_flatbuffer_under_the_same_manifest_is_refused(model: Model) -> None:
    with pytest.raises(ModelDamaged, match="SHA-256"):
        parse_model(with_manifest(model, sha256="0" * 64), HERE)


def test_a_newer_manifest_asks_for_an_upgrade(model: Model) -> None:
    with pytest.raises(ModelUnsupported, match="newer") as caught:
        parse_model(with_manifest(model, v=99), HERE)
    assert "--upgrade" in caught.value.hint


@pytest.mark.parametrize(
    "wrong",
    [
        {"image": {"height": "tall"}},
        {"image": None},
        {"v": "one"},
        {"labels": 7},
        {"doubt": 7},
        {"doubt": {"sureness": 1}},
        {"early_exit": 2},
        {"early_exit": "soon"},
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(model: Model, wrong: dict[str, object]) -> None:
    with pytest.raises(ModelError):
        parse_model(with_manifest(model, **wrong), HERE)


def test_what_is_no_model_at_all_says_so() -> None:
    with pytest.raises(ModelDamaged, match="not a TFLite model"):
        parse_model(b"PK\x03\x04 a zip, say", HERE)


@pytest.mark.parametrize("labels", [[], ["one"], ["a", "a"], ["a", ""]])
def test_labels_must_be_distinct_names(labels: list[str]) -> None:
    with pytest.raises(ModelUnsupported, match="distinct"):
        check_labels(labels, "test")


def test_labels_come_from_a_text_file(tmp_path: Path) -> None:
    file = tmp_path / "labels.txt"
    file.write_text("red\n\n green \n")
    assert read_labels(file) == ("red", "green")
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelUnsupported):
        read_labels(file)
    with pytest.raises(ModelNotFound):
        read_labels(tmp_path / "none.txt")
