"""A folder of versions of a model: which file of it runs.

    models/camera-1.tflite  models/camera-2.tflite  models/current -> camera-1.tflite

The link `current` says it. Without that link it is the highest version: names are compared as people count, so
camera-10 comes after camera-9. Hidden files and other endings than .tflite do not count.
"""

from __future__ import annotations

import re
from pathlib import Path

from edge.errors import ModelNotFound

CURRENT = "current"
PREVIOUS = "previous"
"""The link to what `current` led to before."""

SUFFIX = ".tflite"


def versions(folder: Path) -> list[Path]:
    """The model files in a folder, the lowest version first. Raises ModelNotFound."""
    try:
        found = [path for path in folder.iterdir() if path.suffix == SUFFIX and not path.name.startswith(".")]
    except OSError as error:
        raise ModelNotFound(f"{folder}: {error.strerror}", "check the path and its permissions") from error
    return sorted((path for path in found if path.is_file()), key=lambda path: (version_key(path.stem), path.name))


def version_in_use(folder: Path) -> Path:
    """The model file of a folder that runs: where `current` leads, else the highest version. Raises ModelNotFound."""
    if (folder / CURRENT).is_symlink():
        return followed(folder / CURRENT)
    found = versions(folder)
    if not found:
        raise ModelNotFound(f"{folder} has no model in it", f"put a {SUFFIX} file there, or name one")
    return found[-1]


def followed(link: Path) -> Path:
    """Where a link leads, which must be a file; one step only, so that names stay as people know them.

    Raises ModelNotFound.
    """
    try:
        target = link.parent / link.readlink()
        if target.is_file():
            return target
    except OSError as error:
        raise ModelNotFound(f"{link}: {error.strerror}", "check the path and its permissions") from error
    raise ModelNotFound(f"{link} leads to {target}, which is no file", "fmnist-edge models use FOLDER VERSION")


def version_key(stem: str) -> tuple[tuple[bool, int, str], ...]:
    """A name in pieces that compare as people count: digits by their number, before letters."""
    pieces = re.findall(r"[0-9]+|[^0-9]+", stem)
    return tuple((False, int(piece), "") if piece[0] in "0123456789" else (True, 0, piece) for piece in pieces)
