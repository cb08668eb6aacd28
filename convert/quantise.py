"""Quantisers behind one small interface. Today there is one: TensorFlow's converter with min/max calibration."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from convert.quiet import captured
from edge.errors import ConversionRefused

INPUT_NAME = "pixels"


class Quantiser(Protocol):
    """Makes int8 flatbuffers of Keras models; `rule` names how activation ranges come from calibration pictures."""

    @property
    def rule(self) -> str:
        """Name of the calibration rule, for the manifest."""
        ...

    def quantise(self, model: Any, pictures: NDArray[np.float32], on_picture: Callable[[int], None]) -> bytes:
        """Flatbuffer of a Keras model, calibrated on float32 (N, *input shape) in the model's own pixel range.

        `on_picture` is called with the number of pictures seen. Raises ConversionRefused.
        """
        ...


class MinMaxQuantiser:
    """Post-training quantisation as every TFLite runtime takes it: int8 in and out, batch 1, Dense per tensor.

    Ranges are the least and greatest value of each activation over the calibration pictures. See Jacob et al.
    2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
    arXiv:1712.05877; the scheme is that of ai.google.dev/edge/litert/models/quantization_spec.
    """

    rule = "min-max"

    def quantise(self, model: Any, pictures: NDArray[np.float32], on_picture: Callable[[int], None]) -> bytes:
        """Flatbuffer of a Keras model; see Quantiser. Raises ConversionRefused with the converter's last lines."""
        import tensorflow as tf

        def representative() -> Iterator[list[NDArray[np.float32]]]:
            for number in range(len(pictures)):
                yield [pictures[number : number + 1]]
                on_picture(number + 1)

        with captured() as last_lines, tempfile.TemporaryDirectory(prefix="fmnist-edge-") as folder:
            try:
                saved = Path(folder) / "saved_model"
                _export(model, saved)
                converter = tf.lite.TFLiteConverter.from_saved_model(str(saved))
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
                converter.representative_dataset = representative
                converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
                converter.inference_input_type = tf.int8
                converter.inference_output_type = tf.int8
                # tflite-runtime 2.14 and the Edge TPU compiler know no Dense layer with a scale for each channel.
                converter._experimental_disable_per_channel_quantization_for_dense_layers = True
                return bytes(converter.convert())
            # The converter raises whatever its C++ side came up with, down to plain Exception.
            except Exception as error:
                # ConverterError carries a whole program; its gist is in the last lines that C++ wrote.
                reason = last_lines() or " ".join(str(error).split())[:300]
                raise ConversionRefused(
                    f"the converter failed with {type(error).__name__}:\n{reason}",
                    "a layer may have no int8 version: build the model from Dense, Conv2D, pooling and ReLU",
                ) from error


def _export(model: Any, folder: Path) -> None:
    """Write a SavedModel whose only signature takes exactly one picture.

    A Keras 3 model given to the converter directly keeps its batch dimension open, and from_concrete_functions
    loses its weights without a word.
    """
    import keras

    shape = (1, *model.inputs[0].shape[1:])
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint(
        name="serve",
        fn=lambda pixels: model(pixels, training=False),
        input_signature=[keras.InputSpec(shape=shape, dtype="float32", name=INPUT_NAME)],
    )
    archive.write_out(str(folder), verbose=False)
