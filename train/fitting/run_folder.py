"""The folder of one training run: every file appears whole or not at all, and no run overwrites another."""

from __future__ import annotations

import csv
import fcntl
import json
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path
from typing import Any

from edge.documents import parse_object, read_limited, read_member
from edge.errors import OutputFailed, TrainingFailed
from edge.printable import printable_json
from train.settings import Settings

PROGRESS_MEMBER = "fmnist_edge_progress.json"
"""In the checkpoint's zip: history and settings, in the same file as the weights so that they cannot disagree."""

METADATA_MEMBER = "fmnist_edge.json"
"""In the finished model's zip: what convert/ needs to know about it."""


@dataclass(frozen=True, slots=True)
class EpochResult:
    """One epoch: mean training loss and accuracy while it ran, the held-out images' after it, its duration.

    `learning_rate` is the optimizer's at its end; None in a checkpoint of version 0.1.0.
    """

    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    seconds: float
    learning_rate: float | None = None


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Paths and files of a run; made by `open_run`, which holds the folder for this process."""

    path: Path
    settings: Settings

    @property
    def model(self) -> Path:
        """The trained model. It is written last: where it is, and no checkpoint, the run is finished."""
        return self.path / "model.keras"

    @property
    def checkpoint(self) -> Path:
        """The state after the latest whole epoch, optimizer included; removed at the end."""
        return self.path / "checkpoint.keras"

    @property
    def metrics(self) -> Path:
        """The run's results as JSON."""
        return self.path / "metrics.json"

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do."""
        return self.model.exists() and not self.checkpoint.exists()

    def save_checkpoint(self, model: Any, history: list[EpochResult], data_sha256: str) -> None:
        """Replace the checkpoint by this Keras model and history; on OutputFailed the old one stays."""
        progress = {
            "settings": asdict(self.settings),
            "data_sha256": data_sha256,
            "history": [asdict(result) for result in history],
        }
        save_model(model, self.checkpoint, PROGRESS_MEMBER, progress)

    def read_progress(self, data_sha256: str) -> list[EpochResult]:
        """The history in the checkpoint; raises TrainingFailed if it belongs to another run or is damaged."""
        try:
            progress = parse_object(read_member(self.checkpoint, PROGRESS_MEMBER), nan=True)
            history = [EpochResult(**result) for result in progress["history"]]
            before = dict(progress["settings"]) | {"training data": str(progress["data_sha256"])[:12]}
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise TrainingFailed(f"{self.checkpoint} is damaged ({error})", "delete it and train anew") from error
        _require_same(self.path, before, asdict(self.settings) | {"training data": data_sha256[:12]})
        return history

    def read_metrics(self) -> dict[str, Any]:
        """The results of a finished run; raises TrainingFailed if it was made with other settings."""
        try:
            metrics = parse_object(read_limited(self.metrics), nan=True)
            before = {"recipe": metrics["recipe"], **metrics["settings"]}
            for name in ("test_accuracy", "validation_accuracy", "test_images"):
                if not isinstance(metrics[name], int | float):
                    raise TypeError(f"{name} is {metrics[name]!r}")
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise TrainingFailed(
                f"{self.path} holds a model, but no readable metrics.json ({error})", "give another --out"
            ) from error
        _require_same(self.path, before, asdict(self.settings))
        return metrics

    def write_history(self, history: list[EpochResult]) -> None:
        """Write history.csv, a line an epoch."""
        with replacing(self.path / "history.csv") as partial, partial.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(field.name for field in fields(EpochResult))
            writer.writerows(astuple(result) for result in history)

    def write_metrics(self, metrics: dict[str, Any]) -> None:
        """Write metrics.json."""
        with replacing(self.metrics) as partial:
            partial.write_text(
                printable_json(json.dumps(metrics, indent=2, ensure_ascii=False)) + "\n", encoding="utf-8"
            )


@contextmanager
def open_run(path: Path, settings: Settings, *, resume: bool) -> Iterator[RunFolder]:
    """Create the folder, or reuse the existing one, and lock it against other processes.

    Raises TrainingFailed if it holds a run and `resume` is false, or if another process trains in it, and
    OutputFailed if it cannot be made.
    """
    folder = RunFolder(path, settings)
    try:
        path.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise OutputFailed(f"{path}: {error.strerror}", "give another --out") from error
    try:
        _lock(handle, path)
        if not resume and (folder.model.exists() or folder.checkpoint.exists()):
            what = "a trained model" if folder.finished else "an unfinished run"
            raise TrainingFailed(f"{path} holds {what}", "add --resume, or give another --out")
        yield folder
    finally:
        os.close(handle)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a name to write to; if that went well, the file replaces `path` in one step.

    A full disk, Ctrl-C or a power cut leaves the old file as it was. Raises OutputFailed.
    """
    partial = path.with_name(f"{path.stem}.partial{path.suffix}")  # Keras wants the suffix
    try:
        yield partial
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        _discard(partial)
        raise OutputFailed(
            f"{path} could not be written: {error.strerror or error}",
            "make room, then run the same command with --resume",
        ) from error
    except BaseException:
        _discard(partial)
        raise


def save_model(model: Any, path: Path, member: str, content: dict[str, Any]) -> None:
    """Save a Keras model with one more JSON file in its zip, which keras.saving.load_model passes over."""
    with replacing(path) as partial:
        model.save(partial)
        with zipfile.ZipFile(partial, "a") as archive:
            archive.writestr(member, printable_json(json.dumps(content, ensure_ascii=False)))


def _discard(partial: Path) -> None:
    with suppress(OSError):  # what went wrong with writing it matters more
        partial.unlink(missing_ok=True)


def _lock(handle: int, path: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)  # freed by the kernel, even after kill -9
    except BlockingIOError as error:
        raise TrainingFailed(f"another process is training in {path}", "wait, or give another --out") from error


def _require_same(path: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    now = json.loads(json.dumps(now))  # as `before` comes: JSON has no tuples
    differing = [
        f"{name.replace('_', ' ')} {before.get(name)} there, {value} here"
        for name, value in now.items()
        if before.get(name) != value
    ]
    if differing:
        raise TrainingFailed(
            f"the run in {path} was made with other settings: {'; '.join(differing)}",
            "use the same options to resume it, or give another --out",
        )
