"""How a float model's input and output are to be read: as told, as recorded, or as measured."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from convert.inputs import probing, shapes
from convert.inputs.source import Source
from convert.inputs.training_record import TrainingRecord
from convert.settings import PixelRange, Settings
from edge.datasets import dataset
from edge.datasets.dataset import Dataset
from edge.errors import BadOption, FloatModelUnreadable
from edge.inference.interpreters import Interpreter
from edge.isolation.network_input import fit_pictures
from edge.spec import ImageSpec


@dataclass(frozen=True, slots=True)
class InputSpec:
    """Size and pixel range of a model's input and the kind of its output, with notes for the report."""

    image: ImageSpec
    gives_logits: bool
    held_out: int
    notes: tuple[str, ...]


def infer_input_spec(settings: Settings, source: Source, interpreter: Interpreter, training: Dataset) -> InputSpec:
    """How a float model is to be read: pixels as told, else as recorded, else as measured; scores as measured.

    The size of a picture is the model's own.
    """
    notes = list(source.notes)
    record = source.record
    size = shapes.picture_size(source.input_shape)
    assert size is not None, "checked by the reader"
    if record is not None:
        _check_size(source.path, record, size)
    held_out = record.validation_images if record else dataset.default_held_out(training)
    if source.takes_bytes:
        if settings.pixels not in {PixelRange.AUTO, PixelRange.BYTE}:
            raise BadOption(f"--pixels {settings.pixels}: {source.path} takes bytes, 0 to 255", "leave it away")
        image = probing.RANGES[PixelRange.BYTE]
    elif settings.pixels is not PixelRange.AUTO:
        image = probing.RANGES[settings.pixels]
    elif record is not None:
        image = record.image
    else:
        image, fits = probing.measure_range(interpreter, training)
        tried = ", ".join(
            f"{pixels.value}: {fit.accuracy:.1%} right, log loss {fit.log_loss:.2f}" for pixels, fit in fits.items()
        )
        notes.append(
            f"the file does not say its pixel range; {image.low:g}..{image.high:g} fits best ({tried}); "
            "--pixels overrides"
        )
    if record is None:
        notes.append(
            f"it cannot be known whether training saw the {held_out:,} pictures that calibration draws from; "
            "the accuracy, on the test pictures, does not depend on it unless training saw those too"
        )
    image = replace(image, height=size[0], width=size[1])
    probe = fit_pictures(training.images[:: max(1, len(training) // probing.PROBE_IMAGES)], image)
    return InputSpec(image, probing.gives_logits(interpreter, image, probe), held_out, tuple(notes))


def _check_size(path: Path, record: TrainingRecord, size: tuple[int, int]) -> None:
    if (record.image.height, record.image.width) != size:
        raise FloatModelUnreadable(
            f"{path} takes pictures of {size[0]}x{size[1]}, its record says that it was trained on "
            f"{record.image.height}x{record.image.width}",
            "train it again, or remove the record from the file",
        )
