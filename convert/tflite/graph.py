"""A .tflite file's operations and tensors, read without running it. Damaged files are detected here.

Python's flatbuffers reader trusts every offset in the file, so a flipped bit ends in any of a dozen exceptions, or in
a table that is read from the middle of another. Both are translated here, and nowhere else.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from edge.errors import ModelDamaged, ModelUnsupported

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.inference.model_file import Model

ABSENT = -1
"""Number of an optional input that is left out (schema.fbs, table Operator)."""

_ITEM_TYPES: Mapping[str, str] = {
    "FLOAT32": "<f4",
    "FLOAT16": "<f2",
    "INT32": "<i4",
    "UINT8": "<u1",
    "INT64": "<i8",
    "INT16": "<i2",
    "INT8": "<i1",
    "FLOAT64": "<f8",
    "BOOL": "<u1",
}
_DAMAGED_HINT = "the file is damaged or truncated: copy, download or convert it again"
# What reading at a wrong offset has been seen to raise. UnicodeDecodeError and numpy's complaints are ValueErrors.
_MISREADINGS = (struct.error, LookupError, TypeError, ValueError, AttributeError, ArithmeticError, MemoryError)

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A tensor: `constant` is its content as uint8 (bytes,), None if it is computed; `buffer` numbers the content.

    `type` is the schema's name ("INT8"); `scales` counts the scales: 0 where it is not quantised, 1 for a whole
    tensor, more for one a channel; `scale` and `zero_point` are the first. `is_open` says that a dimension is known
    only at run time.
    """

    name: str
    type: str
    shape: tuple[int, ...]
    is_open: bool
    is_variable: bool
    scales: int
    scale: float
    zero_point: int
    buffer: int
    constant: NDArray[np.uint8] | None

    @property
    def numbers(self) -> list[int]:
        """A constant's values, flat; for axes, paddings and strides."""
        assert self.constant is not None
        return [int(value) for value in self.constant.view(_ITEM_TYPES[self.type])]


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """An operation in the order of execution: `name` is the schema's, or the custom one; None is an input left out."""

    number: int
    name: str
    version: int
    is_custom: bool
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]
    options: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the first output; () where there is none."""
        return self.outputs[0].shape if self.outputs else ()


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """One graph of a file: the main one, or the body of a condition or a loop."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    tensors: tuple[Tensor, ...]
    operations: tuple[Operation, ...]


def constant_bytes(graphs: Sequence[Graph]) -> int:
    """Of all constants of a file, each counted once."""
    sizes = {
        tensor.buffer: len(tensor.constant)
        for graph in graphs
        for tensor in graph.tensors
        if tensor.constant is not None
    }
    return sum(sizes.values())


def read_graphs(model: Model) -> tuple[Graph, ...]:
    """All graphs of a file, the main one first. Raises ModelDamaged, or ModelUnsupported if it keeps data elsewhere."""
    from ai_edge_litert import schema_py_generated as schema

    try:
        root = schema.Model.GetRootAs(model.flatbuffer, 0)
        _check_lengths(root, len(model.flatbuffer))
        content = schema.ModelT.InitFromObj(root)
    except _MISREADINGS as error:
        raise ModelDamaged(f"{model.path} cannot be read: {type(error).__name__} {error}", _DAMAGED_HINT) from error
    reader = _Reader(model, content, schema)
    graphs = tuple(reader.graph(graph) for graph in content.subgraphs or ())
    if not graphs or not graphs[0].operations:
        raise reader.damaged("it holds no operation")
    return graphs


def _check_lengths(root: Any, size_bytes: int) -> None:
    """Lists longer than the file can hold would keep the reader busy for hours. Raises ValueError."""
    entries = root.OperatorCodesLength() + root.SubgraphsLength() + root.BuffersLength()
    entries += root.MetadataLength() + root.SignatureDefsLength()
    graphs = root.SubgraphsLength() if 4 * entries <= size_bytes else 0
    for number in range(graphs):
        entries += root.Subgraphs(number).TensorsLength() + root.Subgraphs(number).OperatorsLength()
        if 4 * entries > size_bytes:
            break
    if 4 * entries > size_bytes:
        raise ValueError(f"its lists have {entries} entries, more than fit into {size_bytes} bytes")


