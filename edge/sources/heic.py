"""HEIC pictures, as iPhones take them: pixels through pillow-heif, which loads only when such a picture comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.errors import ImageNeedsExtra, ImageUnreadable
from edge.opencv import MAX_PIXELS

if TYPE_CHECKING:
    from numpy.typing import NDArray


def decode_heic(content: bytes, name: str) -> NDArray[np.generic]:
    """Decode a HEIC picture, turned upright: uint8 (H, W, 3) blue green red, or (H, W, 4) with transparency.

    A grey one is uint8 or uint16 (H, W). Of a colour's 10 or 12 bits the upper 8 are taken. The container
    states how the picture is turned; EXIF, which phones write beside it, says the same again and is not applied.
    Raises ImageNeedsExtra or ImageUnreadable.
    """
    try:
        from pillow_heif import open_heif
    except ImportError as error:
        raise ImageNeedsExtra(
            f"{name} is a HEIC picture, which needs the extra heic", "pip install 'fmnist-edge[heic]'"
        ) from error
    try:
        picture = open_heif(content, convert_hdr_to_8bit=True, bgr_mode=True)
        width, height = picture.size
        if width * height > MAX_PIXELS:
            raise ImageUnreadable(
                f"{name} is too large: {width} x {height}",
                f"an image may have {MAX_PIXELS // 1_000_000} million pixels",
            )
        pixels: NDArray[np.generic] = np.asarray(picture)
    except ImageUnreadable:
        raise
    except Exception as error:  # whatever the parser and Pillow met: ValueError, EOFError, IndexError, SyntaxError ...
        raise ImageUnreadable(f"{name} is a damaged HEIC picture", "was it copied completely?") from error
    if picture.mode == "BGRa":  # multiplied by its transparency already
        white = pixels[:, :, :3].astype(np.uint16) + (255 - pixels[:, :, 3:].astype(np.uint16))
        laid_on_white: NDArray[np.uint8] = np.minimum(white, 255).astype(np.uint8)
        return laid_on_white
    return pixels
