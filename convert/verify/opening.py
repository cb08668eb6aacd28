"""Open a converted model for pictures: as its file says how it sees them, else as the options say."""

from __future__ import annotations

from dataclasses import replace

from convert.inputs.shapes import picture_shape
from convert.picture_options import PictureOptions
from convert.tflite.mediapipe_variant import is_grey_variant, open_grey
from edge.choices import Backend
from edge.inference.classifier import Classifier, open_classifier
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import Model


def open_for(model: Model, told: PictureOptions) -> Classifier:
    """A classifier in LiteRT; `told` is for a file without a manifest, which says nothing but its shapes.

    Raises BadOption for options that contradict the file, ModelUnsupported for what classifies no pictures.
    """
    interpreter = open_interpreter(model, Backend.LITERT)
    if is_grey_variant(model, interpreter.input):
        return open_grey(model, interpreter)
    classifier = open_classifier(model, interpreter, framing=told.framing if model.image is None else None)
    image = classifier.image
    size = (image.height, image.width, 3 if len(image.shape) == 3 else 1)
    if model.image is not None:
        told.check_recorded(model.path, size, model.image)
    elif picture_shape(interpreter.input.shape[1:]) is not None:
        framed = told.image(model.path, size)
        classifier.image = replace(framed, low=image.low, high=image.high)
    return classifier
