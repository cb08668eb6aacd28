"""Pictures of one's own calibrate as the device sees them; what cannot is named."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from convert.quantize.calibration import choose
from convert.quantize.representative import read_representative
from edge.datasets.dataset import Dataset
from edge.errors import BadOption, DatasetDamaged, DatasetNotFound
from edge.inference.model_file import read_model
from edge.isolation.network_input import to_input
from edge.opencv import cv2
from edge.sources.pictures import read_image
from edge.spec import ImageSpec

if TYPE_CHECKING:
    from tests.conftest import Sample
    from tests.convert.conftest import Converted, Quantize


def read(folder: Path) -> np.ndarray:
    return read_representative(folder, ImageSpec(), lambda *_: None).images


@pytest.fixture
def photos(tmp_path: Path, sample: Sample) -> Path:
    """Thirty garments, four times as large, nested, of several kinds of file."""
    folder = tmp_path / "photos"
    for number, picture in enumerate(sample.images[::34][:30]):
        place = folder / ("deep/er" if number % 2 else "") / str(number % 3)
        place.mkdir(parents=True, exist_ok=True)
        large = cv2.resize(picture, (112, 112), interpolation=cv2.INTER_NEAREST)
        assert cv2.imwrite(str(place / f"{number}.{'bmp' if number % 5 == 0 else 'PNG'}"), large)
    return folder


def test_they_are_what_the_device_sees(photos: Path, sample: Sample) -> None:
    """Enlarged ones come back exactly; a photograph on white is what the garment in it is drawn as."""
    shown = read_image(photos / "0" / "0.bmp")
    assert cv2.imwrite(str(photos / "white.jpg"), 255 - shown // 2)
    seen = to_input(read_image(photos / "white.jpg"), ImageSpec())
    expected = {picture.tobytes() for picture in sample.images[::34][:30]} | {seen.tobytes()}
    assert {picture.tobytes() for picture in read(photos)} == expected
    assert seen[:2].max() < 128


def test_names_and_places_do_not_matter(photos: Path, tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for number, path in enumerate(sorted(photos.rglob("*.*"), reverse=True)):
        shutil.copy(path, flat / f"{number:03}{path.suffix.lower()}")
        shutil.copy(path, flat / f"again {number:03}{path.suffix}")
    (flat / ".hidden.png").write_bytes(b"nothing")
    (flat / "notes.txt").write_text("no picture, and no harm")
    one, other = (read_representative(folder, ImageSpec(), lambda *_: None) for folder in (photos, flat))
    assert one.sha256 == other.sha256 == hashlib.sha256(one.images.tobytes()).hexdigest()
    np.testing.assert_array_equal(one.images, other.images)


def test_a_conversion_states_them_and_uses_them(
    photos: Path, converted: Converted, quantize: Quantize, tmp_path: Path
) -> None:
    dim = tmp_path / "dim"
    dim.mkdir()
    for number, picture in enumerate(read(photos)):
        assert cv2.imwrite(str(dim / f"{number}.png"), picture // 4 + 3)
    reports = {}
    for folder in (photos, dim):
        output = tmp_path / f"{folder.name}.tflite"
        result = quantize(converted.keras, "--representative", folder, "-o", output, "--max-drop", 100)
        assert result.exception is None, result.exception
        assert "calibrated on your own pictures: 30 different ones" in result.stdout
        report = json.loads(output.with_name(f"{folder.name}.report.json").read_text("utf-8"))
        assert f"--representative {folder.name} " in report["command"]
        assert str(tmp_path) not in json.dumps(report)
        stated = report["manifest"]["provenance"]["calibration"]
        assert stated["images"] == 30
        assert stated["representative"] == {
            "images": 30,
            "sha256": read_representative(folder, ImageSpec(), lambda *_: None).sha256,
        }
        assert report["search"]["scored_images"] == 2000
        reports[folder.name] = report
    # From dim pictures follow ranges that real ones leave: saturation shows that these pictures calibrated.
    saturated = {name: max(layer["saturated"] for layer in one["layers"]) for name, one in reports.items()}
    assert saturated["dim"] > 0.1 > saturated["photos"]
    assert read_model(str(tmp_path / "photos.tflite")).flatbuffer != read_model(str(converted.model)).flatbuffer


def test_the_first_pictures_of_a_shuffle_are_used(training: Dataset) -> None:
    own = np.arange(40, dtype=np.uint8).repeat(784).reshape(40, 28, 28)
    some, scored = choose(training, 2000, 15, 3, own)
    again, _ = choose(training, 2000, 15, 3, own)
    other, _ = choose(training, 2000, 15, 4, own)
    np.testing.assert_array_equal(some, again)
    assert not np.array_equal(some, other)
    assert len(set(some[:, 0, 0])) == 15
    assert len(scored) == 2000
    assert len(choose(training, 2000, None, 0, own)[0]) == 40
    with pytest.raises(BadOption, match="--representative holds 40 different ones"):
        choose(training, 2000, 41, 0, own)


def test_test_pictures_among_them_are_told(
    converted: Converted, quantize: Quantize, tmp_path: Path, sample: Sample
) -> None:
    for number, picture in enumerate(sample.images[:12]):
        assert cv2.imwrite(str(tmp_path / f"{number}.png"), picture)
    result = quantize(converted.keras, "--representative", tmp_path, "-o", tmp_path / "x.tflite", "--max-drop", 100)
    assert result.exception is None, result.exception
    assert "note: 12 of them are test pictures" in result.stdout


def test_bad_folders_and_files_are_named(
    photos: Path, converted: Converted, quantize: Quantize, tmp_path: Path
) -> None:
    with pytest.raises(DatasetNotFound, match="does not exist"):
        read(tmp_path / "absent")
    with pytest.raises(DatasetNotFound, match="is a file"):
        read(converted.keras)
    (photos / "deep" / "torn.png").write_bytes((photos / "1" / "4.PNG").read_bytes()[:60])
    assert cv2.imwrite(str(photos / "white.png"), np.full((50, 50, 3), 255, np.uint8))
    with pytest.raises(DatasetDamaged) as caught:
        read(photos)
    assert "deep/torn.png" in caught.value.message and "white.png is blank" in caught.value.message
    few = tmp_path / "few"
    few.mkdir()
    for number in range(3):
        shutil.copy(photos / "1" / "4.PNG", few / f"{number}.png")
    result = quantize(converted.keras, "--representative", few, "-o", tmp_path / "x.tflite")
    assert isinstance(result.exception, DatasetDamaged)
    assert "holds 1 different pictures, at least 10" in result.exception.message
    assert not (tmp_path / "x.tflite").exists()
    result = quantize(converted.keras, "--representative", photos, "--scheme", "float16", "-o", tmp_path / "x.tflite")
    assert isinstance(result.exception, BadOption)
    assert "uses no calibration pictures" in result.exception.message
