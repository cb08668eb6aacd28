"""The models that a run could have been started with; the one that answers stays."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edge.errors import FmnistEdgeError, ModelUnsupported
from edge.inference.model_file import Model, bundled_models, read_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.inference.classifier import Classifier

CARD = ("name", "labels", "image", "scores", "accuracy", "held_out", "provenance", "doubt", "photos")
"""What of a manifest is shown, where it has it."""


class FixedModels:
    """Lists the bundled models and the one in service, whose SHA-256 `sha256` gives."""

    def __init__(self, name: str, classifier: Classifier, sha256: Callable[[], str]) -> None:
        self._name = name
        self._manifest = classifier.manifest
        self._sha256 = sha256
        self._lock = threading.Lock()
        self._bundled: list[dict[str, Any]] | None = None

    def as_json(self) -> list[dict[str, Any]]:
        """Each model as JSON; the one in service first."""
        running = self._sha256()
        with self._lock:
            if self._bundled is None:
                self._bundled = [facts for name in bundled_models() if (facts := _facts_of_file(name)) is not None]
            bundled = self._bundled
        found = [one | {"in_service": one["sha256"] == running} for one in bundled]
        if not any(one["in_service"] for one in found):
            found.append(_facts(self._name, running, self._manifest) | {"in_service": True})
        return sorted(found, key=lambda one: (not one["in_service"], one["name"]))

    def switch(self, name: str) -> None:
        """Refuse, unless it is the one in service. Raises ModelUnsupported."""
        if name not in {one["name"] for one in self.as_json() if one["in_service"]}:
            raise ModelUnsupported(
                "this run keeps the model that it was started with", f"fmnist-edge serve --model {name}"
            )


def _facts_of_file(name: str) -> dict[str, Any] | None:
    try:
        model: Model = read_model(name)
    except FmnistEdgeError:
        return None
    return _facts(name, model.sha256, model.manifest)


def _facts(name: str, sha256: str, manifest: Mapping[str, Any] | None) -> dict[str, Any]:
    said = manifest or {}
    accuracy = said.get("accuracy")
    value = accuracy.get("int8") if isinstance(accuracy, Mapping) else None
    return {
        "name": name,
        "sha256": sha256,
        "accuracy": value if isinstance(value, int | float) else None,
        "card": {key: said[key] for key in CARD if key in said},
    }
