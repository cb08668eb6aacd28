"""Damaged files of unknown origin, which no hash vouches for: an error of ours, never a traceback, never a crash."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest

from convert.tflite.graph import read_graphs
from edge.errors import ModelDamaged, ModelError, ModelUnsupported
from tests.convert.drawn_models import Drawing, as_model, three_convolutions

WHOLE = three_convolutions().flatbuffer()


def complaint(flatbuffer: bytes) -> str:
    """What is wrong with a file; nothing if it can be read."""
    try:
        read_graphs(as_model(flatbuffer))
    except ModelError as error:
        assert isinstance(error, ModelDamaged | ModelUnsupported)
        assert error.hint
        return error.message
    return ""


def test_a_whole_file_is_read() -> None:
    (graph,) = read_graphs(as_model(WHOLE))
    assert [operation.name for operation in graph.operations] == ["CONV_2D"] * 3
    first = graph.operations[0]
    assert first.version == 3
    assert first.shape == (1, 8, 8, 4)
    given, weights, biases = first.inputs
    assert given is not None and weights is not None and biases is not None
    assert given is graph.inputs[0] and given.constant is None
    assert (weights.type, weights.shape, weights.numbers) == ("INT8", (4, 1, 1, 4), [1] * 16)
    assert biases.numbers == [0] * 4
    assert graph.operations[2].outputs == graph.outputs


def test_a_file_that_ends_too_early() -> None:
    """Each length from the identifier on; the last bytes are an operator code's, which all operations refer to."""
    passed = [length for length in range(8, len(WHOLE) - 4) if not complaint(WHOLE[:length])]
    assert passed == []


def test_random_bytes_behind_the_identifier() -> None:
    source = random.Random(0)
    for _ in range(300):
        start = WHOLE[:4] if source.random() < 0.5 else source.randbytes(4)
        assert complaint(start + b"TFL3" + source.randbytes(source.randrange(2000)))


def test_every_flipped_bit_is_read_or_refused() -> None:
    """Some flips leave a file that is whole, only another (a name, a weight); none may end in a foreign exception."""
    refused = 0
    for position in range(len(WHOLE)):
        damaged = bytearray(WHOLE)
        damaged[position] ^= 1 << position % 8
        refused += bool(complaint(bytes(damaged)))
    assert refused > len(WHOLE) / 10


Plant = Callable[[Drawing], None]


def wrong_tensor(drawing: Drawing) -> None:
    drawing.graph.operators[1].inputs = np.array([99, 1, 2], np.int32)


def wrong_code(drawing: Drawing) -> None:
    drawing.graph.operators[1].opcodeIndex = 7


def wrong_buffer(drawing: Drawing) -> None:
    drawing.graph.tensors[1].buffer = 77


def unknown_operator(drawing: Drawing) -> None:
    drawing.model.operatorCodes[1].builtinCode = 30_000


def no_version(drawing: Drawing) -> None:
    drawing.model.operatorCodes[1].version = 0


def unknown_type(drawing: Drawing) -> None:
    drawing.graph.tensors[1].type = 100


def short_weights(drawing: Drawing) -> None:
    drawing.model.buffers[1].data = drawing.model.buffers[1].data[:-1]


def wrong_order(drawing: Drawing) -> None:
    drawing.graph.operators.reverse()


def no_number(drawing: Drawing) -> None:
    drawing.graph.tensors[0].quantization.scale = np.array([np.nan], np.float32)


def nothing_to_do(drawing: Drawing) -> None:
    drawing.graph.operators.clear()


def no_graph(drawing: Drawing) -> None:
    drawing.model.subgraphs.clear()


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        (wrong_tensor, "it refers to tensor 99 of 10"),
        (wrong_code, "it refers to operator code 7 of 3"),
        (wrong_buffer, "it refers to buffer 77 of 7"),
        (unknown_operator, "operation 1 has the unknown code 30000"),
        (no_version, "operation 1 (CONV_2D) has version 0"),
        (unknown_type, "the tensor t1 has the unknown type 100"),
        (short_weights, "the tensor t1 has 15 bytes, expected 16 for INT8 [4, 1, 1, 4]"),
        (wrong_order, "operation 0 (CONV_2D) reads t6, not yet computed"),
        (no_number, "the tensor t0 has a scale that is no number"),
        (nothing_to_do, "it holds no operation"),
        (no_graph, "it holds no operation"),
    ],
)
def test_what_does_not_fit_together_is_named(plant: Plant, said: str) -> None:
    drawing = three_convolutions()
    plant(drawing)
    assert said in complaint(drawing.flatbuffer())


def test_a_list_longer_than_the_file_is_refused_at_once() -> None:
    """The reader would otherwise follow billions of entries. The length of the list of operator codes is grown."""
    from ai_edge_litert import schema_py_generated as schema

    table = schema.Model.GetRootAs(WHOLE, 0)._tab
    length = table.Vector(table.Offset(6)) - 4
    damaged = WHOLE[:length] + (1 << 30).to_bytes(4, "little") + WHOLE[length + 4 :]
    assert "more than fit into" in complaint(damaged)


def test_data_outside_of_the_tables_are_not_read() -> None:
    drawing = three_convolutions()
    drawing.model.buffers[1].data = None
    drawing.model.buffers[1].offset, drawing.model.buffers[1].size = 4096, 16
    with pytest.raises(ModelUnsupported, match="outside of its tables"):
        read_graphs(as_model(drawing.flatbuffer()))


def test_a_name_cannot_steer_the_terminal() -> None:
    drawing = three_convolutions()
    drawing.graph.tensors[1].name = "\x1b[31mred"
    short_weights(drawing)
    assert "the tensor ?[31mred has" in complaint(drawing.flatbuffer())
