"""A .tflite without a manifest of ours: what it takes and gives, by its metadata, its tensors, and what is told."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.choices import PixelRange
from edge.errors import ModelUnsupported
from edge.inference.tflite_metadata import Described, described
from edge.spec import FASHION_MNIST_LABELS, Colour, Framing, ImageSpec, TensorSpec

if TYPE_CHECKING:
    from edge.inference.interpreters import Interpreter
    from edge.inference.model_file import Model

RANGES = {PixelRange.BYTE: (0.0, 255.0), PixelRange.UNIT: (0.0, 1.0), PixelRange.SIGNED: (-1.0, 1.0)}


def assumed(
    model: Model, interpreter: Interpreter, labels: tuple[str, ...], framing: Framing | None, pixels: PixelRange | None
) -> tuple[tuple[str, ...], ImageSpec]:
    """Labels and picture of a file without manifest; a warning says what they are. Raises ModelUnsupported."""
    image = image_of(model, interpreter.input, framing, pixels)
    names = labels or model.labels or guess_labels(interpreter.output, image)
    warnings.warn(
        f"{model.path} has no fmnist-edge manifest: assuming labels {names[0]} ... {names[-1]} (--labels), "
        f"{image.colour} {image.framing} of {image.height}x{image.width} (--framing), "
        f"pixels {image.low:.4g}..{image.high:.4g} (--pixels); its accuracy is not known",
        stacklevel=3,
    )
    return names, image


def gives_logits(interpreter: Interpreter, image: ImageSpec) -> bool:
    """Whether a network's scores are logits: by the output's scale, or by what floats it answers to some pictures."""
    if interpreter.output.quantised:
        return not bounded_by_one(interpreter.output)
    pictures = np.zeros((3, math.prod(image.shape)), np.uint8)
    pictures[1] = 255
    pictures[2] = np.arange(pictures.shape[1], dtype=np.uint32) * 37 % 256
    batch = interpreter.input.encode(image.normalise(pictures)).reshape(3, *interpreter.input.shape[1:])
    scores = interpreter.run(batch)
    return not bool(((scores >= -1e-4) & (scores <= 1.0001)).all())


def image_of(
    model: Model, tensor: TensorSpec, framing: Framing | None = None, pixels: PixelRange | None = None
) -> ImageSpec:
    """The picture that a file without manifest takes. Raises ModelUnsupported for what is none."""
    told = _described(model)
    colour, height, width = _shape_of(tensor.shape)
    if told.colour is Colour.GREY and colour is not Colour.GREY:
        raise ModelUnsupported(f"{model.path} says that its pictures are grey, its input has {tensor.shape}")
    low, high = RANGES[pixels] if pixels is not None else _range(model, tensor, colour, told)
    chosen = framing or (Framing.GARMENT_GREY if colour is Colour.GREY else Framing.STRETCH)
    if chosen.isolates and (chosen is Framing.GARMENT_GREY) != (colour is Colour.GREY):
        fitting = Framing.GARMENT_GREY if colour is Colour.GREY else Framing.GARMENT_COLOUR
        raise ModelUnsupported(f"{model.path} takes {colour} pictures, not {chosen}", f"--framing {fitting}")
    return ImageSpec(height, width, low, high, colour, chosen)


def guess_labels(output: TensorSpec, image: ImageSpec) -> tuple[str, ...]:
    """Fashion-MNIST's for ten outputs of a grey garment. Raises ModelUnsupported for others."""
    classes = int(np.prod(output.shape[1:]))
    if classes != len(FASHION_MNIST_LABELS) or image.framing is not Framing.GARMENT_GREY:
        raise ModelUnsupported(f"the model has {classes} outputs and no labels", "give --labels FILE, one label a line")
    return FASHION_MNIST_LABELS


def bounded_by_one(output: TensorSpec) -> bool:
    """Whether a quantised output is a softmax or sigmoid: the converter always gives these one scale and zero point.

    1/256 (older ones 1/255) from the lowest byte on, and 1/32768 in 16 bits (the TFLite quantization specification).
    """
    if output.dtype.itemsize > 1:
        return abs(output.scale * 32768 - 1) < 0.01
    return abs(output.scale * 256 - 1) < 0.01 and output.zero_point == np.iinfo(output.dtype).min


def _described(model: Model) -> Described:
    """What the file's metadata say; nothing, with a warning, where they are damaged."""
    try:
        return described(model.flatbuffer)
    except ValueError as error:
        warnings.warn(f"{model.path}: its metadata are damaged and do not count: {error}", stacklevel=4)
        return Described()


def _shape_of(shape: tuple[int, ...]) -> tuple[Colour, int, int]:
    """Colour, height and width. Raises ModelUnsupported for what is no picture."""
    inner = [size for size in shape[1:] if size != 1]
    if len(shape) == 4 and shape[3] == 3:
        return Colour.RGB, shape[1], shape[2]
    if len(inner) == 1 and round(inner[0] ** 0.5) ** 2 == inner[0]:
        inner = [round(inner[0] ** 0.5)] * 2
    if len(inner) != 2:
        hint = "its channels come first, as PyTorch has them: let them come last" if shape[1:2] == (3,) else ""
        raise ModelUnsupported(f"expected one picture as input, the model takes {shape}", hint)
    return Colour.GREY, inner[0], inner[1]


def _range(model: Model, tensor: TensorSpec, colour: Colour, told: Described) -> tuple[float, float]:
    """What black and white are in the input.

    Bytes go into a tensor of bytes as they are: so do all who run such models, whatever its metadata say of its real
    values. Other tensors are told by the metadata, or else by what their scale can express. Floats of which nothing is
    said are -1..1 in colour, as Teachable Machine exports them, and 0..1 in grey.
    """
    if tensor.dtype == np.uint8:
        if not tensor.quantised:
            return RANGES[PixelRange.BYTE]
        return -tensor.zero_point * tensor.scale, (255 - tensor.zero_point) * tensor.scale
    if told.mean:
        if len(set(told.mean)) > 1 or len(set(told.deviation)) > 1:
            warnings.warn(
                f"{model.path} normalises each channel in its own way, {told.mean} and {told.deviation}; the mean of "
                "them is taken for all",
                stacklevel=4,
            )
        mean, deviation = sum(told.mean) / len(told.mean), sum(told.deviation) / len(told.deviation)
        return round(-mean / deviation, 6), round((255 - mean) / deviation, 6)
    if not tensor.quantised:
        return RANGES[PixelRange.UNIT if colour is Colour.GREY else PixelRange.SIGNED]
    limits: Any = np.iinfo(tensor.dtype)
    top = (limits.max - tensor.zero_point) * tensor.scale
    bottom = (limits.min - tensor.zero_point) * tensor.scale
    return (0.0 if bottom > -0.5 * top else -1.0), (255.0 if top > 16 else 1.0)
