"""From float model to int8 flatbuffer: calibrated once and quantised by any rule, or by the public converter alone."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from convert.inputs.source import Export
from convert.quantize import internals
from convert.quantize.ranges import BINS, Statistics
from convert.quiet import captured
from convert.settings import CALIBRATED, Rule, Scheme
from convert.verify.layer_errors import LayerError, layer_errors
from edge.errors import ConversionRefused
from edge.spec import ImageSpec

INPUT_NAME = "pixels"

OnPicture = Callable[[int], None]
"""Called with the number of pictures seen so far."""


class Calibrated(Protocol):
    """A model that waits to be quantised."""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that it can be quantised by, the first one first."""
        ...

    def quantise(self, rule: Rule | None, pictures: int) -> bytes:
        """The flatbuffer by a rule and the first of the calibration pictures. Raises ConversionRefused."""
        ...

    def layer_errors(self, int8: bytes, pictures: NDArray[np.float32]) -> Sequence[LayerError]:
        """What each activation loses in such a flatbuffer, as far as it can be known."""
        ...


Calibrate = Callable[[NDArray[np.float32], ImageSpec, OnPicture], Calibrated]
"""Looks at a float model with pictures float32 (N, *input shape) in the model's own pixel range."""


@dataclass(frozen=True, slots=True, eq=False)
class RuledModel:
    """A float flatbuffer, what its activations did on the calibration pictures, and which of them hold the picture.

    The latter, bool (T,), get the range of the pixels whatever the rule: a pixel is exact in int8.
    """

    graph: bytes
    statistics: Statistics
    holds_picture: NDArray[np.bool_]
    image: ImageSpec

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All of them."""
        return tuple(Rule)

    def quantise(self, rule: Rule | None, pictures: int) -> bytes:
        """The int8 flatbuffer. Raises ConversionRefused."""
        assert rule is not None
        ranges = self.statistics.ranges(rule, pictures).copy()
        ranges[self.holds_picture] = self.image.low, self.image.high
        with _refusing():
            return internals.quantised(internals.with_ranges(self.graph, ranges))

    def layer_errors(self, int8: bytes, pictures: NDArray[np.float32]) -> Sequence[LayerError]:
        """Of all activations, on pictures float32 (N, *input shape)."""
        return layer_errors(self.graph, int8, pictures)


def calibrate(export: Export, pictures: NDArray[np.float32], image: ImageSpec, on_picture: OnPicture) -> RuledModel:
    """Convert to a float flatbuffer and go on as `calibrate_flatbuffer`."""
    with _refusing(), tempfile.TemporaryDirectory(prefix="fmnist-edge-") as folder:
        graph = internals.calibrated_graph(_converter(export, folder, pictures[:1], lambda done: None))
    return calibrate_flatbuffer(graph, pictures, image, on_picture)


def calibrate_flatbuffer(
    graph: bytes, pictures: NDArray[np.float32], image: ImageSpec, on_picture: OnPicture
) -> RuledModel:
    """Run a float flatbuffer on the pictures twice: for the extremes of each activation, then for its histogram.

    Its activations have ranges, whatever these are. `on_picture` is called with up to twice the number of pictures.
    Raises ConversionRefused, or InternalsMissing.
    """
    with _refusing():
        internals.require_quantiser()
        tensors = internals.activations(graph)
        least = np.empty((len(pictures), len(tensors)), np.float32)
        greatest = np.empty_like(least)
        for number, held in enumerate(internals.values(graph, tensors, pictures)):
            least[number] = [values.min() for values in held]
            greatest[number] = [values.max() for values in held]
            on_picture(number + 1)
        low, high = least.min(axis=0), greatest.max(axis=0)
        counts = np.zeros((len(pictures), len(tensors), BINS), np.uint32)
        for number, held in enumerate(internals.values(graph, tensors, pictures)):
            for tensor, values in enumerate(held):
                counts[number, tensor], _ = np.histogram(values, BINS, (low[tensor], high[tensor]))
            on_picture(len(pictures) + number + 1)
    entrance = tensors.index(internals.input_number(graph))
    same = (least == least[:, [entrance]]).all(axis=0) & (greatest == greatest[:, [entrance]]).all(axis=0)
    return RuledModel(graph, Statistics(least, greatest, counts), same, image)


@dataclass(frozen=True, slots=True, eq=False)
class PlainModel:
    """What the public converter makes: one file; int8 and int16x8 by min-max over all calibration pictures.

    Least and greatest value of each activation: Jacob et al. 2018, "Quantization and Training of Neural Networks for
    Efficient Integer-Arithmetic-Only Inference", arXiv:1712.05877.
    """

    flatbuffer: bytes
    scheme: Scheme

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Min-max alone, or none for the schemes that look at no pictures."""
        return (Rule.MIN_MAX,) if self.scheme in CALIBRATED else ()

    def quantise(self, rule: Rule | None, pictures: int) -> bytes:
        """The file that there is."""
        return self.flatbuffer

    def layer_errors(self, int8: bytes, pictures: NDArray[np.float32]) -> Sequence[LayerError]:
        """None: the float graph stays inside the converter."""
        return ()


def convert_plainly(
    export: Export,
    pictures: NDArray[np.float32],
    image: ImageSpec,
    on_picture: OnPicture,
    scheme: Scheme = Scheme.INT8,
) -> PlainModel:
    """Convert with nothing but TensorFlow's public interface. Raises ConversionRefused with its last lines."""
    with _refusing(), tempfile.TemporaryDirectory(prefix="fmnist-edge-") as folder:
        return PlainModel(bytes(_converter(export, folder, pictures, on_picture, scheme).convert()), scheme)


def float_flatbuffer(export: Export) -> bytes:
    """The float model as TensorFlow's converter writes it. Raises ConversionRefused."""
    nothing = np.empty(0, np.float32)
    return convert_plainly(export, nothing, ImageSpec(), lambda done: None, Scheme.FLOAT32).flatbuffer


def _converter(
    export: Export, folder: str, pictures: NDArray[np.float32], on_picture: OnPicture, scheme: Scheme = Scheme.INT8
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


@contextmanager
def _refusing() -> Iterator[None]:
    """Keep TensorFlow quiet, and turn its failures into ConversionRefused with the last lines that it said."""
    with captured() as last_lines:
        try:
            yield
        except internals.InternalsMissing:
            raise
        # The converter raises whatever its C++ side came up with, down to plain Exception.
        except Exception as error:
            # ConverterError carries a whole program; its gist is in the last lines that C++ wrote.
            reason = last_lines() or " ".join(str(error).split())[:300]
            raise ConversionRefused(
                f"the converter failed with {type(error).__name__}:\n{reason}",
                "a layer may have no int8 version: build the model from Dense, Conv2D, pooling and ReLU",
            ) from error
