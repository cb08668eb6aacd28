"""Model files as `convert` writes them, out of parts that tests have changed."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

from edge.inference.model_file import LABELS_NAME, MANIFEST_NAME


def zipped(members: Mapping[str, bytes]) -> bytes:
    """A stored zip."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def with_manifest(flatbuffer: bytes, manifest: dict[str, Any]) -> bytes:
    """A model file whose hash is right."""
    manifest = manifest | {"sha256": hashlib.sha256(flatbuffer).hexdigest()}
    labels = "\n".join(manifest["labels"]) + "\n"
    return flatbuffer + zipped({LABELS_NAME: labels.encode(), MANIFEST_NAME: json.dumps(manifest).encode()})
