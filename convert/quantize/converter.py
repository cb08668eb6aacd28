"""From float model to int8 flatbuffer: calibrated once and quantised by any rule, or by the public converter alone."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from convert.inputs.model_inputs import Inputs
from convert.inputs.source import Export
from convert.inputs.tensorflow_converter import OnPicture, refusing, tflite_converter
from convert.quantize import internals
from convert.quantize.multiplications import with_multiplications
from convert.quantize.ranges import BINS, Statistics
from convert.quantize.splits import without_unused_parts
from convert.settings import CALIBRATED, Rule, Scheme
from edge.spec import ImageSpec


class Calibrated(Protocol):
    """A calibrated model, ready to be quantised."""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that it can be quantised by, the first one first."""
        ...

    @property
    def graph(self) -> bytes | None:
        """The float flatbuffer that it is made of; None where it stays inside TensorFlow's converter."""
        ...

    def quantise(self, rule: Rule | None, pictures: int) -> bytes:
        """The flatbuffer by a rule and the first of the calibration pictures. Raises ConversionRefused."""
        ...


Calibrate = Callable[[Inputs, ImageSpec, OnPicture], Calibrated]
"""Looks at a float model with pictures float32 (N, *input shape) in the model's own pixel range."""


@dataclass(frozen=True, slots=True, eq=False)
class RuledModel:
    """A float flatbuffer, the statistics of its activations on the calibration pictures, and which hold the picture.

    The latter, bool (T,), get the range of the pixels whatever the rule: a pixel is exact in int8.
    """

    graph: bytes
    statistics: Statistics
    holds_picture: NDArray[np.bool_]
    image: ImageSpec

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All six rules."""
        return tuple(Rule)

    def quantise(self, rule: Rule | None, pictures: int) -> bytes:
        """The int8 flatbuffer. Raises ConversionRefused."""
        assert rule is not None
        ranges = self.statistics.ranges(rule, pictures).copy()
        ranges[self.holds_picture] = self.image.low, self.image.high
        with refusing():
            return internals.quantised(internals.with_ranges(self.graph, ranges))


def calibrate(export: Export, pictures: Inputs, image: ImageSpec, on_picture: OnPicture) -> RuledModel:
    """Convert to a float flatbuffer and go on as `calibrate_flatbuffer`."""
    with refusing(), tempfile.TemporaryDirectory(prefix="fmnist-edge-") as folder:
        graph = internals.calibrated_graph(tflite_converter(export, folder, pictures[:1], lambda done: None))
    return calibrate_flatbuffer(graph, pictures, image, on_picture)


def calibrate_flatbuffer(graph: bytes, pictures: Inputs, image: ImageSpec, on_picture: OnPicture) -> RuledModel:
    """Run a float flatbuffer on the pictures twice: for the extremes of each activation, then for its histogram.

    Its activations have ranges, whatever these are. `on_picture` is called with up to twice the number of pictures.
    Raises ConversionRefused, or InternalsMissing.
    """
    with refusing():
        internals.require_quantiser()
        graph = with_multiplications(without_unused_parts(graph))
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
    graph: None = None

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Min-max alone, or none for the schemes that look at no pictures."""
        return (Rule.MIN_MAX,) if self.scheme in CALIBRATED else ()

    def quantise(self, rule: Rule | None, pictures: int) -> bytes:
        """The one file."""
        return self.flatbuffer


def convert_plainly(
    export: Export,
    pictures: Inputs,
    image: ImageSpec,
    on_picture: OnPicture,
    scheme: Scheme = Scheme.INT8,
) -> PlainModel:
    """Convert with nothing but TensorFlow's public interface. Raises ConversionRefused with its last lines."""
    with refusing(), tempfile.TemporaryDirectory(prefix="fmnist-edge-") as folder:
        return PlainModel(bytes(tflite_converter(export, folder, pictures, on_picture, scheme).convert()), scheme)
