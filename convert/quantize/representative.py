"""The user's own calibration pictures: a folder, read with the preprocessing of the device."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.datasets.image_folders import Reading, refuse
from edge.errors import DatasetDamaged, DatasetNotFound, SourceError
from edge.isolation.network_input import is_blank, to_input
from edge.sources.pictures import IMAGE_SUFFIXES, read_image
from edge.spec import ImageSpec

LEAST = 10
"""With fewer, a single picture decides a range."""


@dataclass(frozen=True, slots=True, eq=False)
class Representative:
    """Different pictures of a folder: uint8 (N, height, width) grey, in the order of their hashes, not of their names.

    `sha256` is that of their pixels in this order: another computer that has the same pictures has the same digest.
    """

    images: NDArray[np.uint8]
    sha256: str


def read_representative(folder: Path, image: ImageSpec, reading: Reading) -> Representative:
    """Read all pictures below a folder as the device would see them. Copies count once; hidden files are left alone.

    Raises DatasetNotFound (no such folder) or DatasetDamaged: fewer than 10 pictures, or some that cannot be used, each
    by name, up to 20.
    """
    files = _files(folder)
    pictures: dict[bytes, NDArray[np.uint8]] = {}
    problems: list[str] = []
    for done, path in enumerate(files, 1):
        try:
            picture = to_input(read_image(path), image)
        except SourceError as error:
            problems.append(error.message)
        else:
            if is_blank(picture):
                problems.append(f"{path} is blank: the device gives such a picture no label")
            pictures[hashlib.sha256(picture.tobytes()).digest()] = picture
        reading("representative", done, len(files))
    refuse(problems, "mend or remove these files; `fmnist-edge classify FILE` says more of each")
    if len(pictures) < LEAST:
        raise DatasetDamaged(
            f"{folder} holds {len(pictures)} different pictures, at least {LEAST} are needed to calibrate",
            "give some 200 pictures such as the device will see, or leave --representative away",
        )
    images = np.stack([pictures[digest] for digest in sorted(pictures)])
    return Representative(images, hashlib.sha256(images.tobytes()).hexdigest())


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise DatasetNotFound(f"--representative {folder} {what}", "give a folder of pictures, nested as you like")
    found = []
    try:
        for place, folders, names in os.walk(folder, onerror=_give_up):
            folders[:] = [name for name in folders if not name.startswith(".")]
            found += [Path(place, name) for name in names if not name.startswith(".")]
    except OSError as error:
        raise DatasetNotFound(f"{error.filename}: {error.strerror}", "check the folder's permissions") from error
    return sorted(path for path in found if path.suffix.lower() in IMAGE_SUFFIXES)


def _give_up(error: OSError) -> None:
    """A folder that cannot be listed is not left out silently."""
    raise error
