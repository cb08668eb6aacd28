"""What every process that answers has to know. It is sent to all of them, the model's bytes included."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from edge.choices import Backend, BatchFormat, PixelRange
from edge.errors import BackendUnavailable, MissingExtra
from edge.sources.settings import AS_THEY_COME, SourceSettings
from edge.spec import Framing

if TYPE_CHECKING:
    from edge.inference.classifier import Classifier
    from edge.inference.model_file import Model

HINT = "pip install 'fmnist-edge[batch]'"


@dataclass(frozen=True, slots=True)
class S3Settings:
    """How buckets are reached. What is not given comes from the environment (AWS_ACCESS_KEY_ID, AWS_REGION ...)."""

    endpoint: str | None = None
    region: str | None = None
    anonymous: bool = False


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """How pictures are read, answered and written down."""

    model: Model
    backend: Backend
    delegate: str
    cpu_model: Path | None
    require_coral: bool
    labels: tuple[str, ...]
    framing: Framing | None
    pixels: PixelRange | None
    views: int
    min_score: float | None
    top_k: int
    form: BatchFormat
    network: SourceSettings = AS_THEY_COME
    s3: S3Settings = S3Settings()

    def open_classifier(self) -> Classifier:
        """A classifier as `classify` has it, with one thread. Raises ModelError, BackendUnavailable or BadOption."""
        from edge.inference.backends import open_backend
        from edge.inference.classifier import open_classifier

        opened = open_backend(
            self.model,
            _refuse_change,
            self.backend,
            delegate=self.delegate,
            cpu_model=self.cpu_model,
            require_coral=self.require_coral,
        )
        return open_classifier(
            opened.model,
            opened.interpreter,
            self.labels,
            framing=self.framing,
            pixels=self.pixels,
            views=self.views,
            min_score=self.min_score,
        )


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done in which folder; `base` is what relative paths start from."""

    settings: BatchSettings
    folder: Path
    base: str


@dataclass(frozen=True, slots=True)
class PartDone:
    """A part whose tables are written, and how many pictures were answered and not."""

    part: int
    answered: int
    failed: int


def checked(model: Model) -> Model:
    """A model as it is sent: its signature has been checked, and needs no keys any more."""
    return replace(model, trust=None, signature=None)


def _refuse_change(before: str, after: str, reason: str) -> NoReturn:
    raise BackendUnavailable(
        f"{before} failed in the middle: {reason}",
        f"run it again, or with --backend {after} and a new folder",
    )


def need_pyarrow(what: str) -> None:
    """Raise MissingExtra where pyarrow is not installed; `what` says what needs it."""
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise MissingExtra(f"{what} needs pyarrow", HINT) from error
