"""What a .tflite without a manifest of ours takes and gives, as far as its tensors tell."""

from __future__ import annotations

from typing import Any

import numpy as np

from edge.errors import ModelUnsupported
from edge.spec import FASHION_MNIST_LABELS, Colour, Framing, ImageSpec, TensorSpec


def guess_labels(output: TensorSpec, image: ImageSpec) -> tuple[str, ...]:
    """Fashion-MNIST's for ten outputs of a grey picture. Raises ModelUnsupported for others."""
    classes = int(np.prod(output.shape[1:]))
    if classes != len(FASHION_MNIST_LABELS) or image.colour is not Colour.GREY:
        raise ModelUnsupported(f"the model has {classes} outputs and no labels", "give --labels FILE, one label a line")
    return FASHION_MNIST_LABELS


def guess_image(tensor: TensorSpec) -> ImageSpec:
    """Size and colour from the tensor's shape, pixel range from the real values that its quantisation can express.

    A model in colour takes whole frames, stretched, in red, green, blue. Raises ModelUnsupported for what is none.
    """
    low, high = _guess_range(tensor)
    inner = [size for size in tensor.shape[1:] if size != 1]
    if len(tensor.shape) == 4 and tensor.shape[3] == 3:
        height, width = tensor.shape[1:3]
        return ImageSpec(height, width, low, high, Colour.RGB, Framing.STRETCH)
    if len(inner) == 1 and round(inner[0] ** 0.5) ** 2 == inner[0]:
        inner = [round(inner[0] ** 0.5)] * 2
    if len(inner) != 2:
        hint = "its channels come first, as PyTorch has them: let them come last" if tensor.shape[1:2] == (3,) else None
        raise ModelUnsupported(f"expected one picture as input, the model takes {tensor.shape}", hint or "")
    return ImageSpec(inner[0], inner[1], low, high)


def _guess_range(tensor: TensorSpec) -> tuple[float, float]:
    if not tensor.quantised:
        # What most float recipes divide by 255 for; bytes stand for themselves.
        return (0.0, 255.0) if tensor.dtype.kind == "u" else (0.0, 1.0)
    limits: Any = np.iinfo(tensor.dtype)
    top = (limits.max - tensor.zero_point) * tensor.scale
    bottom = (limits.min - tensor.zero_point) * tensor.scale
    return (0.0 if bottom > -0.5 * top else -1.0), (255.0 if top > 16 else 1.0)


def bounded_by_one(output: TensorSpec) -> bool:
    """Whether the output is a softmax: the converter always gives that the scale 1/256 or 1/255 (or leaves float)."""
    return not output.quantised or output.scale * 256 < 1.01
