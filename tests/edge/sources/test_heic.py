"""HEIC pictures, as iPhones take them: upright, of all depths, damaged, too large, and without the extra."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

pytest.importorskip("pillow_heif", reason="the extra heic is not installed")

import pillow_heif

from convert.quantize.representative import read_representative
from edge.cli.app import app
from edge.datasets.image_folders import read_picture_set
from edge.errors import DatasetDamaged, ImageNeedsExtra, ImageUnreadable, SomeInputsFailed
from edge.opencv import cv2
from edge.sources.grammar import parse_sources
from edge.sources.pictures import decode_image, read_image, readable_formats
from edge.spec import ImageSpec
from tests.conftest import Run

SAMPLES = [Path(source.where) for source in parse_sources(["samples:"])]
LEFT_RED = np.zeros((48, 64, 3), np.uint8)
LEFT_RED[:, :32] = (0, 0, 250)  # blue green red


def heic(pixels: NDArray[np.generic], mode: str, **options: object) -> bytes:
    """A lossless HEIC: pixels in the order and depth of a mode of pillow-heif."""
    file = io.BytesIO()
    picture = pillow_heif.from_bytes(mode, pixels.shape[1::-1], np.ascontiguousarray(pixels).tobytes())
    picture.save(file, quality=-1, chroma=444, **options)
    return file.getvalue()


def as_heic(path: Path) -> bytes:
    return heic(cv2.cvtColor(read_image(path), cv2.COLOR_BGR2RGB), "RGB")


def turned_by_exif(orientation: int) -> bytes:
    """The tag in its smallest form (EXIF 2.3, 4.6.4 A)."""
    return b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0" + bytes([orientation]) + b"\0\0\0\0\0\0"


def test_pixels_arrive() -> None:
    seen = decode_image(heic(LEFT_RED[:, :, ::-1], "RGB"), "red.heic")
    assert seen.dtype == np.uint8
    assert np.abs(seen.astype(int) - LEFT_RED).max() <= 4


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1", b"msf1", b"hevc"])
def test_it_is_known_by_its_content(brand: bytes) -> None:
    content = heic(LEFT_RED[:, :, ::-1], "RGB")
    assert decode_image(content[:8] + brand + content[12:], "photo.jpg").shape == (48, 64, 3)


def test_avif_stays_with_opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    if "AVIF" not in readable_formats():
        pytest.skip("this OpenCV reads no AVIF")
    content = cv2.imencode(".avif", LEFT_RED)[1].tobytes()
    assert decode_image(content, "a.avif").shape == (48, 64, 3)
    assert decode_image(content[:8] + b"mif1" + content[12:], "a.avif").shape == (48, 64, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_turned_once(orientation: int) -> None:
    """As a JPEG with the same orientation is: one is turned by OpenCV, the other by its container."""
    jpeg = cv2.imencode(".jpg", LEFT_RED, [cv2.IMWRITE_JPEG_QUALITY, 100])[1].tobytes()
    exif = turned_by_exif(orientation)
    expected = decode_image(jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + jpeg[2:], "jpeg")
    file = io.BytesIO()
    pillow_heif.from_bytes("RGB", (64, 48), LEFT_RED[:, :, ::-1].tobytes()).save(file, quality=-1, exif=exif)
    seen = decode_image(file.getvalue(), "photo.heic")
    assert seen.shape == expected.shape
    assert np.abs(seen.astype(int) - expected).mean() < 3


def test_transparency_is_white() -> None:
    alpha = np.full((48, 64, 1), 255, np.uint8)
    alpha[:24] = 0
    alpha[24, :] = 128
    seen = decode_image(heic(np.dstack([LEFT_RED[:, :, ::-1], alpha]), "RGBA"), "cut-out")
    assert (seen[:24] >= 252).all()
    assert np.abs(seen[25:].astype(int) - LEFT_RED[25:]).max() <= 4
    assert np.abs(seen[24, 0].astype(int) - (127, 127, 252)).max() <= 4


def test_transparency_that_is_multiplied_already() -> None:
    half = np.dstack([LEFT_RED[:, :, ::-1] // 2, np.full((48, 64), 128, np.uint8)])
    seen = decode_image(heic(half, "RGBa"), "cut-out")
    assert np.abs(seen[0, 0].astype(int) - (127, 127, 252)).max() <= 4


@pytest.mark.parametrize("mode", ["RGB;16", "RGBA;16", "L;16"])
def test_ten_bits(mode: str) -> None:
    channels = {"R": 3, "L": 1}[mode[0]] + ("A" in mode)
    deep = np.full((48, 64, channels), 250 * 257, np.uint16)
    deep[:, :32, 0] = 0
    if "A" in mode:
        deep[:, :, 3] = 65535
    seen = decode_image(heic(deep, mode), "deep")
    assert np.abs(seen[10, 50].astype(int) - 250).max() <= 4
    assert np.abs(seen[10, 10].astype(int) - ((250, 250, 0) if channels > 1 else (0, 0, 0))).max() <= 4


def test_grey() -> None:
    seen = decode_image(heic(LEFT_RED[:, :, 2], "L"), "grey")
    assert seen.shape == (48, 64, 3)
    assert np.ptp(seen, axis=2).max() == 0


@pytest.mark.parametrize("kept", [12, 0.1, 0.5, 0.9, 0.99])
def test_a_torn_picture_is_refused(kept: float) -> None:
    content = as_heic(SAMPLES[0])
    with pytest.raises(ImageUnreadable, match="damaged HEIC") as caught:
        decode_image(content[: kept if isinstance(kept, int) else int(len(content) * kept)], "torn")
    assert caught.value.exit_code == 3


def test_no_damage_ends_in_a_traceback() -> None:
    content = heic(LEFT_RED, "RGB")
    generator = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        damaged = bytearray(content)
        for place in generator.integers(12, len(content), 4):
            damaged[place] ^= 1 << generator.integers(8)
        try:
            decode_image(bytes(damaged), "damaged")
        except ImageUnreadable:
            refused += 1
    assert refused > 50


def test_a_picture_that_is_too_large_is_refused_before_it_is_decoded() -> None:
    content = heic(np.zeros((64, 64, 3), np.uint8), "RGB")  # whole blocks: no second box says how much counts
    (place,) = (at for at in range(len(content)) if content[at : at + 4] == b"ispe")
    sides = (8192).to_bytes(4, "big") * 2
    with pytest.raises(ImageUnreadable, match="too large") as caught:
        decode_image(content[: place + 8] + sides + content[place + 16 :], "bomb")
    assert "50 million" in caught.value.hint


def test_the_commands_take_it(tmp_path: Path) -> None:
    (tmp_path / "IMG_0001.HEIC").write_bytes(as_heic(SAMPLES[0]))
    done = CliRunner().invoke(app, ["classify", str(tmp_path)], catch_exceptions=False)
    assert "Ankle boot" in done.stdout
    sheet = tmp_path / "sheet.png"
    arguments = ["explain", str(tmp_path / "IMG_0001.HEIC"), "-o", str(sheet)]
    assert "Ankle boot" in CliRunner().invoke(app, arguments, catch_exceptions=False).stdout
    assert sheet.exists()


def test_folders_take_it(tmp_path: Path) -> None:
    for number, sample in enumerate(SAMPLES):
        (tmp_path / "test" / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
        (tmp_path / "test" / "ab"[number % 2] / f"{sample.stem}.heic").write_bytes(as_heic(sample))
    found = read_picture_set(tmp_path, "test")
    images, labels = found.images, found.labels
    assert (len(images), labels) == (10, ("a", "b"))
    assert len(read_representative(tmp_path, ImageSpec(), lambda *_: None).images) == 10


def test_without_the_extra_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    picture = tmp_path / "IMG_0001.HEIC"
    picture.write_bytes(HEIC_BOOT)
    for command in ("classify", "explain"):
        alone = CliRunner().invoke(app, [command, str(picture)]).exception
        assert isinstance(alone, ImageNeedsExtra)
        assert alone.exit_code == 8
        assert alone.hint == "pip install 'fmnist-edge[heic]'"
    shutil.copy(SAMPLES[0], tmp_path)
    among = CliRunner().invoke(app, ["classify", str(tmp_path)])
    assert isinstance(among.exception, SomeInputsFailed)
    assert "needs the extra heic" in among.stderr
    assert "Ankle boot" in among.stdout
    (tmp_path / "test" / "a").mkdir(parents=True)
    (tmp_path / "test" / "b").mkdir()
    shutil.copy(SAMPLES[0], tmp_path / "test" / "a")
    shutil.copy(picture, tmp_path / "test" / "b")
    with pytest.raises(DatasetDamaged, match="needs the extra heic"):
        read_picture_set(tmp_path, "test")


def test_the_hint_lists_what_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each format that the hint names is read, and none that it leaves out."""
    suffixes = {
        "PNG": ".png",
        "JPEG": ".jpg",
        "WebP": ".webp",
        "BMP": ".bmp",
        "PNM": ".ppm",
        "TIFF": ".tiff",
        "AVIF": ".avif",
        "JPEG 2000": ".jp2",
        "GIF": ".gif",
    }
    formats = readable_formats()
    assert "HEIC" in formats
    for one, suffix in suffixes.items():
        try:
            content = cv2.imencode(suffix, LEFT_RED)[1].tobytes()
        except cv2.error:
            assert one not in formats
        else:
            assert decode_image(content, one).shape == (48, 64, 3)
            assert one in formats
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    assert "HEIC" not in readable_formats()
    with pytest.raises(ImageUnreadable) as caught:
        decode_image(b"no picture", "x")
    assert caught.value.hint == f"{', '.join(readable_formats())} are read"


@pytest.mark.subprocess
def test_it_loads_only_when_such_a_picture_comes(fmnist_edge: Run) -> None:
    done = fmnist_edge("classify", SAMPLES[0], env={"PYTHONVERBOSE": "1"})
    assert done.returncode == 0
    assert "import 'edge.sources.pictures'" in done.stderr
    assert "pillow_heif" not in done.stderr
    assert "edge.sources.heic" not in done.stderr


HEIC_BOOT = as_heic(SAMPLES[0])