class _Reader:
    """Follows the numbers by which a file's tables refer to each other, and checks each."""

    def __init__(self, model: Model, content: Any, schema: Any) -> None:
        self._path = model.path
        self._content = content
        self._operators = names_of(schema.BuiltinOperator)
        self._types = names_of(schema.TensorType)
        self._custom = schema.BuiltinOperator.CUSTOM

    def damaged(self, what: str) -> ModelDamaged:
        return ModelDamaged(f"{self._path} is damaged: {what}", _DAMAGED_HINT)

    def graph(self, graph: Any) -> Graph:
        tensors = [self._tensor(tensor) for tensor in _entries(graph.tensors)]
        inputs = [self._at(tensors, number, "tensor") for number in _entries(graph.inputs)]
        known = {id(tensor) for tensor in inputs}
        known |= {id(tensor) for tensor in tensors if tensor.constant is not None or tensor.is_variable}
        operations = []
        for number, operator in enumerate(_entries(graph.operators)):
            operation = self._operation(number, operator, tensors)
            for tensor in operation.inputs:
                if tensor is not None and id(tensor) not in known:
                    raise self.damaged(f"operation {number} ({operation.name}) reads {tensor.name}, not yet computed")
            known |= {id(tensor) for tensor in operation.outputs}
            operations.append(operation)
        outputs = [self._at(tensors, number, "tensor") for number in _entries(graph.outputs)]
        return Graph(tuple(inputs), tuple(outputs), tuple(tensors), tuple(operations))

    def _operation(self, number: int, operator: Any, tensors: Sequence[Tensor]) -> Operation:
        code = self._at(self._content.operatorCodes or (), operator.opcodeIndex, "operator code")
        # Operators above 126 do not fit the older, one-byte field (schema.fbs, table OperatorCode).
        builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
        if builtin not in self._operators:
            raise self.damaged(f"operation {number} has the unknown code {builtin}")
        is_custom = builtin == self._custom
        name = _text(code.customCode) if is_custom else self._operators[builtin]
        if code.version < 1:
            raise self.damaged(f"operation {number} ({name}) has version {code.version}")
        inputs = tuple(
            None if tensor == ABSENT else self._at(tensors, tensor, "tensor") for tensor in _entries(operator.inputs)
        )
        outputs = tuple(self._at(tensors, tensor, "tensor") for tensor in _entries(operator.outputs))
        return Operation(number, name, code.version, is_custom, inputs, outputs, operator.builtinOptions)

    def _tensor(self, tensor: Any) -> Tensor:
        name = _text(tensor.name)
        if tensor.type not in self._types:
            raise self.damaged(f"the tensor {name} has the unknown type {tensor.type}")
        buffer = self._at(self._content.buffers or (), tensor.buffer, "buffer")
        if buffer.size > 0 or tensor.externalBuffer > 0:
            raise ModelUnsupported(
                f"{self._path} keeps the data of {name} outside of its tables",
                "files over 2 GB do, and those of litert-quantizer: convert with TensorFlow's converter",
            )
        shape = tuple(int(size) for size in _entries(tensor.shape))
        signature = [int(size) for size in _entries(tensor.shapeSignature)]
        quantisation = tensor.quantization
        scales: Any = _entries(quantisation.scale) if quantisation else ()
        zero_points: Any = _entries(quantisation.zeroPoint) if quantisation else ()
        if not all(math.isfinite(scale) and scale >= 0 for scale in scales):
            raise self.damaged(f"the tensor {name} has a scale that is no number, or below 0")
        found = Tensor(
            name=name,
            type=self._types[tensor.type],
            shape=shape,
            is_open=any(size < 0 for size in [*shape, *signature]),
            is_variable=bool(tensor.isVariable),
            scales=len(scales),
            scale=float(scales[0]) if len(scales) else 0.0,
            zero_point=int(zero_points[0]) if len(zero_points) else 0,
            buffer=tensor.buffer,
            # An empty list of axes is a constant, too, though it has no bytes.
            constant=np.empty(0, np.uint8) if 0 in shape else _content(buffer),
        )
        self._check_size(found, is_dense=tensor.sparsity is None)
        return found

    def _check_size(self, tensor: Tensor, is_dense: bool) -> None:
        item = _ITEM_TYPES.get(tensor.type)
        if tensor.constant is None or item is None:
            return
        size = np.dtype(item).itemsize
        expected = math.prod(tensor.shape) * size
        if len(tensor.constant) != expected and (is_dense or len(tensor.constant) % size):
            raise self.damaged(
                f"the tensor {tensor.name} has {len(tensor.constant)} bytes, expected {expected} "
                f"for {tensor.type} {list(tensor.shape)}"
            )

    def _at(self, items: Sequence[Item], number: int, what: str) -> Item:
        if not 0 <= number < len(items):
            raise self.damaged(f"it refers to {what} {number} of {len(items)}")
        return items[number]


def names_of(enumeration: Any) -> dict[int, str]:
    """Number -> name of one of the schema's enumerations."""
    return {number: name for name, number in vars(enumeration).items() if not name.startswith("_")}


def _text(content: bytes | None) -> str:
    """A name for people's terminals: whatever could steer one is replaced."""
    return "".join(letter if letter.isprintable() else "?" for letter in (content or b"?").decode("utf-8", "replace"))


def _entries(vector: Any) -> Any:
    """A vector that may be absent, as None or as the accessor's 0."""
    return () if vector is None or isinstance(vector, int) else vector


def _content(buffer: Any) -> NDArray[np.uint8] | None:
    data = _entries(buffer.data)
    return data if len(data) else None
