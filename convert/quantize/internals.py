"""The two private functions of TensorFlow that calibration by rules needs. Nothing else here is private.

Neither is public: a TensorFlow that drops them makes `calibrated_graph` or `quantised` raise InternalsMissing, the
search falls back to the public converter with its min-max calibration, and test_internals.py fails.
Found in TensorFlow 2.19 to 2.22.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.inputs.model_inputs import Inputs
from convert.inputs.tensorflow_converter import InternalsMissing


def calibrated_graph(converter: Any) -> bytes:
    """The float model as a flatbuffer whose activations have ranges, ready for `quantised`.

    `converter` is a TFLiteConverter set up for int8, with a representative data set. Raises InternalsMissing.
    """
    if not hasattr(converter, "_experimental_calibrate_only"):
        raise InternalsMissing("TFLiteConverter has no _experimental_calibrate_only")
    converter._experimental_calibrate_only = True
    return bytes(converter.convert())


def require_quantiser() -> None:
    """Raise InternalsMissing if `quantised` cannot be had at all."""
    try:
        from tensorflow.lite.python.convert import _types_pb2, mlir_quantize  # noqa: F401 - whether they are there
    except ImportError as error:
        raise InternalsMissing(str(error)) from error


def quantised(graph: bytes) -> bytes:
    """The int8 model of a flatbuffer with ranges: int8 in and out, Dense per tensor. Raises InternalsMissing."""
    require_quantiser()
    import tensorflow as tf
    from tensorflow.lite.python.convert import _types_pb2, mlir_quantize

    try:
        return bytes(
            mlir_quantize(
                graph,
                fully_quantize=True,
                inference_type=_types_pb2.QUANTIZED_INT8,
                input_data_type=tf.int8,
                output_data_type=tf.int8,
                disable_per_channel_for_dense_layers=True,
            )
        )
    except (TypeError, AttributeError) as error:  # an argument was renamed
        raise InternalsMissing(str(error)) from error


def activations(graph: bytes) -> list[int]:
    """Numbers of the tensors that have a range: the inputs, outputs and all that is computed between."""
    return [number for number, tensor in enumerate(tensors(graph)) if _has_range(tensor)]


def tensors(flatbuffer: bytes) -> Sequence[Any]:
    """The tensors of a flatbuffer's graph, as the schema has them."""
    found: Sequence[Any] = _read(flatbuffer).subgraphs[0].tensors
    return found


def with_ranges(graph: bytes, ranges: NDArray[np.float32]) -> bytes:
    """The flatbuffer with other ranges, float32 (T, 2), for the tensors of `activations`."""
    import flatbuffers

    model = _read(graph)
    ranged = [tensor for tensor in model.subgraphs[0].tensors if _has_range(tensor)]
    for tensor, (low, high) in zip(ranged, ranges, strict=True):
        tensor.quantization.min, tensor.quantization.max = [float(low)], [float(high)]
    builder = flatbuffers.Builder(len(graph) + 4096)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def input_number(graph: bytes) -> int:
    """Number of the tensor that takes the picture."""
    return int(_read(graph).subgraphs[0].inputs[0])


def values(flatbuffer: bytes, numbers: Sequence[int], inputs: Inputs) -> Iterator[list[NDArray[Any]]]:
    """For each input, (N, *input shape) as the model takes them, what the tensors of these numbers hold.

    The converter's own calibration looks at a tensor after the whole run, when an addition may have put its result
    into the memory of one of its inputs (TensorFlow 2.21): that input then seems to have the result's range. Here
    each tensor keeps its memory.
    """
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=flatbuffer,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    interpreter.allocate_tensors()
    entrance = interpreter.get_input_details()[0]["index"]
    for number in range(len(inputs)):
        interpreter.set_tensor(entrance, inputs[number : number + 1])
        interpreter.invoke()
        yield [interpreter.get_tensor(tensor) for tensor in numbers]


def _read(graph: bytes) -> Any:
    from ai_edge_litert import schema_py_generated as schema

    return schema.ModelT.InitFromPackedBuf(bytearray(graph), 0)


def _has_range(tensor: Any) -> bool:
    return tensor.quantization is not None and tensor.quantization.min is not None
