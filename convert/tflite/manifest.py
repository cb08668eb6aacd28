"""The manifest, and the zip with it and the labels that is appended to the flatbuffer."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import zipfile
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from convert.settings import Settings
from edge.inference.accuracy import Evaluation, PairedAccuracy
from edge.inference.model_file import LABELS_NAME, MANIFEST_NAME, MANIFEST_VERSION
from edge.printable import printable_json
from edge.spec import SURE, Framing, ImageSpec, ScoreCalibration

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The zip format's first moment: the same input must give the same bytes, so no time of day goes in."""


SLICES_NAME = "slices.json"
"""What a model card says kind by kind of picture. As a part of the manifest it would cost each start 0.1 ms."""


def attach(flatbuffer: bytes, manifest: Mapping[str, Any], slices: Mapping[str, Any] | None = None) -> bytes:
    """A model file: the flatbuffer, then a stored zip of labels.txt and manifest.json, as the device reads it.

    `slices`, where there are any, become one more member, which only those look at who write the model's card.
    """
    texts = {LABELS_NAME: "\n".join(manifest["labels"]) + "\n", MANIFEST_NAME: _json(manifest)}
    if slices is not None:
        texts[SLICES_NAME] = _json(slices)
    return flatbuffer + zipped({name: text.encode() for name, text in texts.items()})


def _json(value: Mapping[str, Any]) -> str:
    return printable_json(json.dumps(value, separators=(",", ":"), ensure_ascii=False)) + "\n"


def zipped(members: Mapping[str, bytes]) -> bytes:
    """A stored zip of files, whose bytes depend on theirs alone."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name, member_content in members.items():
            member = zipfile.ZipInfo(name, _EPOCH)
            member.external_attr = 0o644 << 16
            archive.writestr(member, member_content)
    return content.getvalue()


def identity(
    settings: Settings,
    flatbuffer: bytes,
    labels: tuple[str, ...],
    image: ImageSpec,
    gives_logits: bool,
    score_calibration: ScoreCalibration = SURE,
) -> dict[str, Any]:
    """The part of the manifest that the runtime needs; enough for edge.inference.model_file.parse_model."""
    return {
        "v": 1 if image.framing is Framing.GARMENT_GREY else MANIFEST_VERSION,
        "name": settings.model_name,
        "labels": list(labels),
        "image": image.as_json(),
        "scores": "logits" if gives_logits else "probabilities",
        "scheme": settings.scheme.value,
        "sha256": hashlib.sha256(flatbuffer).hexdigest(),
        **score_calibration.as_json(),
    }


def accuracy(paired: PairedAccuracy, int8_run: Evaluation, data: str) -> dict[str, Any]:
    """The manifest's accuracy: on pictures called `data`, as shares 0..1, the drop in percentage points."""
    return {
        "data": data,
        "images": paired.images,
        "float": paired.float_accuracy,
        "int8": paired.int8_accuracy,
        "drop": paired.drop,
        "agreement": paired.agreement,
        "per_class": int8_run.per_class,
    }


def held_out(
    int8_run: Evaluation, calibration: ScoreCalibration, data: str, photos: Mapping[str, Any]
) -> dict[str, Any]:
    """Expected figures of such pictures, from which the runtime detects drift (edge.events.drift).

    The share of unknown ones and the mean best score: of photos held out of the training, if its record has them, else
    of the int8 model on the test pictures called `data`.
    """
    of_photos = photos.get("after")
    if isinstance(of_photos, Mapping) and {"unknown", "score"} <= of_photos.keys():
        figures = {"unknown": of_photos["unknown"], "score": of_photos["score"]}
        return {"data": "photos held out of the training", "pictures": photos.get("held_out", 0), **figures}
    assert int8_run.scores is not None
    return {
        "data": data,
        "pictures": len(int8_run.scores),
        "unknown": round(float((int8_run.scores < calibration.reject_below).mean()), 4),
        "score": round(float(int8_run.scores.mean()), 4),
    }


def versions() -> dict[str, str]:
    """Versions of what took part in the conversion."""
    found = {"python": platform.python_version()}
    for name in ("fmnist-edge", "tensorflow", "keras", "ai-edge-litert", "flatbuffers", "numpy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
