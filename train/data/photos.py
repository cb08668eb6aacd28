"""Read one's own photos: a folder for each class, what the folders mean, and what the device sees of each photo."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.choices import DEFAULT_VIEWS
from edge.datasets.image_folders import UNKNOWN, UNSORTED
from edge.documents import parse_json, read_limited
from edge.errors import DatasetDamaged, DatasetNotFound, SourceError
from edge.isolation.garment import Garment, find_garment
from edge.isolation.network_input import see
from edge.isolation.rendering import render_views
from edge.isolation.scene import Scene
from edge.opencv import cv2
from edge.sources.pictures import IMAGE_SUFFIXES, read_image
from edge.spec import ImageSpec
from train.augment.night import in_grey, night_frame

NAMED = 10
"""Number of bad files named in a message."""

PLAIN = ImageSpec()
"""Fashion-MNIST's own size."""

Reading = Callable[[str, int, int], None]
"""Told what is read, how many photos are done and how many there are in all."""


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """A photo as the networks see it.

    `variants` uint8 (V, pixels, pixels): the garment cut out by masks that differ a little; `views` uint8 (N, pixels,
    pixels): what the device averages over; `folder` is its class folder, `path` its file, as seen from the folder of
    photos. Where not `shows_garment`, the device sees something, but rather a part of the ground or what the frame cuts
    off. `grey_variants`: of the photo without colours, and as a night camera's frame; none where it was not asked for.
    """

    variants: NDArray[np.uint8]
    views: NDArray[np.uint8]
    folder: str
    path: str = ""
    shows_garment: bool = True
    grey_variants: tuple[NDArray[np.uint8], ...] = ()

    def variants_in(self, generator: np.random.Generator, grey: bool) -> NDArray[np.uint8]:
        """Those in colour, or of one of the pictures without, where there are any: uint8 (V, pixels, pixels)."""
        if not grey or not self.grey_variants:
            return self.variants
        return self.grey_variants[int(generator.integers(len(self.grey_variants)))]


