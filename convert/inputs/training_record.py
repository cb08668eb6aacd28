"""What this project's training writes into a .keras file beside the weights: the zip member fmnist_edge.json."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.documents import parse_object
from edge.errors import KerasModelUnreadable, ModelUnsupported
from edge.inference.model_file import check_labels
from edge.spec import ImageSpec, ScoreCalibration

RECORD_NAME = "fmnist_edge.json"
RECORD_VERSION = 1
_LARGEST_RECORD_BYTES = 1 << 20
_HINT = "train again, or save the model anew without that member of the zip"


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """How a model was trained, as far as a conversion needs to know it.

    `validation_images` were held out of training; `test_accuracy` is the float model's, 0..1; `score_calibration` says
    how sure it must be; `fields` holds the record as it was read.
    """

    labels: tuple[str, ...]
    image: ImageSpec
    validation_images: int
    test_accuracy: float | None
    score_calibration: ScoreCalibration
    fields: Mapping[str, Any]


def read_record(path: Path) -> TrainingRecord | None:
    """The record of a .keras file, None where there is none. Raises KerasModelUnreadable if it makes no sense."""
    with zipfile.ZipFile(path) as archive:
        if RECORD_NAME not in archive.namelist():
            return None
        if archive.getinfo(RECORD_NAME).file_size > _LARGEST_RECORD_BYTES:
            raise KerasModelUnreadable(f"{path}: its {RECORD_NAME} is implausibly large", _HINT)
        text = archive.read(RECORD_NAME)
    try:
        return parse_record(parse_object(text, nan=True))
    except ModelUnsupported as error:
        raise KerasModelUnreadable(f"{path}: its {error.message}", _HINT) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise KerasModelUnreadable(f"{path}: its {RECORD_NAME} is not valid: {error!r}", _HINT) from error


def parse_record(fields: Mapping[str, Any]) -> TrainingRecord:
    """A record from its JSON. Raises KeyError, TypeError or ValueError for what is missing or senseless."""
    if fields["v"] != RECORD_VERSION:
        raise ValueError(f"expected version {RECORD_VERSION}, got {fields['v']!r}")
    accuracy = fields.get("test_accuracy")
    held_out = fields["validation_images"]
    if not isinstance(held_out, int) or held_out < 1:
        raise ValueError(f"expected validation_images held out of training, got {held_out!r}")
    return TrainingRecord(
        labels=check_labels(fields["labels"], RECORD_NAME),
        image=ImageSpec.from_json(fields["input"]),
        validation_images=held_out,
        test_accuracy=None if accuracy is None else float(accuracy),
        score_calibration=ScoreCalibration.from_json(fields),
        fields=fields,
    )
