"""The models that may answer: the bundled ones, and the versions of the folder that the run was started with."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.deployment.rollback import use_version
from edge.errors import FmnistEdgeError, ModelUnsupported
from edge.inference.model_file import bundled_models
from edge.inference.model_versions import versions

if TYPE_CHECKING:
    from edge.deployment.model_in_service import ModelInService

SLOWEST_S = 90.0
"""A change that takes longer is not waited for."""

CARD = ("name", "labels", "image", "scores", "accuracy", "held_out", "provenance", "doubt", "photos")
"""What of a manifest is shown, where it has it."""


class ServedModels:
    """Lists the models, and lets another one take over. `where` is what the run was told to run."""

    def __init__(self, service: ModelInService, where: str) -> None:
        self._service = service
        self._folder = Path(where) if where not in bundled_models() and Path(where).is_dir() else None
        self._lock = threading.Lock()
        self._changing = threading.Lock()
        self._read: dict[tuple[Path, int], dict[str, Any] | None] = {}

    def as_json(self) -> list[dict[str, Any]]:
        """Each model as JSON; the one in service first."""
        running, path = self._service.model, self._service.model.path
        found = [
            facts | {"in_service": paths == path}
            for name, paths in self._paths().items()
            if (facts := self._facts_of_file(name, paths)) is not None
        ]
        if not any(one["in_service"] for one in found):
            found.append(_facts(running.name, running.sha256, running.manifest) | {"in_service": True})
        return sorted(found, key=lambda one: (not one["in_service"], one["name"]))

    def switch(self, name: str) -> None:
        """Let a model take over, and wait until it answers; a version of the folder stays so at the next start.

        Raises what is wrong with it: ModelError or BackendUnavailable, or OutputFailed.
        """
        path = self._paths().get(name)
        if path is None:
            if name == self._service.model.name:
                return
            raise ModelUnsupported(f"there is no model {name}", "GET /api/models lists them")
        if not self._changing.acquire(blocking=False):
            raise ModelUnsupported("another model is being put into service", "look again later")
        try:
            self._service.offer(path).result(SLOWEST_S)
        except TimeoutError as error:
            raise ModelUnsupported(f"{name} does not answer yet", "is the camera there? look again later") from error
        finally:
            self._changing.release()
        if self._folder is not None and path.parent == self._folder:
            use_version(self._folder, path)

    def _paths(self) -> dict[str, Path]:
        """Name -> file; a version is called as its file is."""
        return bundled_models() | ({path.stem: path for path in versions(self._folder)} if self._folder else {})

    def _facts_of_file(self, name: str, path: Path) -> dict[str, Any] | None:
        with self._lock:
            try:
                key = path, path.stat().st_mtime_ns
                if key not in self._read:
                    model = self._service.read(path)
                    self._read[key] = _facts(name, model.sha256, model.manifest)
            except (FmnistEdgeError, OSError):
                return None
            return self._read[key]


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
