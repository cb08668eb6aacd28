"""The check for each target: what is bundled passes, and each planted fault is named at its operation."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from convert.targets.check import Check, check
from convert.targets.operators import GREY_TARGETS, Target
from edge.inference.model_file import bundled_models, read_model
from tests.convert.drawn_models import Drawing, as_model, compiled_model, three_convolutions

RUNTIMES = (Target.LITERT, Target.TFLITE_RUNTIME)


def checked(drawing: Drawing, *targets: Target) -> Check:
    return check(as_model(drawing.flatbuffer()), targets or GREY_TARGETS)


def complaints(drawing: Drawing, target: Target = Target.EDGETPU) -> list[str]:
    """What is said of each operation, in order."""
    return [finding.complaints[target] for finding in checked(drawing, target).findings]


@pytest.mark.parametrize("name", bundled_models())
def test_every_bundled_model_passes_all_targets(name: str) -> None:
    found = check(read_model(name), GREY_TARGETS)
    assert [finding for finding in found.findings if any(finding.complaints.values())] == []
    assert all(found.passes(target) for target in GREY_TARGETS)
    assert not found.warnings


def test_the_model_that_faults_are_planted_in_passes_all_targets() -> None:
    found = checked(three_convolutions())
    assert [found.runs(target) for target in GREY_TARGETS] == [3, 3, 3]
    assert found.parameter_bytes == 3 * (4 * 4 + 4 * 4)


@pytest.mark.parametrize(("version", "old", "new"), [(7, "", ""), (8, "version 8", ""), (9, "version 9", "version 9")])
def test_a_version_is_held_against_each_runtimes_table(version: int, old: str, new: str) -> None:
    drawing = three_convolutions()
    drawing.model.operatorCodes[1].version = version
    for target, said in ((Target.TFLITE_RUNTIME, old), (Target.LITERT, new)):
        first, second, third = complaints(drawing, target)
        assert (first, third) == ("", "")
        assert second.startswith(said) and bool(second) == bool(said)


def test_a_custom_operator_is_known_only_where_it_is_registered() -> None:
    drawing = three_convolutions()
    last = len(drawing.graph.tensors) - 1
    drawing.operation("CUSTOM", [last], drawing.tensor(1, 4), custom="TFLite_Detection_PostProcess")
    drawing.operation("CUSTOM", [last], drawing.tensor(1, 4), custom="FlexErf")
    for target in RUNTIMES:
        assert complaints(drawing, target)[3:] == ["", "a custom operator that the runtime does not have"]
    assert complaints(drawing)[3] == "not among the Edge TPU's operations"


def resized(options: schema.ResizeBilinearOptionsT) -> Drawing:
    drawing = Drawing()
    given = drawing.tensor(1, 8, 8, 4)
    size = drawing.constant([16, 16], "INT32")
    big = drawing.operation("RESIZE_BILINEAR", [given, size], drawing.tensor(1, 16, 16, 4), 3, options)
    drawing.ends(given, drawing.convolution(big, 16))
    return drawing


def test_a_resize_with_half_pixel_centres() -> None:
    options = schema.ResizeBilinearOptionsT()
    assert complaints(resized(options)) == ["", ""]
    options.halfPixelCenters = True
    assert complaints(resized(options)) == [
        "half-pixel centres",
        "comes after operation 0 (RESIZE_BILINEAR), which is not mapped",
    ]


def test_an_open_batch() -> None:
    drawing = three_convolutions()
    drawing.graph.tensors[drawing.graph.inputs[0]].shapeSignature = np.array([-1, 8, 8, 4], np.int32)
    assert complaints(drawing)[0] == "t0 has an open dimension, expected a fixed shape"
    assert checked(drawing, *RUNTIMES).passes(Target.LITERT)


def test_a_float_island_between_int8_operations() -> None:
    """The runtimes run it; for the Edge TPU the journey ends before it."""
    drawing = Drawing()
    given = drawing.tensor(1, 8, 8, 4)
    before = drawing.convolution(given)
    real = drawing.operation("DEQUANTIZE", [before], drawing.tensor(1, 8, 8, 4, kind="FLOAT32"), 2)
    wave = drawing.operation("SIN", [real], drawing.tensor(1, 8, 8, 4, kind="FLOAT32"))
    after = drawing.operation("QUANTIZE", [wave], drawing.tensor(1, 8, 8, 4))
    drawing.ends(given, drawing.convolution(after))
    assert complaints(drawing) == [
        "",
        "not among the Edge TPU's operations",
        *["comes after operation 1 (DEQUANTIZE), which is not mapped"] * 3,
    ]
    assert checked(drawing, *RUNTIMES).passes(Target.LITERT)


def test_float_ends_stay_on_the_cpu_and_the_rest_is_mapped() -> None:
    """coral.ai/docs/edgetpu/models-intro, "Float input and output tensors"."""
    drawing = Drawing()
    given = drawing.tensor(1, 8, 8, 4, kind="FLOAT32")
    inside = drawing.convolution(drawing.operation("QUANTIZE", [given], drawing.tensor(1, 8, 8, 4)))
    drawing.ends(given, drawing.operation("DEQUANTIZE", [inside], drawing.tensor(1, 8, 8, 4, kind="FLOAT32"), 2))
    assert complaints(drawing) == [
        "makes int8 of a float input, which the CPU does",
        "",
        "not among the Edge TPU's operations",
    ]


def test_a_float_convolution() -> None:
    drawing = three_convolutions()
    for tensor in drawing.graph.tensors:
        if tensor.buffer == 0:
            tensor.type = schema.TensorType.FLOAT32
    assert complaints(drawing)[0] == "t0 is float32, expected int8 or uint8"


def test_int8_without_a_scale() -> None:
    drawing = three_convolutions()
    drawing.graph.tensors[0].quantization = None
    assert complaints(drawing)[0] == "t0 is not quantised: it has no scale"


def added(*shape: int) -> Drawing:
    drawing = Drawing()
    given = drawing.tensor(*shape)
    drawing.ends(given, drawing.operation("ADD", [given, given], drawing.tensor(*shape)))
    return drawing


def test_more_than_three_dimensions_above_one() -> None:
    assert complaints(added(1, 1, 8, 8, 4)) == [""]
    assert complaints(added(1, 2, 8, 8, 4)) == ["t0 is [1, 2, 8, 8, 4]: only the 3 innermost may be larger than 1"]
    assert complaints(added(2, 8, 8, 4))


def test_two_graphs() -> None:
    drawing = three_convolutions()
    drawing.next_graph()
    given = drawing.tensor(1, 8, 8, 4)
    drawing.ends(given, drawing.convolution(given))
    assert complaints(drawing) == ["the file has 2 graphs, expected one"] * 4
    assert checked(drawing, *RUNTIMES).passes(Target.TFLITE_RUNTIME)
    assert [finding.graph for finding in checked(drawing).findings] == [0, 0, 0, 1]


def test_all_that_follows_an_operation_outside_the_list_runs_on_the_cpu() -> None:
    drawing = Drawing()
    given = drawing.tensor(1, 8, 8, 4)
    first = drawing.convolution(given)
    wave = drawing.operation("LEAKY_RELU", [first], drawing.tensor(1, 8, 8, 4))
    drawing.ends(given, drawing.convolution(drawing.convolution(wave)))
    assert complaints(drawing) == [
        "",
        "not among the Edge TPU's operations",
        *["comes after operation 1 (LEAKY_RELU), which is not mapped"] * 2,
    ]
    assert checked(drawing).runs(Target.EDGETPU) == 1


def test_weights_that_are_computed() -> None:
    drawing = Drawing()
    given = drawing.tensor(1, 1, 1, 4)
    zeros = drawing.constant(np.zeros((4, 1, 1, 4)))
    weights = drawing.operation("ADD", [zeros, zeros], drawing.tensor(4, 1, 1, 4))
    drawing.graph.tensors[weights].shape = np.array([1, 1, 1, 4], np.int32)
    result = drawing.operation("CONV_2D", [given, weights], drawing.tensor(1, 1, 1, 4), 3, schema.Conv2DOptionsT())
    drawing.ends(given, result)
    assert complaints(drawing) == ["", f"its parameter t{weights} is computed, expected a constant"]


def test_a_version_that_the_compiler_cannot_read_keeps_the_whole_file_off() -> None:
    """google-coral/edgetpu #631: CONV_2D 6 ends in "Model could not be parsed"."""
    drawing = three_convolutions()
    drawing.model.operatorCodes[2].version = 5
    assert complaints(drawing) == [""] * 3
    drawing.model.operatorCodes[2].version = 6
    said = "the compiler refuses the file: operation 2 (CONV_2D) is version 6, compiler 16.0 reads 5 at most"
    assert complaints(drawing) == [said] * 3


