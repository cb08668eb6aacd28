"""Standard TFLite Metadata: read back here by table and field number, as metadata_schema.fbs has them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import flatbuffers
import flatbuffers.number_types as kinds
import numpy as np
import pytest

from convert.tflite import metadata
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import MARKER, Model, read_model
from edge.spec import FASHION_MNIST_LABELS, ImageSpec

if TYPE_CHECKING:
    from edge.datasets.dataset import Dataset
    from tests.convert.conftest import Converted


class Table:
    """A flatbuffer table read by field numbers, independently of the writer."""

    def __init__(self, content: bytes, position: int | None = None) -> None:
        start = flatbuffers.encode.Get(kinds.UOffsetTFlags.packer_type, content, 0) if position is None else position
        self._content = content
        self._table = flatbuffers.table.Table(content, start)

    def _at(self, field: int) -> int:
        offset = self._table.Offset(4 + 2 * field)
        assert offset, f"field {field} is absent"
        return int(offset + self._table.Pos)

    def table(self, field: int) -> Table:
        return Table(self._content, self._table.Indirect(self._at(field)))

    def tables(self, field: int) -> list[Table]:
        offset = self._at(field) - self._table.Pos
        start, length = self._table.Vector(offset), self._table.VectorLen(offset)
        return [Table(self._content, self._table.Indirect(start + 4 * number)) for number in range(length)]

    def text(self, field: int) -> str:
        return bytes(self._table.String(self._at(field))).decode()

    def number(self, field: int, kind: Any = kinds.Uint8Flags) -> int:
        return int(self._table.Get(kind, self._at(field)))

    def floats(self, field: int) -> list[float]:
        offset = self._at(field) - self._table.Pos
        start, length = self._table.Vector(offset), self._table.VectorLen(offset)
        return [float(self._table.Get(kinds.Float32Flags, start + 4 * number)) for number in range(length)]


def entries(flatbuffer: bytes) -> dict[str, bytes]:
    """The model's metadata entries by name."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(bytearray(flatbuffer), 0)
    return {entry.name.decode(): bytes(model.buffers[entry.buffer].data) for entry in model.metadata}


@pytest.fixture(scope="module")
def model(converted: Converted) -> Model:
    return read_model(str(converted.model))


def test_the_model_describes_its_picture_and_its_labels(model: Model) -> None:
    content = entries(model.flatbuffer)["TFLITE_METADATA"]
    assert content[4:8] == b"M001"
    root = Table(content)
    assert root.text(0) == "tiny"
    assert root.text(7) == "1.0.0"
    (graph,) = root.tables(3)
    (given,), (result,) = graph.tables(2), graph.tables(3)
    assert given.table(3).number(0) == 2  # ContentProperties.ImageProperties
    properties = given.table(3).table(1)
    assert properties.number(0) == 2  # ColorSpaceType.GRAYSCALE
    assert [properties.table(1).number(field, kinds.Uint32Flags) for field in (0, 1)] == [28, 28]
    (unit,) = given.tables(4)
    assert unit.number(0) == 1  # ProcessUnitOptions.NormalizationOptions
    assert (unit.table(1).floats(0), unit.table(1).floats(1)) == ([0.0], [1.0])
    (labels,) = result.tables(6)
    assert labels.text(0) == "labels.txt"
    assert labels.number(2) == 2  # AssociatedFileType.TENSOR_AXIS_LABELS


@pytest.mark.parametrize(("low", "high", "mean", "deviation"), [(0, 1, 0, 255), (-1, 1, 127.5, 127.5), (0, 255, 0, 1)])
def test_normalisation_means_what_the_image_spec_means(low: float, high: float, mean: float, deviation: float) -> None:
    image = ImageSpec(low=low, high=high)
    (graph,) = Table(metadata.describe("x", image)).tables(3)
    (unit,) = graph.tables(2)[0].tables(4)
    options = unit.table(1)
    assert (options.floats(0), options.floats(1)) == ([mean], [deviation])
    every_byte = np.arange(256, dtype=np.uint8)
    np.testing.assert_allclose((every_byte - mean) / deviation, image.normalise(every_byte), atol=1e-5)


