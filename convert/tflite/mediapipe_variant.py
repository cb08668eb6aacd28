"""A variant of an int8 classifier for MediaPipe's ImageClassifier: an RGB picture of bytes in, scores in bytes out.

The int8 network stays as it is, to the bit. Drawn into its file, in front: bytes become int8; a fixed 1x1 convolution
makes grey of RGB, or BGR where the network takes that; and a reshape where it takes no (1, height, width, 1). Behind:
a softmax where the network gives logits, of which MediaPipe knows nothing, and int8 becomes bytes. Every operation is
version 3 or lower, so what runs the int8 model runs this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.inference.classifier import Classifier
from edge.inference.interpreters import Interpreter
from edge.inference.model_file import Model
from edge.spec import Colour, ImageSpec, TensorSpec

LUMA = (38, 75, 15)
"""128ths of red, green and blue: ITU-R BT.601's 0.299, 0.587, 0.114. They sum to 128, so grey stays what it is."""

_LUMA_SCALE = 1 / 128
_INT8_TO_UINT8 = 128
_SOFTMAX_SCALE, _SOFTMAX_ZERO_POINT = 1 / 256, -128
"""What TFLite's int8 softmax must have (ai.google.dev/edge/litert/models/quantization_spec)."""


class GreyThrice:
    """The variant behind the interface of a grey model: it takes uint8 (N, height, width, 1).

    Bytes go in as they are, red, green and blue alike, which is what MediaPipe does with a uint8 input.
    """

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter
        self.name = interpreter.name
        self.input = replace(interpreter.input, shape=(*interpreter.input.shape[:3], 1), scale=1.0, zero_point=0)
        self.output = interpreter.output

    def run(self, batch: NDArray[Any]) -> NDArray[Any]:
        """Raw outputs of raw grey inputs."""
        return self._interpreter.run(np.repeat(batch, 3, axis=3))


def is_grey_variant(model: Model, tensor: TensorSpec) -> bool:
    """Whether a model of grey pictures takes RGB, uint8 (1, height, width, 3): the variant of a grey model."""
    if model.image is None or model.image.colour is not Colour.GREY:
        return False
    return len(tensor.shape) == 4 and tensor.shape[3] == 3 and tensor.dtype == np.uint8


def open_grey(model: Model, interpreter: Interpreter) -> Classifier:
    """A classifier of grey pictures with a model that takes RGB. Raises ModelUnsupported if its labels do not fit."""
    _, height, width, _ = interpreter.input.shape
    return Classifier(GreyThrice(interpreter), model.labels, ImageSpec(height, width), gives_logits=False)


def with_rgb_ends(flatbuffer: bytes, image: ImageSpec, gives_logits: bool) -> bytes:
    """The int8 classifier with an RGB input uint8 (1, height, width, 3) and scores uint8 (1, classes) as output.

    A byte stands for the same real value as in `image`, and with red = green = blue the network gets the very int8
    values of the one-channel model where its input's range is that of the pixels.
    """
    drawing = _Drawing(flatbuffer)
    _draw_front(drawing, image)
    _draw_back(drawing, gives_logits)
    return drawing.packed()


def _draw_front(drawing: _Drawing, image: ImageSpec) -> None:
    schema, given = drawing.schema, drawing.graph.inputs[0]
    scale, zero_point = drawing.quantisation(given)
    byte_scale = (image.high - image.low) / 255
    byte_zero = int(np.clip(np.rint(-image.low / byte_scale), 0, 255))
    size = (1, image.height, image.width)
    picture = drawing.tensor("image", (*size, 3), schema.TensorType.UINT8, [byte_scale], byte_zero)
    if image.colour is Colour.RGB:
        drawing.graph.operators = [
            drawing.operation("QUANTIZE", [picture], given, 1, schema.QuantizeOptionsT()),
            *drawing.graph.operators,
        ]
        drawing.graph.inputs = np.array([picture], np.int32)
        return
    colours = drawing.tensor("colours", (*size, 3), schema.TensorType.INT8, [scale], zero_point)
    # Of 1 x 1 pixel: grey, or the three channels turned round, whose weights of one are exact.
    if image.colour is Colour.GREY:
        channels, unit, weights = 1, _LUMA_SCALE, np.array(LUMA, np.int8).reshape(1, 1, 1, 3)
    else:
        channels, unit, weights = 3, 1.0, np.eye(3, dtype=np.int8)[::-1].reshape(3, 1, 1, 3)
    kernel = drawing.constant("luma", weights, [unit])
    bias = drawing.constant("luma_bias", np.zeros(channels, np.int32), [scale * unit])
    ends_in_channel = tuple(drawing.graph.tensors[given].shape) == (*size, channels)
    grey = given if ends_in_channel else drawing.tensor("grey", (*size, 1), schema.TensorType.INT8, [scale], zero_point)
    options = schema.Conv2DOptionsT()
    options.strideH = options.strideW = options.dilationHFactor = options.dilationWFactor = 1
    options.padding = schema.Padding.VALID
    front = [
        drawing.operation("QUANTIZE", [picture], colours, 1, schema.QuantizeOptionsT()),
        drawing.operation("CONV_2D", [colours, kernel, bias], grey, 3, options),
    ]
    if not ends_in_channel:
        shape = drawing.constant("shape", np.array(drawing.graph.tensors[given].shape, np.int32))
        front.append(drawing.operation("RESHAPE", [grey, shape], given, 1, schema.ReshapeOptionsT()))
    drawing.graph.operators = [*front, *drawing.graph.operators]
    drawing.graph.inputs = np.array([picture], np.int32)


