"""How a float model's input and output are to be read: as told, as recorded, or as measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convert.inputs import channel_order, probing
from convert.inputs.source import Source
from convert.settings import PixelRange, Settings
from edge.datasets import dataset
from edge.datasets.dataset import Dataset
from edge.errors import BadOption
from edge.inference.interpreters import Interpreter
from edge.spec import ImageSpec


@dataclass(frozen=True, slots=True)
class InputSpec:
    """Size and pixel range of a model's input and the kind of its output, with notes for the report."""

    image: ImageSpec
    gives_logits: bool
    held_out: int
    notes: tuple[str, ...]


def infer_input_spec(
    settings: Settings, source: Source, interpreter: Interpreter, training: Dataset, image: ImageSpec
) -> InputSpec:
    """How a float model is to be read: pixels as told, else as recorded, else as measured; scores as measured.

    `image` says what else there is to know of its pictures (convert.inputs.framing).
    """
    notes = list(source.notes)
    record = source.record
    held_out = record.validation_images if record else _not_trained_here(training)
    if source.takes_bytes:
        if settings.pixels not in {PixelRange.AUTO, PixelRange.BYTE}:
            raise BadOption(f"--pixels {settings.pixels}: {source.path} takes bytes, 0 to 255", "leave it away")
        image = probing.in_range(image, PixelRange.BYTE)
    elif settings.pixels is not PixelRange.AUTO:
        image = probing.in_range(image, settings.pixels)
    elif source.image is None:
        image, fits = probing.measure_range(interpreter, training, image)
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
    notes += channel_order.check_order(interpreter, image, training)
    probe = training.images[:: max(1, len(training) // probing.PROBE_IMAGES)]
    return InputSpec(image, probing.gives_logits(interpreter, image, probe), held_out, tuple(notes))


def _not_trained_here(training: Dataset) -> int:
    """How many training pictures calibrate and compare where nothing says which ones training left alone.

    Equally many of each class, as many as 200 if there are: of a small data set all but one, for a tenth of it would
    leave a dozen of each class to choose between the rules, and chance would choose.
    """
    counts = np.bincount(training.labels, minlength=len(training.label_names))
    return min(max(int(counts.min()) - 1, 1), dataset.LARGEST_DEFAULT_PER_CLASS) * len(counts)
