"""Measure a network on one's own photos, without training: `fmnist-train adapt --epochs 0`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.documents import parse_object, read_member
from edge.errors import DatasetDamaged, TrainingFailed
from edge.printable import printable_json
from edge.spec import FASHION_MNIST_LABELS, SURE, ScoreCalibration
from train.fitting.run_folder import METADATA_MEMBER, open_run, replacing
from train.networks import image_of
from train.quiet import load_keras
from train.recipes.adapt import DEFAULTS, HELD_OUT_VIEWS

if TYPE_CHECKING:
    from train.evaluation.device_answers import DeviceAnswers
    from train.fitting.callbacks import Callback

MEASURED = "measured.json"
"""In the folder of a measurement: its figures."""


def measure(
    *,
    photos: Path,
    start: Path,
    int8: Callable[[], Path],
    meaning: Path | None,
    held_out: float | None,
    out: Path,
    callback: Callback,
) -> tuple[dict[str, Any], DeviceAnswers]:
    """Measure `start`, a .keras file, and its `int8` model on all photos, or on the share that a run would hold out.

    Writes measured.json and the photos' views to the folder `out`. Returns what measured.json holds, accuracies 0..1,
    strict and by groups, and AUROC, by the float network and as the device answers; and the device's answers. Raises
    TrainingFailed where `out` holds a run, and the errors of read_photos, read_trained and `int8`.
    """
    if any((out / name).exists() for name in ("model.keras", "checkpoint.keras")):
        raise TrainingFailed(f"{out} holds a run, whose figures would be lost", "give another --out")
    with open_run(out, DEFAULTS, resume=False):
        load_keras()
        from train.data.epochs import read_trained
        from train.data.photos import read_photos
        from train.evaluation.device_answers import answers_on_device, keep_views
        from train.evaluation.early_exit import averaged
        from train.evaluation.photo_metrics import answered, figures_of, folder_accuracies, group_accuracy
        from train.evaluation.score_calibration import best_of

        model = read_trained(start, len(FASHION_MNIST_LABELS)).model
        read = read_photos(photos, FASHION_MNIST_LABELS, meaning, callback.reading, image=image_of(model))
        chosen = read if held_out is None else read.split(held_out)[1]
        if not chosen.known.any():
            raise DatasetDamaged("no photo of a garment is held out", "leave --held-out away to measure all photos")
        keep_views(chosen, out / HELD_OUT_VIEWS, read.left_out)
        device = answers_on_device(int8(), out / HELD_OUT_VIEWS)
        answers, calibration = answered(model, chosen), calibration_of(start)
        as_float = folder_accuracies(best_of(averaged(answers, calibration)[0], chosen.classes)[1], chosen)
        as_int8 = folder_accuracies(device.right, chosen)
        measured = {
            "measured": len(chosen),
            "photos": len(read),
            "left_out": len(read.left_out),
            "float": {**figures_of(answers, calibration), "groups": group_accuracy(answers, calibration)},
            "int8": device.figures,
            "folders": {
                name: {"photos": count, "float": accuracy, "int8": as_int8[name][1]}
                for name, (count, accuracy) in as_float.items()
            },
        }
        with replacing(out / MEASURED) as partial:
            text = printable_json(json.dumps(measured, indent=2, ensure_ascii=False))
            partial.write_text(text + "\n", encoding="utf-8")
        return measured, device


def calibration_of(model: Path) -> ScoreCalibration:
    """The score calibration that a .keras file stores; SURE where it stores none, or nothing that can be read."""
    try:
        return ScoreCalibration.from_json(parse_object(read_member(model, METADATA_MEMBER)))
    except (OSError, KeyError, TypeError, ValueError):
        return SURE