def _draw_back(drawing: _Drawing, gives_logits: bool) -> None:
    schema, result = drawing.schema, drawing.graph.outputs[0]
    shape = tuple(drawing.graph.tensors[result].shape)
    if gives_logits:
        options = schema.SoftmaxOptionsT()
        options.beta = 1.0
        kind = schema.TensorType.INT8
        probabilities = drawing.tensor("probabilities", shape, kind, [_SOFTMAX_SCALE], _SOFTMAX_ZERO_POINT)
        drawing.graph.operators.append(drawing.operation("SOFTMAX", [result], probabilities, 2, options))
        result = probabilities
    scale, zero_point = drawing.quantisation(result)
    scores = drawing.tensor("scores", shape, schema.TensorType.UINT8, [scale], zero_point + _INT8_TO_UINT8)
    drawing.graph.operators.append(drawing.operation("QUANTIZE", [result], scores, 1, schema.QuantizeOptionsT()))
    drawing.graph.outputs = np.array([scores], np.int32)


class _Drawing:
    """A flatbuffer taken apart, to which tensors and operations are added."""

    def __init__(self, flatbuffer: bytes) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self.schema: Any = schema
        self.model: Any = schema.ModelT.InitFromPackedBuf(bytearray(flatbuffer), 0)
        self.graph: Any = self.model.subgraphs[0]
        self.model.signatureDefs = None  # it names the grey model's input and output

    def quantisation(self, number: int) -> tuple[float, int]:
        """Scale and zero point of a tensor."""
        found = self.graph.tensors[number].quantization
        return float(found.scale[0]), int(found.zeroPoint[0])

    def tensor(
        self, name: str, shape: Sequence[int], kind: int, scales: Sequence[float] = (), zero_point: int = 0
    ) -> int:
        """A tensor that is computed, or the input; its number."""
        tensor = self.schema.TensorT()
        tensor.name, tensor.shape, tensor.type = name, np.array(shape, np.int32), kind
        if scales:
            tensor.quantization = self.schema.QuantizationParametersT()
            tensor.quantization.scale = np.array(scales, np.float32)
            tensor.quantization.zeroPoint = np.full(len(scales), zero_point, np.int64)
        tensor.buffer = 0  # the empty one, by convention
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def constant(self, name: str, values: NDArray[Any], scales: Sequence[float] = ()) -> int:
        """A tensor with values, int8 or int32; its number."""
        kind = self.schema.TensorType.INT8 if values.dtype == np.int8 else self.schema.TensorType.INT32
        number = self.tensor(name, values.shape, kind, scales)
        self.graph.tensors[number].buffer = len(self.model.buffers)
        self.model.buffers.append(self.schema.BufferT())
        self.model.buffers[-1].data = np.frombuffer(values.tobytes(), np.uint8)
        return number

    def operation(self, name: str, inputs: Sequence[int], output: int, version: int, options: Any) -> Any:
        """An operation, which is yet to be put among the graph's."""
        code = self.schema.OperatorCodeT()
        code.builtinCode = getattr(self.schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), version
        operator = self.schema.OperatorT()
        operator.opcodeIndex = len(self.model.operatorCodes)
        operator.inputs, operator.outputs = np.array(inputs, np.int32), np.array([output], np.int32)
        operator.builtinOptions = options
        operator.builtinOptionsType = getattr(self.schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        self.model.operatorCodes.append(code)
        return operator

    def packed(self) -> bytes:
        """The flatbuffer of all."""
        import flatbuffers

        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(self.model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())
