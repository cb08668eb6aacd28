"""The manifest's provenance: where a model comes from, and how to make it again."""

from __future__ import annotations

from typing import Any

from convert.inputs.source import Source
from convert.quantize.representative import Representative
from convert.quantize.search import Found
from convert.settings import Settings
from convert.tflite.manifest import versions


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
