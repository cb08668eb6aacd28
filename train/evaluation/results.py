"""The end of every recipe: measure on the test images once, then write the run's files, the model last."""

from __future__ import annotations

import importlib
import platform
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from edge.datasets.dataset import Dataset
from edge.inference.accuracy import Evaluation
from edge.inference.classifier import softmax
from edge.isolation.network_input import fit_pictures
from edge.spec import ImageSpec
from train.evaluation import plots
from train.evaluation.complexity import measure
from train.evaluation.mistakes import draw_mistakes
from train.fitting.run_folder import METADATA_MEMBER, EpochResult, RunFolder, save_model
from train.networks import image_of
from train.settings import evaluation_batch


def conclude(
    model: Any,
    history: list[EpochResult],
    held_out: Dataset,
    test: Dataset,
    folder: RunFolder,
    figures: Mapping[str, Any],
    image: ImageSpec | None = None,
) -> dict[str, Any]:
    """Measure the model on the test images, write all files of the run and return its metrics.

    `figures` are what the recipe measured besides, `image` what the model sees, None: garments in grey of its own size.
    The checkpoint goes last: killed anywhere in here, `--resume` does
    this part again, with the same result. Raises OutputFailed.
    """
    image = image or image_of(model)
    probabilities = predict(model, test, image)
    evaluation = Evaluation(probabilities.argmax(axis=1), test.labels.astype(np.int64), test.label_names)
    metrics = _metrics(evaluation, history, held_out, test, folder) | asdict(measure(model)) | dict(figures)
    folder.write_history(history)
    plots.draw_curves(history, folder.path / "curves.png")
    plots.draw_confusion(evaluation.confusion, test.label_names, folder.path / "confusion.png")
    draw_mistakes(test, probabilities, folder.path / "mistakes.png")
    folder.write_metrics(metrics)
    save_model(_without_optimizer(model), folder.model, METADATA_MEMBER, _metadata(metrics, image))
    folder.checkpoint.unlink(missing_ok=True)
    return metrics


def predict(model: Any, data: Dataset, image: ImageSpec | None = None) -> NDArray[np.float32]:
    """Probabilities float32 (N, classes) as training computes them: no classifier of the device is between."""
    return probabilities_of(model, data.images, image)


def probabilities_of(model: Any, images: NDArray[np.uint8], image: ImageSpec | None = None) -> NDArray[np.float32]:
    """Probabilities float32 (N, classes) for uint8 (N, height, width), whatever the last layer gives.

    A network that sees finer pictures gets each pixel repeated, as on the device. `image` as for conclude.
    """
    inputs = fit_pictures(images, image or image_of(model))
    batch = evaluation_batch(inputs.shape[1:])
    scores = np.asarray(model.predict(inputs, batch_size=batch, verbose=0), np.float32)
    return softmax(scores) if gives_logits(model) else scores


def gives_logits(model: Any) -> bool:
    """Whether a network's last layer leaves the softmax to others."""
    layers = getattr(model, "layers", None) or [None]
    return getattr(layers[-1], "activation", None) is keras.activations.linear


def evaluate(model: Any, data: Dataset) -> Evaluation:
    """Classify all images in one go."""
    return Evaluation(predict(model, data).argmax(axis=1), data.labels.astype(np.int64), data.label_names)


def _without_optimizer(model: Any) -> Any:
    """The same network and weights without the optimizer's state, which is as large or larger."""
    bare = type(model).from_config(model.get_config())
    bare.set_weights(model.get_weights())
    return bare


def versions() -> dict[str, str]:
    """List the versions that the weights depend on."""
    backend = keras.backend.backend()
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "keras": keras.__version__,
        backend: importlib.import_module(backend).__version__,  # whichever package brought it: -cpu, -rocm
    }


def _metrics(
    evaluation: Evaluation, history: list[EpochResult], held_out: Dataset, test: Dataset, folder: RunFolder
) -> dict[str, Any]:
    settings = folder.settings
    return {
        "v": 1,
        "recipe": settings.recipe,
        "test_accuracy": evaluation.accuracy,
        "test_images": len(test),
        "validation_accuracy": history[-1].val_accuracy,
        "validation_loss": history[-1].val_loss,
        "validation_images": len(held_out),
        "per_class_test_accuracy": evaluation.per_class,
        "labels": list(test.label_names),
        "seed": settings.seed,
        "epochs": len(history),
        "settings": settings.options,
        "command": settings.command,
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "training_seconds": round(sum(result.seconds for result in history), 1),
        "versions": versions(),
        "data_origin": {"training": held_out.origin, "test": test.origin},
    }


def _metadata(metrics: dict[str, Any], spec: ImageSpec) -> dict[str, Any]:
    """Choose what travels with the model: no path, no time, so that the same run gives the same metadata."""
    return {
        **{name: metrics[name] for name in ("v", "recipe", "labels")},
        "input": spec.as_json(),
        **{name: metrics[name] for name in ("validation_images", "seed")},
        "epochs": metrics["settings"]["epochs"],
        **{name: metrics[name] for name in ("parameters", "macs", "test_accuracy", "versions", "command")},
        **{name: metrics[name] for name in ("doubt", "early_exit", "photos", "posed") if name in metrics},
    }
