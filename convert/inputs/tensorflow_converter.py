"""TensorFlow's converter: from an exported SavedModel to a flatbuffer, by its public interface alone."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.converter_log import note_layers, noted_layers, save
from convert.inputs.model_inputs import Inputs
from convert.inputs.source import Export
from convert.quiet import captured
from convert.settings import CALIBRATED, Scheme
from edge.errors import ConversionRefused, FmnistEdgeError

OnPicture = Callable[[int], None]
"""Called with the number of pictures seen so far."""


_OPERATION = re.compile(r"'(tf\.\w+|tfl\.\w+)' op ")
"""How MLIR's errors name an operation that it cannot convert."""


_COMPUTES_NOTHING = re.compile(
    r"NoOp|Disable|Regex|Identity|Const|Variable|Call|Placeholder|Save|Restore|Handle|Filename|String|Merge"
)
_LOOP = re.compile(r"TensorList|While")
_HINT = "a layer may have no int8 form: Dense, Conv2D, pooling and ReLU have"
HINT_LOOP = "loops have no int8 form: give the Keras file, or build its recurrent layers with unroll=True"


class InternalsMissing(Exception):
    """A private function of TensorFlow is missing. Callers fall back; no user sees it."""


def float_flatbuffer(export: Export) -> bytes:
    """The float model as TensorFlow's converter writes it. Raises ConversionRefused."""
    nothing = np.empty(0, np.float32)
    with refusing(), tempfile.TemporaryDirectory(prefix="fmnist-edge-") as folder:
        return bytes(tflite_converter(export, folder, nothing, lambda done: None, Scheme.FLOAT32).convert())


def tflite_converter(
    export: Export, folder: str, pictures: Inputs, on_picture: OnPicture, scheme: Scheme = Scheme.INT8
) -> Any:
    """A converter to a scheme as every TFLite runtime takes it: batch 1, Dense per tensor, integers in and out.

    The schemes are those of ai.google.dev/edge/litert/models/post_training_quantization.
    """
    import tensorflow as tf

    def representative() -> Iterator[list[NDArray[np.float32]]]:
        for number in range(len(pictures)):
            yield [pictures[number : number + 1]]
            on_picture(number + 1)

    saved = Path(folder) / "saved_model"
    export(saved)
    if not noted_layers():
        note_layers(_operations(saved))
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved))
    if scheme is Scheme.FLOAT32:
        return converter
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if scheme is Scheme.FLOAT16:
        converter.target_spec.supported_types = [tf.float16]
    if scheme in CALIBRATED:
        operations, numbers = {
            Scheme.INT8: (tf.lite.OpsSet.TFLITE_BUILTINS_INT8, tf.int8),
            Scheme.INT16X8: (
                tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
                tf.int16,
            ),
        }[scheme]
        converter.representative_dataset = representative
        converter.target_spec.supported_ops = [operations]
        converter.inference_input_type = converter.inference_output_type = numbers
    # tflite-runtime 2.14 and the Edge TPU compiler know no Dense layer with a scale for each channel.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    return converter


def _operations(saved: Path) -> list[str]:
    """The operations of a SavedModel, but for those that compute nothing: for one that does not tell its layers."""
    from tensorflow.core.protobuf import saved_model_pb2

    graph = saved_model_pb2.SavedModel.FromString((saved / "saved_model.pb").read_bytes()).meta_graphs[0].graph_def
    kinds = {node.op for function in graph.library.function for node in function.node_def}
    return sorted(kind for kind in kinds if not _COMPUTES_NOTHING.search(kind))


@contextmanager
def refusing() -> Iterator[None]:
    """Keep TensorFlow quiet, and turn its failures into ConversionRefused with its last lines of output."""
    with captured() as last_lines:
        try:
            yield
        except (InternalsMissing, FmnistEdgeError):
            raise
        # The converter raises whatever its C++ side came up with, down to plain Exception.
        except Exception as error:
            # ConverterError carries a whole program, and C++ writes another: both go into the log.
            reason = gist(f"{error}\n{last_lines()}")
            log = save()
            hint = HINT_LOOP if _LOOP.search(reason) else _HINT
            where = f"; all that TensorFlow said is in {log}" if log else ""
            raise ConversionRefused(
                f"TensorFlow's converter failed with {type(error).__name__}: {reason}",
                f"{hint}{where}",
            ) from error


def gist(text: str) -> str:
    """What a failure of the converter is about: the operations that it names, or else its first line, cut short."""
    operations = list(dict.fromkeys(_OPERATION.findall(text)))
    if operations:
        return f"no TFLite form for {', '.join(operations)}"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return (lines or ["no reason given"])[0][:200]
