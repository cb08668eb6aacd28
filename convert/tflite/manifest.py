"""The manifest, and the zip with it and the labels that is appended to the flatbuffer."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from convert.inputs.source import Source
from convert.quantize.representative import Representative
from convert.quantize.search import Found
from convert.settings import Settings
from edge.inference.accuracy import Evaluation, PairedAccuracy
from edge.inference.model_file import LABELS_NAME, MANIFEST_NAME, MANIFEST_VERSION
from edge.spec import SURE, Doubt, ImageSpec

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The zip format's first moment: the same input must give the same bytes, so no time of day goes in."""


def attach(flatbuffer: bytes, manifest: Mapping[str, Any]) -> bytes:
    """A model file: the flatbuffer, then a stored zip of labels.txt and manifest.json, as the device reads it."""
    zipped = io.BytesIO()
    texts = {
        LABELS_NAME: "\n".join(manifest["labels"]) + "\n",
        MANIFEST_NAME: json.dumps(manifest, separators=(",", ":"), ensure_ascii=False) + "\n",
    }
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_STORED) as archive:
        for name, text in texts.items():
            member = zipfile.ZipInfo(name, _EPOCH)
            member.external_attr = 0o644 << 16
            archive.writestr(member, text.encode())
    return flatbuffer + zipped.getvalue()


def identity(
    settings: Settings,
    flatbuffer: bytes,
    labels: tuple[str, ...],
    image: ImageSpec,
    gives_logits: bool,
    doubt: Doubt = SURE,
) -> dict[str, Any]:
    """The part of the manifest that the runtime needs; enough for edge.inference.model_file.parse_model."""
    return {
        "v": MANIFEST_VERSION,
        "name": settings.model_name,
        "labels": list(labels),
        "image": {"height": image.height, "width": image.width, "low": image.low, "high": image.high},
        "scores": "logits" if gives_logits else "probabilities",
        "scheme": settings.scheme.value,
        "sha256": hashlib.sha256(flatbuffer).hexdigest(),
        **({} if doubt == SURE else {"doubt": asdict(doubt)}),
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


def provenance(
    settings: Settings, source: Source, held_out: int, found: Found, own: Representative | None
) -> dict[str, Any]:
    """The manifest's provenance: how the float model was trained (as far as its file says) and then converted.

    `own` are the pictures of --representative.
    """
    pictures = {} if own is None else {"representative": {"images": len(own.images), "sha256": own.sha256}}
    trained = source.record.fields if source.record else {}
    return {
        "recipe": trained.get("recipe"),
        "command": trained.get("command"),
        "seed": trained.get("seed"),
        "epochs": trained.get("epochs"),
        "parameters": trained.get("parameters"),
        "macs": trained.get("macs"),
        **{name: trained[name] for name in ("photos", "posed") if name in trained},
        f"{source.format}_sha256": source.sha256,
        "convert_command": settings.command,
        "calibration": {
            "images": found.chosen.candidate.pictures,
            "held_out_of": held_out,
            "rule": found.chosen.candidate.name,
            "seed": settings.seed,
            **pictures,
        },
        "versions": versions(),
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
