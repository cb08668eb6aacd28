"""Image files become pixels; damaged and hostile ones become errors."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge.errors import ImageUnreadable, SourceDenied, SourceNotFound
from edge.opencv import MAX_PIXELS, cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_FILE_BYTES = 256 << 20
"""No photo is larger; a larger file is a mistake or an attack."""

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".pgm", ".ppm", ".tif", ".tiff"}) | frozenset(
    {".avif", ".heic", ".heif", ".hif"}  # AV1 and HEVC pictures
)
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
"""The same container with another codec: OpenCV reads it."""

_FILL = [128, 128, 128]
_MORE = bytes(range(1, 241, 3))


def read_image(path: str | Path) -> NDArray[np.uint8]:
    """Pixels of an image file: uint8 (H, W, 3) blue green red.

    Raises SourceNotFound, SourceDenied or ImageUnreadable.
    """
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - in a folder of small pictures each step counts
            if os.fstat(file.fileno()).st_size > MAX_FILE_BYTES:
                raise _too_large(str(path))
            content = file.read()  # it makes room for what is there, not for the most that may be
    except FileNotFoundError as error:
        raise SourceNotFound(f"{path}: no such file", "check the path, or quote a glob: '*.png'") from error
    except PermissionError as error:
        raise SourceDenied(f"{path}: permission denied", f"chmod a+r {path}, or run as its owner") from error
    except OSError as error:
        raise ImageUnreadable(f"{path}: {error.strerror}", "check the disk or card it lies on") from error
    return decode_image(content, str(path))


def decode_image(content: bytes, name: str) -> NDArray[np.uint8]:
    """Decode a picture of one of the `readable_formats`: bytes -> uint8 (H, W, 3) blue green red.

    Grey, RGB, RGBA and 16 bit all end as 8-bit colour; what is transparent becomes white, as a shop would show
    it; JPEGs are turned as EXIF says, HEICs as their container does. Raises ImageUnreadable, `name` saying which.
    """
    if not content:
        raise ImageUnreadable(f"{name} is empty (zero bytes)", "was it copied completely?")
    if len(content) > MAX_FILE_BYTES:
        raise _too_large(name)
    if is_heic(content):
        from edge.sources.heic import decode_heic

        return _to_colour(_to_bytes(decode_heic(content, name), name))
    jpeg = content[:2] == b"\xff\xd8"
    if jpeg and not content.endswith(b"\xff\xd9") and content.rfind(b"\xff\xd9") < content.rfind(b"\xff\xda"):
        # No end marker behind the last scan: some decoders fill the rest with grey and call it a success.
        raise ImageUnreadable(f"{name} is a truncated JPEG", "was it copied completely?")
    # IMREAD_UNCHANGED keeps transparency and 16 bit, but ignores EXIF orientation: JPEG has only the latter.
    flags = cv2.IMREAD_COLOR if jpeg else cv2.IMREAD_UNCHANGED
    try:
        raw = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except (cv2.error, MemoryError) as error:
        limit = f"an image may have {MAX_PIXELS // 1_000_000} million pixels"
        raise ImageUnreadable(f"{name} cannot be decoded: too large, or damaged", limit) from error
    if raw is None:
        raise ImageUnreadable(
            f"{name} is not a readable image: damaged, truncated or of an unknown format",
            f"{', '.join(readable_formats())} are read",
        )
    if jpeg and _is_partly_made_up(content, np.asarray(raw, np.uint8)):
        raise ImageUnreadable(f"{name} is a truncated JPEG: its lower part is missing", "was it copied completely?")
    return _to_colour(_to_bytes(np.asarray(raw), name))


def _too_large(name: str) -> ImageUnreadable:
    return ImageUnreadable(f"{name} is larger than {MAX_FILE_BYTES >> 20} MB", "is it a picture at all?")


def _is_partly_made_up(content: bytes, pixels: NDArray[np.uint8]) -> bool:
    """Whether a JPEG's data ends before its picture does, although the end marker is there.

    libjpeg fills the rest with grey, and only prints a warning. So a picture with a corner of just that grey is decoded
    again with more data before the end marker: only where data are missing does that change the picture.
    """
    if not any(pixels[y, x].tolist() == _FILL for y, x in ((-1, -1), (0, 0), (0, -1), (-1, 0))):  # EXIF turns pictures
        return False
    end = content.rfind(b"\xff\xd9")
    longer = np.frombuffer(content[:end] + _MORE + content[end:], np.uint8)
    return not np.array_equal(pixels, np.asarray(cv2.imdecode(longer, cv2.IMREAD_COLOR)))


def is_heic(content: bytes) -> bool:
    """Whether a file says that it is a HEIC picture (ISO/IEC 23008-12): the brands in its first box, ftyp."""
    if content[4:8] != b"ftyp":
        return False
    end = min(int.from_bytes(content[:4], "big"), len(content), 256)
    brands = {content[8:12], *(content[at : at + 4] for at in range(16, end, 4))}
    return content[8:12] in _HEIC_BRANDS and not brands & _AVIF_BRANDS


def readable_formats() -> list[str]:
    """Formats that this installation reads. OpenCV's wheels differ: AVIF and GIF came later than the others."""
    from importlib.util import find_spec

    built_in = cv2.getBuildInformation()
    of_build = ("AVIF", "JPEG 2000", "GIF")
    found = [one for one in of_build if re.search(rf"^ *{one}: +(?!NO\b)\S", built_in, re.MULTILINE)]
    heic = ["HEIC"] if find_spec("pillow_heif") else []
    return ["PNG", "JPEG", "WebP", "BMP", "PNM", "TIFF", *found, *heic]


def _to_bytes(raw: NDArray[np.generic], name: str) -> NDArray[np.uint8]:
    """8 bits a channel; of 16 the upper ones."""
    if raw.dtype == np.uint8:
        return raw.astype(np.uint8, copy=False)
    if raw.dtype == np.uint16:
        return (raw.astype(np.uint16, copy=False) >> 8).astype(np.uint8)
    raise ImageUnreadable(f"{name} holds {raw.dtype} pixels", "save it with 8 or 16 bits a channel")


def _to_colour(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8 (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) -> (H, W, 3); OpenCV gives no two channels."""
    if image.ndim == 2 or image.shape[2] == 1:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), np.uint8)
    if image.shape[2] == 4:
        colour, alpha = image[:, :, :3].astype(np.uint16), image[:, :, 3:].astype(np.uint16)
        return ((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return np.ascontiguousarray(image[:, :, :3])
