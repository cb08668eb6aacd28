"""What a backbone starts from: a file's weights, or ImageNet's, which keras.applications fetches."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.errors import BadOption, DownloadFailed, TrainingFailed

SUFFIXES = (".weights.h5", ".keras", ".h5")
"""Keras' weights, Keras' whole models, and the older HDF5, in which the ImageNet weights come."""

TIMEOUT_S = 30.0


def weights_identity(file: Path | None, expected: str | None, hint: str) -> str | None:
    """SHA-256 of the weights file, None without one; reads 100 MB in a tenth of a second, and no Keras.

    Raises BadOption if the file is not there (with the `hint`), has no suffix that Keras knows, or is not the
    `expected` one.
    """
    if file is None:
        if expected:
            raise BadOption("--weights-sha256 is for a --weights FILE", "Keras checks the ImageNet weights itself")
        return None
    if not file.name.endswith(SUFFIXES):
        raise BadOption(
            f"--weights {file}: expected imagenet, none or a file named *{', *'.join(SUFFIXES)}",
            "Keras tells the formats apart by the name",
        )
    try:
        with file.open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise BadOption(f"--weights {file}: {error.strerror or error}", hint) from error
    if expected not in (None, found):
        raise BadOption(f"{file} has the SHA-256 {found}, expected {expected}", "give the file that was meant")
    return found


def fetch_imagenet(build: Callable[[], Any], hint: str) -> Any:
    """What `build` makes with the weights that keras.applications fetches.

    Raises DownloadFailed, with the `hint`, if they cannot be had.
    """
    waiting_s = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT_S)  # Keras would wait for a silent server for ever
    try:
        with contextlib.redirect_stdout(sys.stderr):  # Keras' progress; stdout is for the result
            return build()
    # Keras raises a plain Exception for what the network did, ValueError for a wrong checksum, OSError for the disk.
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise DownloadFailed(f"the ImageNet weights could not be had: {reason}", hint) from error
    finally:
        socket.setdefaulttimeout(waiting_s)


def read_weights(backbone: Any, file: Path, what: str, hint: str) -> Any:
    """The backbone with the weights of a file: of the backbone itself, or of a .keras model that has it inside.

    Raises TrainingFailed, which says that the file does not hold weights of `what`.
    """
    import keras
    import numpy as np

    try:
        if file.suffix == ".keras":
            whole = keras.saving.load_model(file, compile=False, safe_mode=True)
            backbone.set_weights(_inside(whole, backbone, what).get_weights())
        else:
            backbone.load_weights(file)
    # Keras and h5py let through whatever a damaged file or another network leads them to.
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise TrainingFailed(f"{file} does not hold weights of {what}: {reason}", hint) from error
    for weight in backbone.weights:
        if not np.isfinite(np.asarray(weight)).all():
            raise TrainingFailed(f"{file}: the weights of {weight.path} hold NaN or infinity", "use another file")
    return backbone


def _inside(model: Any, backbone: Any, what: str) -> Any:
    """The network with the backbone's weights that `model` is or has inside; raises ValueError.

    Their shapes tell it: names are numbered anew in each process.
    """
    wanted = _shapes(backbone)
    inside = [model]
    while inside:
        candidate = inside.pop()
        if _shapes(candidate) == wanted:
            return candidate
        inside.extend(getattr(candidate, "layers", []))
    raise ValueError(f"the model {model.name!r} has no {what} inside")


def _shapes(model: Any) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in model.weights]
