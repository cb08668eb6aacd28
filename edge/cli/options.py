"""Options that several commands share, and what they all do with them: open a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.choices import Backend, Format
from edge.errors import BadOption

if TYPE_CHECKING:
    from edge.inference.classifier import Classifier
    from edge.inference.model_file import Model

ModelOption = Annotated[str, typer.Option("--model", "-m", help="Name of a bundled model, or a .tflite file.")]
BackendOption = Annotated[Backend, typer.Option(help="Runtime; auto takes the first that works.")]
ThreadsOption = Annotated[int, typer.Option(min=1, max=64, help="CPU threads of the runtime.")]
LabelsOption = Annotated[Path | None, typer.Option(help="Labels for a plain .tflite: a text file, one a line.")]
ViewsOption = Annotated[
    int,
    typer.Option(min=1, max=8, help="Views of a garment that the model sees: by three masks, smaller, mirrored."),
]
DelegateOption = Annotated[str, typer.Option(help="Edge TPU library for --backend coral.")]


def open_model(
    model: str,
    backend: Backend,
    threads: int,
    labels: Path | None,
    delegate: str,
    views: int = 1,
    min_score: float | None = None,
) -> Classifier:
    """A classifier as the options ask for it. Raises ModelError, BackendUnavailable or BadOption."""
    from edge.inference.classifier import open_classifier
    from edge.inference.interpreters import open_interpreter
    from edge.inference.model_file import read_labels

    found = read_checked(model)
    interpreter = open_interpreter(found, backend, threads, delegate)
    names = read_labels(labels) if labels else ()
    return open_classifier(found, interpreter, names, views=views, min_score=min_score)


def read_checked(model: str) -> Model:
    """Read a model file; with one that nothing vouches for, continue in a child process. Raises ModelError."""
    from edge.inference.model_file import read_model

    found = read_model(model)
    if found.manifest is None:
        from edge.inference.sandbox import continue_in_child, crash_of_unknown

        continue_in_child(crash_of_unknown(found))
    return found


def refuse_csv(form: Format) -> None:
    """Raise BadOption for --format csv, where there are no predictions to list."""
    if form is Format.CSV:
        raise BadOption("--format csv is for predictions", "--format json")