def test_the_appended_zip_holds_the_labels_and_the_marker_announces_it(converted: Converted, model: Model) -> None:
    assert MARKER.decode() in entries(model.flatbuffer)
    with zipfile.ZipFile(io.BytesIO(converted.model.read_bytes())) as archive:
        assert archive.namelist() == ["labels.txt", "manifest.json"]
        assert archive.read("labels.txt").decode().split("\n")[:-1] == list(FASHION_MNIST_LABELS)
        for member in archive.infolist():
            assert member.compress_type == zipfile.ZIP_STORED
            assert member.date_time == (1980, 1, 1, 0, 0, 0)


def test_all_data_lie_on_sixteen_bytes(model: Model) -> None:
    """Kernels with vector loads count on it. The generated writer alone would not see to it."""
    from ai_edge_litert import schema_py_generated as schema

    root = schema.Model.GetRootAs(model.flatbuffer, 0)
    starts = []
    for number in range(root.BuffersLength()):
        buffer = root.Buffers(number)
        if not buffer.DataIsNone() and buffer.DataLength():
            starts.append(buffer._tab.Vector(buffer._tab.Offset(4)))
    assert len(starts) > 4
    assert [start % 16 for start in starts] == [0] * len(starts)


def test_the_models_answers_stay_the_same_to_the_bit(converted: Converted, model: Model, test_data: Dataset) -> None:
    """Against the converter's own file, before anything was embedded in it."""
    import keras

    from convert.inputs.keras_export import exporter
    from convert.quantize.calibration import choose
    from convert.quantize.converter import calibrate
    from convert.settings import Rule
    from edge.datasets import dataset

    source = keras.saving.load_model(converted.keras, compile=False)
    pictures, _ = choose(dataset.load("train", allow_download=False), 2000, 200, seed=0)
    calibrated = calibrate(exporter(source), ImageSpec().normalise(pictures), ImageSpec(), lambda done: None)
    before = calibrated.quantise(Rule.MIN_MAX, 200)
    assert before != model.flatbuffer
    plain = Model("before", converted.model, before, (), None, gives_logits=False, manifest=None)
    batch = (test_data.images[:1000].astype(np.int16) - 128).astype(np.int8)
    np.testing.assert_array_equal(open_interpreter(model).run(batch), open_interpreter(plain).run(batch))


def test_a_file_says_nothing_twice(model: Model) -> None:
    """Equal vectors of quantisation parameters share one place, and tensors are named after their layer alone."""
    from ai_edge_litert import schema_py_generated as schema

    graph = schema.Model.GetRootAs(model.flatbuffer, 0).Subgraphs(0)
    tensors = [graph.Tensors(number) for number in range(graph.TensorsLength())]
    places: dict[bytes, set[int]] = {}
    for tensor in tensors:
        quantisation = tensor.Quantization()
        if quantisation is not None and not quantisation.ZeroPointIsNone():
            table = quantisation._tab
            start = table.Vector(table.Offset(10))  # the fourth field, zero_point
            places.setdefault(quantisation.ZeroPointAsNumpy().tobytes(), set()).add(start)
    assert len(places) >= 2
    assert {len(starts) for starts in places.values()} == {1}
    names = [tensor.Name().decode() for tensor in tensors]
    assert len(set(names)) == len(names)
    assert not [name for name in names if ";" in name or "/" in name]


def test_a_file_with_convolutions_runs_alike_and_is_smaller(tmp_path: Path) -> None:
    """A scale and a zero point for each channel: the vectors that are shared have more than one element here."""
    import keras

    from convert.inputs.keras_export import exporter
    from convert.quantize.converter import convert_plainly

    layers = keras.layers
    network = keras.Sequential(
        [layers.Input((28, 28)), layers.Reshape((28, 28, 1))]
        + [layer for _ in range(3) for layer in (layers.Conv2D(16, 3, strides=2), layers.ReLU())]
        + [layers.Flatten(), layers.Dense(10, activation="softmax")]
    )
    pictures = np.random.default_rng(0).integers(0, 256, (8, 28, 28)).astype(np.float32)
    before = convert_plainly(exporter(network), pictures, ImageSpec(), lambda done: None).flatbuffer
    after = metadata.embed(before, b"")
    assert len(after) < 0.9 * len(before)
    plain, small = (
        Model("conv", tmp_path / "conv.tflite", content, (), None, gives_logits=False, manifest=None)
        for content in (before, after)
    )
    batch = (pictures - 128).astype(np.int8)
    np.testing.assert_array_equal(open_interpreter(small).run(batch), open_interpreter(plain).run(batch))
