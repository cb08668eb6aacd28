"""What the Edge TPU compiler maps, operation by operation: Coral's documented rules, each as a few lines.

The operators and their limits are those of coral.ai/docs/edgetpu/models-intro (supported operations; model
requirements). The versions are those of TensorFlow Lite in mid-2021 (2.5), which compiler 16.0, the last one, is built
on: it refuses CONV_2D 6 and TRANSPOSE_CONV 4 (github.com/google-coral/edgetpu issues 631 and 845). Where the page says
that a thing "might not be mapped", by size, this says that it is: only the compiler knows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from convert.tflite.graph import Operation, Tensor

HIGHEST: Mapping[str, int] = {
    "ADD": 3,
    "AVERAGE_POOL_2D": 3,
    "CONCATENATION": 3,
    "CONV_2D": 5,
    "DEPTHWISE_CONV_2D": 6,
    "EXPAND_DIMS": 1,
    "FULLY_CONNECTED": 9,
    "L2_NORMALIZATION": 2,
    "LOGISTIC": 3,
    "MAXIMUM": 4,
    "MAX_POOL_2D": 3,
    "MEAN": 3,
    "MINIMUM": 4,
    "MUL": 4,
    "PACK": 3,
    "PAD": 3,
    "PRELU": 1,
    "QUANTIZE": 2,
    "REDUCE_MAX": 3,
    "REDUCE_MIN": 3,
    "RELU": 3,
    "RELU6": 3,
    "RELU_N1_TO_1": 1,
    "RESHAPE": 1,
    "RESIZE_BILINEAR": 4,
    "RESIZE_NEAREST_NEIGHBOR": 4,
    "RSQRT": 2,
    "SLICE": 5,
    "SOFTMAX": 3,
    "SPACE_TO_DEPTH": 2,
    "SPLIT": 4,
    "SQUARED_DIFFERENCE": 2,
    "SQUEEZE": 2,
    "STRIDED_SLICE": 5,
    "SUB": 5,
    "SUM": 2,
    "TANH": 3,
    "TRANSPOSE": 5,
    "TRANSPOSE_CONV": 3,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": 3,
}
"""The operators that the Edge TPU runs, and the highest version that the compiler can read."""

PARAMETERS: Mapping[str, tuple[int, ...]] = {
    "CONV_2D": (1, 2),
    "DEPTHWISE_CONV_2D": (1, 2),
    "EXPAND_DIMS": (1,),
    "FULLY_CONNECTED": (1, 2),
    "MEAN": (1,),
    "PAD": (1,),
    "PRELU": (1,),
    "REDUCE_MAX": (1,),
    "REDUCE_MIN": (1,),
    "RESHAPE": (1,),
    "RESIZE_BILINEAR": (1,),
    "RESIZE_NEAREST_NEIGHBOR": (1,),
    "SLICE": (1, 2),
    "SPLIT": (0,),
    "STRIDED_SLICE": (1, 2, 3),
    "SUM": (1,),
    "TRANSPOSE": (1,),
    "TRANSPOSE_CONV": (0, 1, 3),
}
"""Which inputs of an operator are parameters (weights, biases, axes): they have to be constants."""

_BYTES = ("INT8", "UINT8")
_CONSTANTS = (*_BYTES, "INT32", "INT64")  # biases are int32; axes and shapes may be either
_LARGEST_SOFTMAX = 16_000
_INNER = 3
_NO_ACTIVATION = 0  # schema.fbs: ActivationFunctionType.NONE
_PLAIN_WEIGHTS = 0  # schema.fbs: FullyConnectedOptionsWeightsFormat.DEFAULT


def version_complaint(operation: Operation) -> str:
    """What makes the compiler refuse a whole file; nothing where it can read the operation."""
    highest = HIGHEST.get(operation.name)
    if operation.is_custom or highest is None or operation.version <= highest:
        return ""
    return f"version {operation.version}, compiler 16.0 reads {highest} at most"


def complaint(operation: Operation) -> str:
    """Why an operation, taken by itself, is not mapped to the Edge TPU; nothing if it is."""
    if operation.is_custom or operation.name not in HIGHEST:
        return "not among the Edge TPU's operations"
    rules: tuple[Callable[[Operation], str], ...] = (
        version_complaint,
        _parameters,
        _types,
        _shapes,
        _LIMITS.get(operation.name, _no_limit),
    )
    return next((said for rule in rules if (said := rule(operation))), "")


def starts_from_float(operation: Operation) -> bool:
    """Whether this makes int8 of the model's float input: the compiler leaves it on the CPU and goes on behind it."""
    given = _input(operation, 0)
    return operation.name == "QUANTIZE" and given is not None and given.type == "FLOAT32"


def _parameters(operation: Operation) -> str:
    for position in PARAMETERS.get(operation.name, ()):
        tensor = _input(operation, position)
        if tensor is not None and tensor.constant is None:
            return f"its parameter {tensor.name} is computed, expected a constant"
    return ""


def _types(operation: Operation) -> str:
    for tensor in _tensors(operation):
        if tensor.is_variable:
            continue  # the state of an LSTM, int16 by its specification
        allowed = _BYTES if tensor.constant is None else _CONSTANTS
        if tensor.type not in allowed:
            return f"{tensor.name} is {tensor.type.lower()}, expected int8 or uint8"
        if tensor.type in _BYTES and not tensor.scales:
            return f"{tensor.name} is not quantised: it has no scale"
    return ""


