"""What a model file's standard TFLite Metadata say of its input and its labels.

The tables follow schema.fbs of TensorFlow Lite and metadata_schema.fbs 1.1.0 of github.com/tensorflow/tflite-support.
Field numbers are those of the schemas' order; a union takes two, its type and its value. Read here without the package
flatbuffers, which not every runtime brings.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from edge.spec import Colour

METADATA_NAME = "TFLITE_METADATA"

_MODEL_BUFFERS, _MODEL_METADATA = 4, 6
_IMAGE_PROPERTIES, _NORMALIZATION, _AXIS_LABELS = 2, 1, 2
_COLOURS = {1: Colour.RGB, 2: Colour.GREY}


@dataclass(frozen=True, slots=True)
class Described:
    """What is said of the first input and output: of a byte b the input takes (b - mean) / deviation, by channel.

    Both are empty where nothing is said of it. `labels_files` are names in the zip that is appended to the file, the
    one without a language first.
    """

    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()
    colour: Colour | None = None
    labels_files: tuple[str, ...] = ()


def described(flatbuffer: bytes) -> Described:
    """What a model's metadata say; nothing where it has none. Raises ValueError for damaged ones."""
    try:
        content = _metadata_of(flatbuffer)
        return Described() if content is None else _read(content)
    except (struct.error, UnicodeDecodeError, MemoryError) as error:
        raise ValueError(str(error)) from error


def _metadata_of(flatbuffer: bytes) -> bytes | None:
    model = _root(flatbuffer)
    for entry in model.tables(_MODEL_METADATA):
        if entry.text(0) == METADATA_NAME:
            buffers, number = model.tables(_MODEL_BUFFERS), entry.number(1, "<I")
            if number >= len(buffers):
                raise ValueError("no such buffer")
            return buffers[number].content(0)
    return None


def _read(content: bytes) -> Described:
    graphs = _root(content).tables(3)
    if not graphs:
        return Described()
    inputs, outputs = graphs[0].tables(2), graphs[0].tables(3)
    mean, deviation, colour = _normalisation(inputs[0]) if inputs else ((), (), None)
    files = [
        (one.text(3), name)
        for output in outputs[:1]
        for one in output.tables(6)
        if one.number(2, "<b") == _AXIS_LABELS and (name := one.text(0))
    ]
    return Described(mean, deviation, colour, tuple(name for _, name in sorted(files, key=lambda one: one[0] != "")))


def _normalisation(tensor: _Table) -> tuple[tuple[float, ...], tuple[float, ...], Colour | None]:
    """Mean, deviation and colour of an input. Raises ValueError for what normalises nothing."""
    colour = None
    content = tensor.table(3)
    if content is not None and content.number(0, "<B") == _IMAGE_PROPERTIES:
        properties = content.table(1)
        colour = None if properties is None else _COLOURS.get(properties.number(0, "<b"))
    for unit in tensor.tables(4):
        options = unit.table(1)
        if unit.number(0, "<B") == _NORMALIZATION and options is not None:
            mean, deviation = options.floats(0), options.floats(1)
            if not mean or len(mean) != len(deviation) or len(mean) not in {1, 3}:
                raise ValueError(f"{len(mean)} means and {len(deviation)} deviations")
            if not all(map(math.isfinite, mean)) or not all(0 < one < math.inf for one in deviation):
                raise ValueError(f"means {mean}, deviations {deviation}")
            return mean, deviation, colour
    return (), (), colour


def _root(content: bytes) -> _Table:
    return _Table(content, _unsigned(content, 0))


class _Table:
    """A table of a flatbuffer (flatbuffers.dev/internals), by fields' numbers. Raises ValueError or struct.error."""

    __slots__ = ("_at", "_content", "_fields")

    def __init__(self, content: bytes, at: int) -> None:
        self._content, self._at = content, at
        fields = at - _unpacked(content, at, "<i")
        count = (_unpacked(content, fields, "<H") - 4) // 2
        if count < 0:
            raise ValueError("a table without fields")
        self._fields = [_unpacked(content, fields + 4 + 2 * number, "<H") for number in range(min(count, 64))]

    def number(self, field: int, kind: str) -> int:
        """A whole number; 0 where it is not given."""
        at = self._place(field)
        return 0 if at is None else int(_unpacked(self._content, at, kind))

    def table(self, field: int) -> _Table | None:
        """A table, or None."""
        at = self._place(field)
        return None if at is None else _Table(self._content, at + _unsigned(self._content, at))

    def tables(self, field: int) -> list[_Table]:
        """A vector of tables; empty where it is not given."""
        begin, count = self._vector(field, 4)
        places = range(begin, begin + 4 * count, 4)
        return [_Table(self._content, at + _unsigned(self._content, at)) for at in places]

    def floats(self, field: int) -> tuple[float, ...]:
        """A vector of float32."""
        begin, count = self._vector(field, 4)
        return struct.unpack_from(f"<{count}f", self._content, begin)

    def content(self, field: int) -> bytes:
        """A vector of bytes."""
        begin, count = self._vector(field, 1)
        return self._content[begin : begin + count]

    def text(self, field: int) -> str:
        """A string; empty where it is not given."""
        return self.content(field).decode("utf-8")

    def _place(self, field: int) -> int | None:
        offset = self._fields[field] if field < len(self._fields) else 0
        return self._at + offset if offset else None

    def _vector(self, field: int, size: int) -> tuple[int, int]:
        """Where a vector's elements begin, and how many there are."""
        at = self._place(field)
        if at is None:
            return 0, 0
        at += _unsigned(self._content, at)
        count = _unsigned(self._content, at)
        if at + 4 + size * count > len(self._content):
            raise ValueError("a vector reaches beyond the end")
        return at + 4, count


def _unsigned(content: bytes, at: int) -> int:
    return int(_unpacked(content, at, "<I"))


def _unpacked(content: bytes, at: int, kind: str) -> int:
    if at < 0:
        raise ValueError("an offset before the beginning")
    (value,) = struct.unpack_from(kind, content, at)
    return int(value)
