"""Model files: whether they are whole, and still what their SHA-256 says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import FmnistEdgeError
from edge.inference.model_file import read_model
from edge.service.doctor.finding import Finding, fail, ok, warn, worst
from edge.spec import FASHION_MNIST_LABELS

if TYPE_CHECKING:
    from edge.inference.trusted_keys import TrustedKeys


def bundled(models: Mapping[str, Path]) -> Finding:
    """All models that ship with the package: name -> path."""
    if not models:
        return fail("no model is bundled", "pip install --force-reinstall --no-deps fmnist-edge")
    found = [model_file(str(path)) for path in models.values()]
    broken = [one for one in found if one.mend]
    if broken:
        return fail(worst(broken).found, "pip install --force-reinstall --no-deps fmnist-edge")
    return ok(f"{', '.join(models)}: each as its SHA-256 says")


def model_file(name_or_path: str, trust: TrustedKeys | None = None) -> Finding:
    """One model, by name or path; with `trust` its signature, too."""
    try:
        model = read_model(name_or_path, trust)
    except FmnistEdgeError as error:
        return fail(error.message, error.hint)
    if model.manifest is None:
        return warn(
            f"{model.path} has no manifest: nothing says whether it is whole, nor what it is worth",
            f"convert quantize writes one; ask the file's maker, or: convert check {model.path}",
        )
    accuracy = model.manifest.get("accuracy", {}).get("int8")
    on = "Fashion-MNIST" if model.labels == FASHION_MNIST_LABELS else "its test pictures"
    worth = f", {accuracy:.2%} right on {on}" if isinstance(accuracy, float) else ""
    signed = f", signed by {model.signature.key_id[:12]}" if model.signature else ""
    return ok(f"{model.path} is as its SHA-256 says ({model.manifest['sha256'][:12]}){signed}{worth}")
