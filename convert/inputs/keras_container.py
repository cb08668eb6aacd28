"""Look into a Keras file, the zip of today or the older HDF5, without Keras and without running code from it."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from convert.inputs.keras_classes import check_classes
from edge.documents import parse_json, parse_object
from edge.errors import KerasModelUnreadable

CONFIG_NAME = "config.json"
METADATA_NAME = "metadata.json"
WEIGHTS_NAME = "model.weights.h5"
_LARGEST_CONFIG_BYTES = 64 << 20
_HDF5_START = b"\x89HDF\r\n\x1a\n"
_SAVE_HINT = "write it again with model.save('model.keras'), or copy it again"


def inspect(path: Path) -> None:
    """Check what can be checked in milliseconds, without TensorFlow: the container, and layers that run code.

    A .keras file is a zip with checksums; the older .h5 has none.

    Raises KerasModelUnreadable.
    """
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no such file"
        raise KerasModelUnreadable(f"{path}: {what}", "expected a .keras file, as model.save('model.keras') writes")
    try:
        if is_hdf5(path):
            _inspect_hdf5(path)
            return
        with zipfile.ZipFile(path) as archive:
            _inspect_archive(archive, path)
    except OSError as error:
        raise KerasModelUnreadable(f"{path}: {error.strerror or error}", "check the file's permissions") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise _not_a_zip(path, error) from error


def keras_version(path: Path) -> str:
    """The version of Keras that wrote an inspected file; "1" for a file that does not say, as Keras itself takes it."""
    if not is_hdf5(path):
        with zipfile.ZipFile(path) as archive:
            try:
                return str(parse_object(archive.read(METADATA_NAME))["keras_version"])
            except (KeyError, TypeError, ValueError):
                return "3"
    import h5py

    with h5py.File(path) as file:
        version = file.attrs.get("keras_version", "1")
    return version.decode() if isinstance(version, bytes) else str(version)


def read_config(path: Path) -> str:
    """The network of an inspected file, as JSON."""
    if not is_hdf5(path):
        with zipfile.ZipFile(path) as archive:
            return archive.read(CONFIG_NAME).decode()
    import h5py

    with h5py.File(path) as file:
        text = file.attrs["model_config"]
    return text.decode() if isinstance(text, bytes) else str(text)


@contextmanager
def loadable(path: Path) -> Iterator[Path]:
    """A path under which Keras loads an inspected file: itself, or a link or copy that is gone afterwards.

    Keras goes by the name's ending, and Keras 2 wrote HDF5 into files named .keras, too. It writes bfloat16 weights
    into HDF5 as two bytes of nothing in particular, which it cannot read again: in the copy they are float32.
    """
    older = is_hdf5(path)
    with tempfile.TemporaryDirectory(prefix="fmnist-edge-") as folder:
        named = Path(folder) / ("model.h5" if older else "model.keras")
        if older and _has_opaque_weights(path):
            shutil.copyfile(path, named)
            _widen(named)
            yield named
        elif path.suffix in ({".h5", ".hdf5"} if older else {".keras"}):
            yield path
        else:
            named.symlink_to(path.resolve())
            yield named


def _has_opaque_weights(path: Path) -> bool:
    import h5py

    with h5py.File(path) as file:
        return file.visititems(lambda name, item: True if _is_opaque(item) else None) is True


def _is_opaque(item: Any) -> bool:
    return getattr(item, "dtype", None) == "V2"


def _widen(path: Path) -> None:
    """Make float32 of all bfloat16 weights in an HDF5 file."""
    import h5py
    import numpy as np

    with h5py.File(path, "a") as file:
        names: list[str] = []
        file.visititems(lambda name, item: names.append(name) if _is_opaque(item) else None)
        for name in names:
            # A bfloat16 is the upper half of a float32.
            upper = np.asarray(file[name]).view(np.uint16).astype(np.uint32)
            del file[name]
            file[name] = (upper << 16).view(np.float32)


def _inspect_archive(archive: zipfile.ZipFile, path: Path) -> None:
    names = archive.namelist()
    if CONFIG_NAME not in names or WEIGHTS_NAME not in names:
        raise KerasModelUnreadable(f"{path} is a zip, but not a Keras model: its parts are missing", _SAVE_HINT)
    if archive.getinfo(CONFIG_NAME).file_size > _LARGEST_CONFIG_BYTES:
        raise KerasModelUnreadable(f"{path}: its {CONFIG_NAME} is implausibly large", _SAVE_HINT)
    bad = archive.testzip()
    if bad is not None:
        raise KerasModelUnreadable(f"{path} is damaged: {bad} does not match its checksum", _SAVE_HINT)
    try:
        config = parse_json(archive.read(CONFIG_NAME), nan=True)
    except ValueError as error:
        raise KerasModelUnreadable(f"{path}: its {CONFIG_NAME} is not JSON: {error}", _SAVE_HINT) from error
    check_classes(config, path)


def is_hdf5(path: Path) -> bool:
    """Whether a file begins as HDF5 does, whatever it is called."""
    with path.open("rb") as file:
        return file.read(len(_HDF5_START)) == _HDF5_START


def _inspect_hdf5(path: Path) -> None:
    import h5py

    try:
        with h5py.File(path) as file:
            text = file.attrs.get("model_config")
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise KerasModelUnreadable(f"{path} is truncated or damaged: {error}", _SAVE_HINT) from error
    if text is None:
        raise KerasModelUnreadable(
            f"{path} holds weights alone, without the network", "save the whole model: model.save('model.keras')"
        )
    try:
        config = parse_json(text, nan=True)
    except ValueError as error:
        raise KerasModelUnreadable(f"{path}: its model_config is not JSON: {error}", _SAVE_HINT) from error
    check_classes(config, path)


def _not_a_zip(path: Path, error: Exception) -> KerasModelUnreadable:
    with path.open("rb") as file:
        start = file.read(8)
    if start[:4] == b"PK\x03\x04":
        return KerasModelUnreadable(f"{path} is truncated or damaged: {error}", _SAVE_HINT)
    return KerasModelUnreadable(f"{path} is not a Keras file", "expected what model.save('model.keras') writes")
