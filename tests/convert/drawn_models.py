"""Models drawn tensor by tensor with the schema: the faults that a check is there for, without a converter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from edge.inference.model_file import Model


class Drawing:
    """One graph (more with `next_graph`) of int8 tensors and operations, in the order in which they are added."""

    def __init__(self) -> None:
        self.model = schema.ModelT()
        self.model.version, self.model.operatorCodes, self.model.subgraphs = 3, [], []
        self.model.buffers = [schema.BufferT()]  # the first is empty, by convention
        self.next_graph()

    def next_graph(self) -> None:
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators, self.graph.inputs, self.graph.outputs = [], [], [], []
        self.model.subgraphs.append(self.graph)

    def tensor(
        self,
        *shape: int,
        kind: str = "INT8",
        signature: Sequence[int] | None = None,
        scale: float | None = 0.5,
        zero_point: int = 0,
    ) -> int:
        """A computed tensor; its number."""
        tensor = schema.TensorT()
        tensor.shape, tensor.type = np.array(shape, np.int32), getattr(schema.TensorType, kind)
        tensor.name = f"t{len(self.graph.tensors)}"
        if signature is not None:
            tensor.shapeSignature = np.array(signature, np.int32)
        if scale is not None and kind in {"INT8", "UINT8", "INT32"}:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = np.array([scale], np.float32)
            tensor.quantization.zeroPoint = np.array([zero_point], np.int64)
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def constant(self, content: Any, kind: str = "INT8", **more: Any) -> int:
        """A tensor with content; its number."""
        dtype = {"INT8": np.int8, "INT32": np.int32, "FLOAT32": np.float32}[kind]
        array = np.asarray(content, dtype)
        number = self.tensor(*array.shape, kind=kind, **more)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(array.tobytes(), np.uint8)
        self.graph.tensors[number].buffer = len(self.model.buffers)
        self.model.buffers.append(buffer)
        return number

    def operation(
        self, name: str, inputs: Sequence[int], output: int, version: int = 1, options: Any = None, custom: str = ""
    ) -> int:
        """An operation; gives its output back."""
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), version
        code.customCode = custom or None
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self.model.operatorCodes)
        operator.inputs, operator.outputs = np.array(inputs, np.int32), np.array([output], np.int32)
        if options is not None:
            kind = type(options).__name__.removesuffix("T")
            operator.builtinOptions, operator.builtinOptionsType = options, getattr(schema.BuiltinOptions, kind)
        self.model.operatorCodes.append(code)
        self.graph.operators.append(operator)
        return output

    def convolution(self, given: int, side: int = 8, version: int = 3, channels: int = 4) -> int:
        """A 1x1 convolution of a picture of `channels` to another, with constant weights and biases."""
        weights = self.constant(np.ones((channels, 1, 1, channels)))
        biases = self.constant(np.zeros(channels), "INT32")
        output = self.tensor(1, side, side, channels)
        return self.operation("CONV_2D", [given, weights, biases], output, version, schema.Conv2DOptionsT())

    def ends(self, given: int, result: int) -> None:
        self.graph.inputs, self.graph.outputs = [given], [result]

    def flatbuffer(self) -> bytes:
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())


def as_model(flatbuffer: bytes) -> Model:
    """A model of unknown origin, as read_model gives it."""
    return Model("drawn", Path("drawn.tflite"), flatbuffer, (), None, gives_logits=False, manifest=None)


def three_convolutions() -> Drawing:
    """A model that passes everywhere, to plant a fault in."""
    drawing = Drawing()
    given = drawing.tensor(1, 8, 8, 4)
    result = drawing.convolution(drawing.convolution(drawing.convolution(given)))
    drawing.ends(given, result)
    return drawing


def compiled_model() -> bytes:
    """The shape of what the Edge TPU compiler writes: one custom operation that takes all."""
    drawing = Drawing()
    given, result = drawing.tensor(1, 8, 8, 4), drawing.tensor(1, 10)
    drawing.ends(given, drawing.operation("CUSTOM", [given], result, custom="edgetpu-custom-op"))
    return drawing.flatbuffer()
