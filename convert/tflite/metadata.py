"""Standard TFLite Metadata, written with flatbuffers alone, and put into a model without touching its tensors.

The tables follow metadata_schema.fbs 1.1.0 of github.com/tensorflow/tflite-support, whose own writer pins an
old protobuf. Field numbers are those of the schema's order; a union takes two, its type and its value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flatbuffers
import flatbuffers.number_types as kinds

from edge.inference.model_file import LABELS_NAME, MARKER
from edge.inference.tflite_metadata import METADATA_NAME
from edge.spec import Colour, Framing, ImageSpec

IDENTIFIER = b"M001"
ALIGNMENT = 16
"""Bytes; the schema's force_align of a buffer's data, which kernels with vector loads count on."""

_PARSER_VERSION = "1.0.0"
_UNKNOWN, _RGB, _GRAYSCALE, _IMAGE_PROPERTIES, _NORMALIZATION = 0, 1, 2, 2, 1
_DESCRIPTIONS, _AXIS_LABELS = 1, 2
_UNION_NONE = 0

Field = Callable[[flatbuffers.Builder, int], None]


_SHOWS = {
    Framing.GARMENT_GREY: "A garment, bright on black.",
    Framing.GARMENT_COLOUR: "A garment in colour, on a ground of one colour.",
    Framing.STRETCH: "A whole picture, stretched.",
    Framing.LETTERBOX: "A whole picture, with borders.",
    Framing.CROP: "The middle of a picture.",
}


def describe(name: str, image: ImageSpec, is_rgb: bool = False, scores_one: bool = False) -> bytes:
    """The metadata flatbuffer of a classifier: an image and its normalisation in, labels.txt out.

    `is_rgb` is for MediaPipe's variants, `scores_one` for two labels of which only the second has a score. Of the order
    blue, green, red the format knows nothing.
    """
    colours = {Colour.GREY: _GRAYSCALE, Colour.RGB: _RGB, Colour.BGR: _UNKNOWN}
    builder = flatbuffers.Builder(1024)
    size = _table(builder, _uint32(image.width), _uint32(image.height))
    properties = _table(builder, _int8(_RGB if is_rgb else colours[image.colour]), _offset(size))
    content = _table(builder, _uint8(_IMAGE_PROPERTIES), _offset(properties))
    # Normalised = (byte - mean) / std, from normalised = byte * (high - low) / 255 + low.
    deviation = 255 / (image.high - image.low)
    mean = _floats(builder, -image.low * deviation)
    std = _floats(builder, deviation)
    normalisation = _table(builder, _offset(mean), _offset(std))
    unit = _table(builder, _uint8(_NORMALIZATION), _offset(normalisation))
    shown = _SHOWS[image.framing]
    given = _tensor(builder, "image", shown, content=content, process_units=_vector(builder, [unit]))
    file_name, file_text = builder.CreateString(LABELS_NAME), builder.CreateString("One label a line.")
    kind, meaning = _AXIS_LABELS, "One score for each label."
    if scores_one:
        kind, meaning = _DESCRIPTIONS, "The score of the second of two labels."
    labels = _table(builder, _offset(file_name), _offset(file_text), _int8(kind))
    result = _tensor(builder, "scores", meaning, associated_files=_vector(builder, [labels]))
    graph = _table(builder, _skip, _skip, _offset(_vector(builder, [given])), _offset(_vector(builder, [result])))
    graphs, title = _vector(builder, [graph]), builder.CreateString(name)
    version = builder.CreateString(_PARSER_VERSION)
    root = _table(builder, _offset(title), _skip, _skip, _offset(graphs), _skip, _skip, _skip, _offset(version))
    builder.Finish(root, file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def embed(flatbuffer: bytes, metadata: bytes) -> bytes:
    """A model with two metadata entries of ours: the standard one, and the marker that says a manifest follows.

    It is written anew without what it says twice: a small network's file loses a tenth. TensorFlow names a tensor
    after every operation folded into it, and writes the same zero points for each of its tensors.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(bytearray(flatbuffer), 0)
    ours = {METADATA_NAME.encode(), MARKER}
    model.metadata = [entry for entry in model.metadata or [] if entry.name not in ours]
    for name, data in ((METADATA_NAME, metadata), (MARKER.decode(), b"\x01")):
        buffer, entry = schema.BufferT(), schema.MetadataT()
        buffer.data = data
        entry.name, entry.buffer = name, len(model.buffers)
        model.buffers.append(buffer)
        model.metadata.append(entry)
    model.buffers = [_AlignedBuffer(buffer.data, schema) for buffer in model.buffers]
    for graph in model.subgraphs:
        for number, tensor in enumerate(graph.tensors):
            tensor.name = f"{layer_name(tensor.name.decode())}:{number}"
    builder = _SharingBuilder(len(flatbuffer) + 4096)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def layer_name(tensor_name: str) -> str:
    """The layer in a name of TensorFlow's: n11_1 of "tiny_1/n11_1/batchnorm/add_1;tiny_1/c11_1/convolution"."""
    path = tensor_name.split(";", maxsplit=1)[0].split("/")
    return path[1] if len(path) > 2 else path[-1].split(":")[0]