def test_parameters_beyond_the_chips_memory_are_a_warning() -> None:
    drawing = Drawing()
    given = drawing.tensor(1, 4096)
    weights = drawing.constant(np.zeros((2048, 4096)))
    result = drawing.operation("FULLY_CONNECTED", [given, weights, -1], drawing.tensor(1, 2048), 4)
    drawing.ends(given, result)
    assert not checked(drawing).warnings  # 8 MiB, to the byte
    more = drawing.constant(np.zeros((10, 2048)))
    drawing.ends(given, drawing.operation("FULLY_CONNECTED", [result, more, -1], drawing.tensor(1, 10), 4))
    found = checked(drawing)
    assert found.passes(Target.EDGETPU)
    assert found.warnings == ["the parameters take 8.0 MiB, the Edge TPU keeps 8: it fetches the rest for each picture"]
    assert not checked(drawing, *RUNTIMES).warnings


def test_a_compiled_model_is_mapped_and_needs_its_delegate() -> None:
    found = check(as_model(compiled_model()), GREY_TARGETS)
    assert [found.passes(target) for target in GREY_TARGETS] == [False, False, True]


def test_what_the_compiler_left_in_a_compiled_model_stays_on_the_cpu() -> None:
    drawing = Drawing()
    given = drawing.tensor(1, 8, 8, 4)
    middle = drawing.operation("CUSTOM", [given], drawing.tensor(1, 10), custom="edgetpu-custom-op")
    drawing.ends(given, drawing.operation("SOFTMAX", [middle], drawing.tensor(1, 10), 2))
    assert complaints(drawing) == ["", "the compiler left it to the CPU"]
