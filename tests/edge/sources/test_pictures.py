"""Every kind of picture becomes colour bytes; every kind of damage becomes a clear error."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from edge.errors import ImageUnreadable, SourceDenied, SourceNotFound
from edge.opencv import MAX_PIXELS, cv2
from edge.sources import pictures
from edge.sources.pictures import decode_image, read_image

PHOTO = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
SMOOTH = cv2.GaussianBlur(PHOTO, (9, 9), 0)


def encoded(suffix: str, image: np.ndarray) -> bytes:
    return cv2.imencode(suffix, image)[1].tobytes()


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".ppm", ".tiff"])
def test_lossless_colour_comes_back_as_it_was(suffix: str) -> None:
    np.testing.assert_array_equal(decode_image(encoded(suffix, PHOTO), "photo"), PHOTO)


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_lossy_colour_comes_back_in_the_right_channel_order(suffix: str) -> None:
    blue = np.zeros((32, 32, 3), np.uint8)
    blue[:, :, 0] = 200
    mean = decode_image(encoded(suffix, blue), "blue").mean(axis=(0, 1))
    assert mean[0] > 180
    assert mean[2] < 20


@pytest.mark.parametrize("suffix", [".png", ".pgm", ".bmp"])
def test_grey_is_repeated_in_three_channels(suffix: str) -> None:
    grey = PHOTO[:, :, 0]
    image = decode_image(encoded(suffix, grey), "grey")
    for channel in range(3):
        np.testing.assert_array_equal(image[:, :, channel], grey)


def test_sixteen_bits_keep_the_upper_eight() -> None:
    deep = PHOTO.astype(np.uint16) * 256 + 77
    np.testing.assert_array_equal(decode_image(encoded(".png", deep), "deep"), PHOTO)


def test_what_is_transparent_becomes_white() -> None:
    rgba = np.dstack([PHOTO, np.full(PHOTO.shape[:2], 255, np.uint8)])
    rgba[:10, :, 3] = 0
    image = decode_image(encoded(".png", rgba), "cut-out")
    assert (image[:10] == 255).all()
    np.testing.assert_array_equal(image[10:], PHOTO[10:])


def test_a_jpeg_is_turned_as_its_exif_says() -> None:
    jpeg = encoded(".jpg", SMOOTH)
    orientation = b"II*\x00\x08\x00\x00\x00\x01\x00" + struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0) + b"\x00" * 4
    exif = b"Exif\x00\x00" + orientation
    turned = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]
    assert decode_image(jpeg, "plain").shape == (48, 64, 3)
    assert decode_image(turned, "turned").shape == (64, 48, 3)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".bmp", ".tiff"])
@pytest.mark.parametrize("kept", [0.05, 0.5, 0.9, 0.99])
def test_a_truncated_picture_is_never_taken_for_a_good_one(suffix: str, kept: float) -> None:
    large = cv2.resize(SMOOTH, (640, 480))
    content = encoded(suffix, large)
    with pytest.raises(ImageUnreadable, match="holiday"):
        decode_image(content[: int(len(content) * kept)], "holiday")


def test_a_truncated_progressive_jpeg_is_noticed() -> None:
    content = cv2.imencode(".jpg", cv2.resize(SMOOTH, (640, 480)), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    decode_image(content, "whole")
    with pytest.raises(ImageUnreadable, match="truncated"):
        decode_image(content[: len(content) * 3 // 4], "torn")


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("options", [[], [cv2.IMWRITE_JPEG_RST_INTERVAL, 40]], ids=["plain", "restarts"])
@pytest.mark.parametrize("turn", [1, 3, 6, 8])
def test_a_jpeg_whose_lower_part_is_missing_is_noticed_despite_its_end_marker(
    kept: float, options: list[int], turn: int
) -> None:
    """libjpeg fills the rest with grey and calls it a success."""
    content = cv2.imencode(".jpg", cv2.resize(PHOTO, (640, 480)), options)[1].tobytes()
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0" + bytes([turn, 0, 0, 0]) + bytes(4)
    content = content[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + content[2:]
    decode_image(content, "whole")
    with pytest.raises(ImageUnreadable, match="its lower part is missing"):
        decode_image(content[: int(len(content) * kept)] + b"\xff\xd9", "torn")


@pytest.mark.parametrize("options", [[], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1], [cv2.IMWRITE_JPEG_RST_INTERVAL, 4]])
def test_a_jpeg_of_just_that_grey_is_whole(options: list[int]) -> None:
    grey = np.full((120, 160, 3), 128, np.uint8)
    for picture in (grey, cv2.circle(grey.copy(), (80, 60), 30, (10, 200, 90), -1)):
        content = cv2.imencode(".jpg", picture, options)[1].tobytes()
        assert (decode_image(content, "wall")[0, 0] == 128).all()
        decode_image(content + b"\0" * 9, "wall, padded")


def png_of_claimed_size(width: int, height: int) -> bytes:
    """A valid PNG of a few bytes whose header claims any size: a decompression bomb."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\x00" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_a_decompression_bomb_is_refused_by_its_header() -> None:
    side = int(MAX_PIXELS**0.5) + 1
    with pytest.raises(ImageUnreadable, match="bomb"):
        decode_image(png_of_claimed_size(side, side), "bomb")


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty"), (b"hello, I am a text file\n", "not a readable image"), (b"\x89PNG\r\n\x1a\n", "not a readable")],
)
def test_what_is_no_picture_says_so(content: bytes, reason: str) -> None:
    with pytest.raises(ImageUnreadable, match=reason):
        decode_image(content, "thing.png")


def test_float_pixels_are_refused() -> None:
    with pytest.raises(ImageUnreadable, match="float32"):
        decode_image(encoded(".tiff", PHOTO.astype(np.float32)), "hdr.tiff")


def test_missing_and_forbidden_files_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceNotFound):
        read_image(tmp_path / "nowhere.png")

    def deny(*_arguments: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(pictures, "open", deny, raising=False)  # root may read all, whatever chmod says
    with pytest.raises(SourceDenied, match="permission denied"):
        read_image(tmp_path / "secret.png")


def test_a_directory_in_place_of_a_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ImageUnreadable, match="directory"):
        read_image(tmp_path)