class _SharingBuilder(flatbuffers.Builder):  # type: ignore[misc]
    """Writes equal vectors of numbers once; everything that has them points there."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._written: dict[tuple[str, bytes], int] = {}

    def CreateNumpyVector(self, x: Any) -> int:  # noqa: N802 - called by the generated code
        content = (x.dtype.str, x.tobytes())
        if content not in self._written:
            self._written[content] = super().CreateNumpyVector(x)
        return self._written[content]


class _AlignedBuffer:
    """A buffer that packs its data on 16 bytes; the generated BufferT aligns it on 1."""

    def __init__(self, data: Any, schema: Any) -> None:
        self._data = None if data is None else bytes(data)
        self._schema = schema

    def Pack(self, builder: flatbuffers.Builder) -> int:  # noqa: N802 - called by the generated ModelT.Pack
        data = 0
        if self._data is not None:
            builder.StartVector(1, len(self._data), ALIGNMENT)
            builder.head -= len(self._data)
            builder.Bytes[builder.head : builder.head + len(self._data)] = self._data
            data = builder.EndVector()
        self._schema.BufferStart(builder)
        if data:
            self._schema.BufferAddData(builder, data)
        return int(self._schema.BufferEnd(builder))


def _tensor(
    builder: flatbuffers.Builder,
    name: str,
    description: str,
    content: int = 0,
    process_units: int = 0,
    associated_files: int = 0,
) -> int:
    title, text = builder.CreateString(name), builder.CreateString(description)
    fields = [_offset(title), _offset(text), _skip, _offset(content), _offset(process_units), _skip]
    return _table(builder, *fields, _offset(associated_files))


def _table(builder: flatbuffers.Builder, *fields: Field) -> int:
    """A table with the given fields, in the schema's order."""
    builder.StartObject(len(fields))
    for number, field in enumerate(fields):
        field(builder, number)
    return int(builder.EndObject())


def _vector(builder: flatbuffers.Builder, offsets: list[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _floats(builder: flatbuffers.Builder, *values: float) -> int:
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependFloat32(value)
    return int(builder.EndVector())


def _skip(_builder: flatbuffers.Builder, _number: int) -> None:
    """Leave a field at its default."""


def _offset(offset: int) -> Field:
    return lambda builder, number: builder.PrependUOffsetTRelativeSlot(number, offset, 0)


def _uint32(value: int) -> Field:
    return lambda builder, number: builder.PrependSlot(kinds.Uint32Flags, number, value, 0)


def _uint8(value: int) -> Field:
    return lambda builder, number: builder.PrependSlot(kinds.Uint8Flags, number, value, _UNION_NONE)


def _int8(value: int) -> Field:
    return lambda builder, number: builder.PrependSlot(kinds.Int8Flags, number, value, 0)
