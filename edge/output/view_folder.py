"""A folder of sheets, one for each classified frame: what the network saw (edge/output/view_sheet.py)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import OutputFailed
from edge.isolation.network_input import see
from edge.opencv import cv2
from edge.output.view_sheet import draw_sheet

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge.frame import Frame, Prediction
    from edge.inference.classifier import FrameClassifier


def saved(
    pairs: Iterable[tuple[Frame, Prediction]], classifier: FrameClassifier, folder: Path
) -> Iterator[tuple[Frame, Prediction]]:
    """Pass pairs on, each drawn into `folder` first, which is made. Raises OutputFailed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputFailed(f"cannot make {folder}: {error.strerror}", "choose another --save-view") from error
    for number, (frame, prediction) in enumerate(pairs):
        seen = see(frame.pixels, classifier.image, classifier.views)
        write_picture(draw_sheet(frame, seen, prediction), folder / f"{number:06d}-{_plain(frame.source)}.png")
        yield frame, prediction


def write_picture(pixels: NDArray[np.uint8], path: Path) -> None:
    """Write a PNG, whole or not at all: uint8 (H, W, 3) blue green red. Raises OutputFailed."""
    partial = path.with_name(path.name + ".partial")
    try:
        _, content = cv2.imencode(".png", pixels)
        partial.write_bytes(content.tobytes())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OutputFailed(f"cannot write {path}: {error.strerror}", "make room, or choose another place") from error


def _plain(source: str) -> str:
    """The end of a source's name, as a file may be called."""
    return re.sub(r"[^A-Za-z0-9.-]+", "_", Path(source).stem)[-60:].strip("_") or "frame"
