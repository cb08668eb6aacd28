"""What a run of `fmnist-edge bench` found, and its JSON (schema.json): nothing that says whose machine it was."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Any

import numpy as np

from edge.bench.correctness import Correctness, Verdict
from edge.bench.folder import FolderRate
from edge.bench.pictures import Pictures
from edge.bench.speed import Speed
from edge.bench.start import NotStarted, Start
from edge.board.conditions import Conditions
from edge.board.description import Board
from edge.choices import Backend
from edge.errors import Cause
from edge.inference.model_file import Model, bundled_models
from edge.opencv import cv2

VERSION = 1
"""Of the JSON. It changes when a key changes its meaning or goes; keys may be added."""


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which model it was; no path, and of its name only what a file is called."""

    name: str
    sha256: str
    bytes: int
    bundled: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """A model in a backend: what was measured of it before the end, or an interruption, came."""

    model: str
    backend: Backend
    runtime: str
    views: int
    speeds: tuple[Speed, ...]
    correctness: Correctness | None
    starts: dict[Pictures, Start | NotStarted]
    folders: tuple[FolderRate, ...]

    def speed_of(self, pictures: Pictures) -> Speed | None:
        """The speed with the fewest threads; None if there is none for these pictures."""
        found = [speed for speed in self.speeds if speed.pictures is pictures]
        return min(found, key=lambda speed: speed.threads, default=None)


@dataclass(frozen=True, slots=True)
class NotMeasured:
    """A model that a backend did not take."""

    model: str
    backend: Backend
    cause: Cause


@dataclass(frozen=True, slots=True)
class Software:
    """Versions of all that the time is spent in, but the runtimes, which each have theirs in `Measured`."""

    fmnist_edge: str
    python: str
    numpy: str
    opencv: str


@dataclass(frozen=True, slots=True)
class Result:
    """Everything; `warnings` say why the figures may not be the machine's best."""

    time: datetime
    board: Board
    software: Software
    before: Conditions
    after: Conditions
    models: tuple[ModelIdentity, ...]
    measured: tuple[Measured, ...]
    not_measured: tuple[NotMeasured, ...]
    warnings: tuple[str, ...]
    interrupted: bool

    @property
    def computes_wrongly(self) -> bool:
        """Whether a backend gave answers that it should not."""
        return any(one.correctness is not None and one.correctness.verdict is Verdict.WRONG for one in self.measured)

    def as_json(self) -> dict[str, Any]:
        """The document that schema.json describes."""
        return {
            "v": VERSION,
            "tool": "fmnist-edge bench",
            **asdict(self),
            "time": self.time.strftime("%Y-%m-%dT%H:%MZ"),
        }


def identities(models: Sequence[Model]) -> list[ModelIdentity]:
    """Which models they are. A manifest's name is anybody's text: a path in it is cut to its end.

    Models of the same name are told apart by the beginning of their SHA-256.
    """
    names = [PurePath(model.name).name or "model" for model in models]
    bundled = set(bundled_models().values())
    return [
        ModelIdentity(
            name if names.count(name) == 1 else f"{name} {model.sha256[:8]}",
            model.sha256,
            len(model.flatbuffer),
            model.path in bundled,
        )
        for name, model in zip(names, models, strict=True)
    ]


def software() -> Software:
    """The versions that run now."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        own = version("fmnist-edge")
    except PackageNotFoundError:
        own = "not installed"
    return Software(own, platform.python_version(), np.__version__, cv2.__version__)