@dataclass(frozen=True, slots=True, eq=False)
class Photos:
    """Photos, and for each which classes count as right: bool (N, classes), none of them for what is unknown."""

    photos: tuple[Photo, ...]
    classes: NDArray[np.bool_]
    sha256: str
    """Of all variants and classes: identifies the data."""
    left_out: tuple[str, ...] = ()
    """Files of garments in which the device finds nothing."""

    def __len__(self) -> int:
        return len(self.photos)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which photos show one of the classes: bool (N,)."""
        return np.asarray(self.classes.any(axis=1), np.bool_)

    @property
    def folders(self) -> tuple[str, ...]:
        """The class folders, sorted."""
        return tuple(sorted({photo.folder for photo in self.photos}))

    @property
    def image(self) -> ImageSpec:
        """The size in which the photos are seen."""
        return ImageSpec(*self.photos[0].views.shape[1:]) if self.photos else PLAIN

    @property
    def views(self) -> NDArray[np.uint8]:
        """What the device averages over, of all: uint8 (N, views, pixels, pixels); of fewer, the first are repeated."""
        most = max((len(photo.views) for photo in self.photos), default=0)
        views = [np.resize(photo.views, (most, *photo.views.shape[1:])) for photo in self.photos]
        return np.stack(views) if views else np.zeros((0, 0, self.image.height, self.image.width), np.uint8)

    def subset(self, chosen: NDArray[np.intp]) -> Photos:
        """Some of the photos."""
        return gathered([self.photos[number] for number in chosen], self.classes[chosen])

    def split(self, held_out: float) -> tuple[Photos, Photos]:
        """Two parts, (to train on, held out): of every folder this share, at least one where it has two or more.

        A photo's content decides, so neither a new name nor a new neighbour moves it often.
        """
        digests = [hashlib.sha256(photo.variants.tobytes()).digest() for photo in self.photos]
        chosen = np.zeros(len(self), np.bool_)
        for folder in self.folders:
            members = [number for number, photo in enumerate(self.photos) if photo.folder == folder]
            count = min(len(members) - 1, max(1, round(held_out * len(members)))) if held_out else 0
            for number in sorted(members, key=lambda member: digests[member])[:count]:
                chosen[number] = True
        return self.subset(np.flatnonzero(~chosen)), self.subset(np.flatnonzero(chosen))


def gathered(photos: Sequence[Photo], classes: NDArray[np.bool_]) -> Photos:
    """Photos with their classes bool (N, classes)."""
    digest = hashlib.sha256(np.ascontiguousarray(classes).tobytes())
    for photo in photos:
        digest.update(photo.variants.tobytes())
    return Photos(tuple(photos), classes, digest.hexdigest())


def read_photos(
    folder: Path,
    labels: Sequence[str],
    meaning: Path | None = None,
    reading: Reading | None = None,
    *,
    image: ImageSpec = PLAIN,
    grey: bool = False,
) -> Photos:
    """Read FOLDER/CLASS/*.jpg. A class folder is named as a label, or `meaning` says what it stands for.

    They are seen as a network of `image` sees them; `grey`: without colours, too, which takes three times as long.

    `_unknown` holds what is of no class; `_unsorted`, where `classify --keep` puts what nobody has looked at, is passed
    over. Photos in which no garment is found are left out. Raises DatasetNotFound and DatasetDamaged, which name what
    is at fault.
    """
    if not folder.is_dir():
        raise DatasetNotFound(f"{folder} is no folder", "photos lie in a folder for each class: DIR/CLASS/*.jpg")
    meanings = read_meaning(meaning) if meaning is not None else {}
    found: list[Photo] = []
    classes: list[NDArray[np.bool_]] = []
    left_out: list[str] = []
    problems: list[str] = []
    files = [(path, name) for name in _class_folders(folder) for path in _pictures(folder / name)]
    rows = {name: classes_of(name, meanings, labels) for name in sorted({name for _, name in files})}
    for done, (path, name) in enumerate(files, 1):
        try:
            photo = see_photo(read_image(path), name, path.relative_to(folder).as_posix(), image, grey=grey)
        except SourceError as error:
            problems.append(error.message)
            continue
        finally:
            if reading is not None:
                reading("photos", done, len(files))
        if photo is None and rows[name].any():
            left_out.append(path.relative_to(folder).as_posix())
        if photo is not None:
            found.append(photo)
            classes.append(rows[name])
    if problems:
        more = f"\n... and {len(problems) - NAMED} more" if len(problems) > NAMED else ""
        raise DatasetDamaged("\n".join(problems[:NAMED]) + more, "mend or remove these files")
    if not any(row.any() for row in classes):
        raise DatasetDamaged(
            f"{folder} holds no photo of a garment",
            f"DIR/CLASS/*.jpg, CLASS one of: {', '.join(labels)}; or --map FILE",
        )
    return replace(gathered(found, np.stack(classes)), left_out=tuple(left_out))


def see_photo(
    pixels: NDArray[np.uint8], folder: str, path: str = "", image: ImageSpec = PLAIN, *, grey: bool = False
) -> Photo | None:
    """What the device sees of a photo: uint8 (H, W, 3) blue green red. None where it finds nothing.

    The views are those of the device, made by the same function, of the torso too where somebody wears the garment.
    """
    seen = see(pixels, image, DEFAULT_VIEWS)
    if not len(seen.pictures):
        return None
    if seen.garment is None:
        return Photo(seen.pictures, seen.pictures, folder, path)
    without_colours: list[NDArray[np.uint8]] = []
    if grey:
        by_night = night_frame(pixels, np.random.default_rng(zlib.crc32(pixels.tobytes())))
        found = (find_garment(frame) for frame in (in_grey(pixels), by_night))
        without_colours = [_variants(garment, image) for garment in found if garment.masks]
    shown = seen.garment.scene is Scene.GARMENT
    return Photo(_variants(seen.garment, image), seen.pictures, folder, path, shown, tuple(without_colours))


def seen_again(photos: Photos, folder: Path, image: ImageSpec) -> Photos:
    """The same photos of a folder as a network of another size sees them.

    What was taken for a ready picture in one size may show nothing in the other: it is left out.
    """
    if image == photos.image:
        return photos
    seen = [see_photo(read_image(folder / photo.path), photo.folder, photo.path, image) for photo in photos.photos]
    found = np.array([photo is not None for photo in seen], np.bool_)
    return gathered([photo for photo in seen if photo is not None], photos.classes[found])


def read_meaning(path: Path) -> dict[str, tuple[str, ...]]:
    """A JSON object: folder -> label, list of labels that all count as right, or "_unknown".

    Raises DatasetNotFound or DatasetDamaged.
    """
    hint = '{"pants": "Trouser", "shoes": ["Sandal", "Sneaker", "Ankle boot"], "hats": "_unknown"}'
    try:
        content = parse_json(read_limited(path))
    except OSError as error:
        raise DatasetNotFound(f"{path}: {error.strerror}", f"--map FILE holds, for example, {hint}") from error
    except ValueError as error:
        raise DatasetDamaged(f"{path} is not JSON: {error}", f"for example {hint}") from error
    if not isinstance(content, dict):
        raise DatasetDamaged(f"{path} is no JSON object", f"for example {hint}")
    meanings = {}
    for name, value in content.items():
        labels = (value,) if isinstance(value, str) else value
        if not isinstance(labels, list | tuple) or not labels or not all(isinstance(one, str) for one in labels):
            raise DatasetDamaged(f"{path}: {name!r} stands for {value!r}", f"for example {hint}")
        meanings[name] = tuple(labels)
    return meanings


def label_number(name: str, labels: Sequence[str]) -> int | None:
    """The label that a name means: the same letters and digits, or the beginning of one label alone; or None."""
    wanted = _letters(name)
    spelt = [_letters(label) for label in labels]
    if wanted in spelt:
        return spelt.index(wanted)
    begun = [number for number, label in enumerate(spelt) if wanted and label.startswith(wanted)]
    return begun[0] if len(begun) == 1 else None


def classes_of(folder: str, meanings: dict[str, tuple[str, ...]], labels: Sequence[str]) -> NDArray[np.bool_]:
    """Which classes a folder stands for, bool (classes,): none of them for what is unknown. Raises DatasetDamaged."""
    row = np.zeros(len(labels), np.bool_)
    names = meanings.get(folder, (folder,))
    if names == (UNKNOWN,):
        return row
    for name in names:
        number = label_number(name, labels)
        if number is None:
            raise DatasetDamaged(
                f"the folder {folder} stands for {name!r}, which is no label of the model ({', '.join(labels)})",
                f'rename it, or say what it is: --map FILE with {{"{folder}": "{labels[0]}"}} or "{UNKNOWN}"',
            )
        row[number] = True
    return row


def _variants(garment: Garment, image: ImageSpec) -> NDArray[np.uint8]:
    """A garment cut out by each of its masks: uint8 (V, pixels, pixels)."""
    views = [render_views(garment.grey, (mask,), image.height, image.width, 1) for mask in _masks(garment)]
    return np.concatenate(views)


def _masks(garment: Garment) -> list[NDArray[np.bool_]]:
    """The garment's masks, the torso's, and the first one a pixel wider and a pixel narrower."""
    first = garment.masks[0].astype(np.uint8)
    square = np.ones((3, 3), np.uint8)
    others = [np.asarray(how(first, square), np.uint8) > 0 for how in (cv2.dilate, cv2.erode)]
    torso = [] if garment.torso is None else [garment.torso]
    return [*garment.masks, *torso, *(mask for mask in others if mask.any())]


def _class_folders(folder: Path) -> list[str]:
    return sorted(
        path.name
        for path in folder.iterdir()
        if path.is_dir() and not path.name.startswith(".") and path.name != UNSORTED
    )


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)


def _letters(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