def _shapes(operation: Operation) -> str:
    for tensor in _tensors(operation):
        if tensor.is_open:
            return f"{tensor.name} has an open dimension, expected a fixed shape"
        if tensor.constant is None and any(size > 1 for size in tensor.shape[:-_INNER]):
            return f"{tensor.name} is {list(tensor.shape)}: only the {_INNER} innermost may be larger than 1"
    return ""


def _no_limit(_operation: Operation) -> str:
    return ""


def _no_activation(operation: Operation) -> str:
    fused = _option(operation, "fusedActivationFunction")
    return "" if fused == _NO_ACTIVATION else "it has a fused activation"


def _concatenation(operation: Operation) -> str:
    constants = [tensor for tensor in operation.inputs if tensor is not None and tensor.constant is not None]
    if constants and len(operation.inputs) != 2:
        return f"it joins a constant to {len(operation.inputs) - 1} others, expected to one"
    if any(set(tensor.numbers) - {tensor.zero_point} for tensor in constants):
        return "it joins a constant other than zeros"
    return _no_activation(operation)


def _dilation(operation: Operation) -> str:
    across, down = _option(operation, "dilationWFactor", 1), _option(operation, "dilationHFactor", 1)
    return "" if across == down else f"its dilation is {across} across and {down} down, expected the same"


def _fully_connected(operation: Operation) -> str:
    if _option(operation, "weightsFormat") != _PLAIN_WEIGHTS:
        return "its weights are shuffled, expected the default format"
    return "" if _is_flat(operation.shape) else f"its output is {list(operation.shape)}, expected one dimension"


def _softmax(operation: Operation) -> str:
    shape = operation.shape
    if not _is_flat(shape):
        return f"its input is {list(shape)}, expected one dimension"
    return "" if math.prod(shape) <= _LARGEST_SOFTMAX else f"it is over {math.prod(shape)}, at most {_LARGEST_SOFTMAX}"


def _reduction(operation: Operation) -> str:
    given, axes = _input(operation, 0), _numbers(operation, 1)
    rank = len(given.shape) if given else 0
    return "it reduces over the batch" if rank and 0 in {axis % rank for axis in axes} else ""


def _mean(operation: Operation) -> str:
    given, axes = _input(operation, 0), _numbers(operation, 1)
    if given and given.shape and any(axis % len(given.shape) == len(given.shape) - 1 for axis in axes):
        depth = given.shape[-1]
        if depth % 4:
            return f"it is a mean over {depth} channels, expected a multiple of 4"
    return _reduction(operation)


def _pack(operation: Operation) -> str:
    return "it packs along the batch" if _option(operation, "axis") == 0 else ""


def _split(operation: Operation) -> str:
    return "it splits the batch" if 0 in _numbers(operation, 0) else ""


def _pad(operation: Operation) -> str:
    return "it pads the batch" if any(_numbers(operation, 1)[:2]) else ""


def _prelu(operation: Operation) -> str:
    alpha = _input(operation, 1)
    return "" if alpha is None or _is_flat(alpha.shape) else f"its alpha is {list(alpha.shape)}, expected one dimension"


def _resize(operation: Operation) -> str:
    return "half-pixel centres" if _option(operation, "halfPixelCenters") else ""


def _squeeze(operation: Operation) -> str:
    given = _input(operation, 0)
    shape = given.shape if given else ()
    squeezed = _option(operation, "squeezeDims", None)
    dims = [axis for axis, size in enumerate(shape) if size == 1] if squeezed is None else [int(d) for d in squeezed]
    leading = next((axis for axis, size in enumerate(shape) if size != 1), len(shape))
    inner = any(axis % len(shape) >= leading for axis in dims) if shape else False
    return f"it takes a dimension out of the middle of {list(shape)}" if inner else ""


def _strided_slice(operation: Operation) -> str:
    if set(_numbers(operation, 3)) - {1}:
        return "it has strides other than 1"
    masks = [name for name in ("ellipsisMask", "newAxisMask") if _option(operation, name)]
    return f"it uses {masks[0]}" if masks else ""


_LIMITS: Mapping[str, Callable[[Operation], str]] = {
    "AVERAGE_POOL_2D": _no_activation,
    "CONCATENATION": _concatenation,
    "CONV_2D": _dilation,
    "DEPTHWISE_CONV_2D": _dilation,
    "FULLY_CONNECTED": _fully_connected,
    "MAX_POOL_2D": _no_activation,
    "MEAN": _mean,
    "PACK": _pack,
    "PAD": _pad,
    "PRELU": _prelu,
    "REDUCE_MAX": _reduction,
    "REDUCE_MIN": _reduction,
    "RESIZE_BILINEAR": _resize,
    "RESIZE_NEAREST_NEIGHBOR": _resize,
    "SOFTMAX": _softmax,
    "SPLIT": _split,
    "SQUEEZE": _squeeze,
    "STRIDED_SLICE": _strided_slice,
    "SUM": _reduction,
}


def _tensors(operation: Operation) -> list[Tensor]:
    return [tensor for tensor in (*operation.inputs, *operation.outputs) if tensor is not None]


def _input(operation: Operation, position: int) -> Tensor | None:
    return operation.inputs[position] if position < len(operation.inputs) else None


def _numbers(operation: Operation, position: int) -> list[int]:
    tensor = _input(operation, position)
    return [] if tensor is None or tensor.constant is None else tensor.numbers


def _option(operation: Operation, name: str, default: int | None = 0) -> Any:
    """An option of the operator; an operation without any has the schema's defaults."""
    return getattr(operation.options, name, default)


def _is_flat(shape: tuple[int, ...]) -> bool:
    return all(size == 1 for size in shape[:-1])
