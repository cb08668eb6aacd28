"""A new version is tried in a child process, beside the one that runs: what crashes or is clearly worse is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from edge.errors import UpdateFailed, UpdateRefused
from edge.fleet import measuring
from edge.fleet.measuring import Measurement, measure
from edge.inference.model_file import bundled_models, parse_model, read_model
from edge.spec import FASHION_MNIST_LABELS
from tests.edge.deployment.model_parts import with_manifest

pytestmark = pytest.mark.subprocess

TINY, SMALL = (bundled_models()[name] for name in ("tiny", "small"))


def changed(path: Path, name: str, **manifest: object) -> Path:
    """A bundled model with another manifest."""
    model = read_model(name)
    path.write_bytes(with_manifest(model.flatbuffer, {**(model.manifest or {}), **manifest}))
    return path


def test_two_versions_are_counted_picture_by_picture() -> None:
    found = measure(SMALL, TINY, None)
    assert (found.pictures, found.model) == (300, read_model("small").sha256)
    assert found.only_new is not None
    assert found.only_running is not None
    other = measure(TINY, SMALL, None)
    assert (other.only_new, other.only_running) == (found.only_running, found.only_new)
    assert found.right - other.right == found.only_new - found.only_running
    assert found.accuracy is not None
    assert 0.9 < found.accuracy < 1


def test_a_version_that_is_clearly_worse_is_refused_and_one_that_chance_explains_is_not(tmp_path: Path) -> None:
    labels = list(FASHION_MNIST_LABELS)
    mixed = changed(tmp_path / "mixed.tflite", "tiny", labels=[*labels[1:3], labels[0], *labels[3:]])
    with pytest.raises(UpdateRefused, match="clearly worse here: of 300 canaries it loses"):
        measure(mixed, TINY, None)
    assert measure(mixed, None, None).accuracy is not None  # with nothing to compare with it is taken as it is


@pytest.mark.parametrize(
    ("worse", "better", "refused"),
    [(0, 0, False), (6, 0, False), (7, 0, True), (10, 9, False), (20, 5, True), (5, 20, False), (500, 400, True)],
)
def test_clearly_means_once_in_a_hundred_by_chance(worse: int, better: int, refused: bool) -> None:
    """6 of 6 happen once in 64, 7 of 7 once in 128."""
    assert Measurement("0" * 64, 1000, 900, better, worse).is_clearly_worse is refused


def test_other_labels_are_refused(tmp_path: Path) -> None:
    other = changed(tmp_path / "other.tflite", "tiny", labels=[*FASHION_MNIST_LABELS[:9], "Boot"])
    with pytest.raises(UpdateRefused, match="its labels are not those of the version that runs: Ankle boot, Boot"):
        measure(other, TINY, None)


def test_what_does_not_open_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.tflite"
    flatbuffer = bytearray(read_model("tiny").flatbuffer)
    flatbuffer[8:40] = b"\xff" * 32
    broken.write_bytes(with_manifest(bytes(flatbuffer), dict(read_model("tiny").manifest or {})))
    parse_model(broken.read_bytes(), broken)  # its hash is right
    with pytest.raises(UpdateRefused):
        measure(broken, TINY, None)


def test_a_child_that_crashes_is_the_versions_fault_and_one_that_is_killed_is_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for signal, error in ((11, UpdateRefused), (9, UpdateFailed)):
        python = tmp_path / f"python-{signal}"
        python.write_text(f"#!/bin/sh\nkill -{signal} $$\n")
        python.chmod(0o755)
        monkeypatch.setattr(measuring.sys, "executable", str(python))
        with pytest.raises(UpdateFailed) as failed:
            measure(SMALL, TINY, None)
        assert type(failed.value) is error


def test_own_pictures_in_class_folders(tmp_path: Path) -> None:
    samples = Path(measuring.__file__).parents[1] / "samples"
    for name, label in (("sneaker", "Sneaker"), ("bag", "Bag"), ("t-shirt-top", "T-shirt_top"), ("coat", "_unsorted")):
        (tmp_path / label).mkdir()
        shutil.copy(samples / f"{name}.png", tmp_path / label)
    (tmp_path / "Bag" / "wrong.png").write_bytes(b"no picture")
    found = measure(SMALL, TINY, tmp_path)
    assert (found.pictures, found.right, found.only_new, found.only_running) == (4, 3, 0, 0)
    with pytest.raises(UpdateFailed, match="there is no picture in it"):
        measure(SMALL, TINY, tmp_path / "Bag")


def test_what_the_child_prints_is_not_believed_blindly() -> None:
    for printed in (b"", b"[]", b"{}", json.dumps({"model": "0", "pictures": 1, "right": 1, "more": 2}).encode()):
        with pytest.raises(UpdateFailed, match="could not be measured"):
            measuring._judged("v2", printed)
