"""Runs side by side: size, cost and accuracy of each, from run folders and .tflite files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.documents import parse_object, read_limited
from edge.errors import ModelUnsupported, TrainingFailed
from edge.inference.model_file import read_model

FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True)
class Contender:
    """One line of the comparison; None is what is not known.

    `size_bytes` is that of a .tflite file, or of a run's weights in float32; accuracies are shares 0..1, of int8
    for a .tflite file.
    """

    name: str
    recipe: str
    int8: bool
    labels: tuple[str, ...]
    parameters: int | None
    macs: int | None
    size_bytes: int
    validation_accuracy: float | None
    test_accuracy: float
    epochs: int | None
    seed: int | None
    training_seconds: float | None


def read_contenders(paths: Sequence[Path]) -> list[Contender]:
    """Read run folders and .tflite files, in the order given. Raises TrainingFailed or a ModelError."""
    return [_read_model_file(path) if path.suffix == ".tflite" else _read_run(path) for path in paths]


def best_trades(contenders: Sequence[Contender], cost: str) -> list[Contender]:
    """Those that no other beats in accuracy at the same or a lower `cost` (macs, size_bytes), cheapest first."""
    priced = [one for one in contenders if getattr(one, cost) is not None]
    best: list[Contender] = []
    for one in sorted(priced, key=lambda one: (getattr(one, cost), -one.test_accuracy)):
        if not best or one.test_accuracy > best[-1].test_accuracy:
            best.append(one)
    return best


def _read_run(folder: Path) -> Contender:
    metrics = _metrics(folder)
    try:
        parameters, macs = metrics.get("parameters"), metrics.get("macs")
        if parameters is None:  # a run of version 0.1.0
            parameters, macs = _measure(folder / "model.keras")
        return Contender(
            name=folder.name or str(folder.resolve().name),
            recipe=str(metrics["recipe"])[:80],
            int8=False,
            labels=tuple(map(str, metrics["labels"])),
            parameters=_count(parameters),
            macs=_count(macs),
            size_bytes=FLOAT_BYTES * (_count(parameters) or 0),
            validation_accuracy=float(metrics["validation_accuracy"]),
            test_accuracy=float(metrics["test_accuracy"]),
            epochs=_count(metrics.get("epochs") or metrics["settings"]["epochs"]),
            seed=_count(metrics["seed"]),
            training_seconds=float(metrics["training_seconds"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise TrainingFailed(f"{folder}: its metrics.json is not a run's: {error!r}", "train anew") from error


def _count(number: Any) -> int | None:
    """A count out of a file, None where there is none. Raises TypeError, ValueError or OverflowError."""
    count = None if number is None else int(number)
    if count is not None and not 0 <= count < 1 << 63:
        raise OverflowError(f"{str(number)[:20]} is no count")
    return count


def _metrics(folder: Path) -> dict[str, Any]:
    """The results of a finished run; anything else is refused with what it is."""
    if not folder.is_dir():
        what = "no folder and no .tflite file" if folder.exists() else "no such folder"
        raise TrainingFailed(f"{folder}: {what}", "give folders that fmnist-train wrote (--out), or .tflite files")
    if (folder / "checkpoint.keras").exists():
        raise TrainingFailed(f"the run in {folder} is not finished", "go on with it: the same command with --resume")
    missing = [name for name in ("metrics.json", "model.keras") if not (folder / name).is_file()]
    if missing:
        raise TrainingFailed(
            f"{folder} is no finished run: it has no {' and no '.join(missing)}",
            "give a folder that fmnist-train wrote",
        )
    try:
        return parse_object(read_limited(folder / "metrics.json"), nan=True)
    except (OSError, ValueError) as error:
        raise TrainingFailed(f"{folder}: its metrics.json cannot be read: {error}", "train anew") from error


def _measure(path: Path) -> tuple[int, int | None]:
    """Parameters and multiply-accumulates of a saved model."""
    from train.quiet import load_keras

    load_keras()
    import keras

    from train.evaluation.complexity import measure

    try:
        complexity = measure(keras.saving.load_model(path, compile=False))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingFailed(f"{path} cannot be loaded: {str(error)[:200]}", "train anew") from error
    return complexity.parameters, complexity.macs


def _read_model_file(path: Path) -> Contender:
    model = read_model(str(path))
    if model.manifest is None:
        raise ModelUnsupported(f"{path} does not say how accurate it is", "convert it with `convert quantize`")
    try:
        accuracy, provenance = model.manifest["accuracy"], model.manifest["provenance"]
        return Contender(
            name="/".join(path.parts[-2:]),  # `convert` calls most files model_int8.tflite
            recipe=str(provenance.get("recipe") or "?")[:80],
            int8=True,
            labels=model.labels,
            parameters=_count(provenance.get("parameters")),
            macs=_count(provenance.get("macs")),
            size_bytes=path.stat().st_size,
            validation_accuracy=None,
            test_accuracy=float(accuracy["int8"]),
            epochs=_count(provenance.get("epochs")),
            seed=_count(provenance.get("seed")),
            training_seconds=None,
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ModelUnsupported(f"{path}: its manifest lacks accuracy or provenance: {error!r}") from error
