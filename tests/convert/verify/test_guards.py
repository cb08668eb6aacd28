"""Each guard against a real file of the kind that it is there to refuse, made by TensorFlow's converter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from convert.inputs.keras_export import exporter
from convert.quantize.converter import convert_plainly
from convert.quiet import captured
from convert.verify import guards
from edge.errors import ConversionRefused
from edge.spec import ImageSpec

if TYPE_CHECKING:
    from ai_edge_litert import schema_py_generated

PICTURES = np.random.default_rng(0).integers(0, 256, (20, 28, 28)).astype(np.float32)


@pytest.fixture(scope="module")
def network() -> Any:
    import keras

    keras.utils.set_random_seed(0)
    layers = [keras.layers.Flatten(), keras.layers.Dense(16, "relu"), keras.layers.Dense(10, "softmax")]
    return keras.Sequential([keras.Input((28, 28)), *layers])


KERNEL_WEIGHTS = 784 * 16 + 16 * 10


@pytest.fixture(scope="module")
def good(network: Any) -> bytes:
    return convert_plainly(exporter(network), PICTURES, ImageSpec(), lambda done: None).flatbuffer


def convert(converter: Any, int8_ends: bool = True, calibrate: bool = True) -> bytes:
    """What the converter makes, with the options that are commonly set, well or badly."""
    import tensorflow as tf

    def representative() -> Iterator[list[NDArray[np.float32]]]:
        for number in range(len(PICTURES)):
            yield [PICTURES[number : number + 1]]

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if calibrate:
        converter.representative_dataset = representative
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    if int8_ends:
        converter.inference_input_type = converter.inference_output_type = tf.int8
    with captured():
        return bytes(converter.convert())


def saved(network: Any, folder: Path, function: Callable[[Any], Any] | None = None) -> Any:
    import keras
    import tensorflow as tf

    archive = keras.export.ExportArchive()
    archive.track(network)
    archive.add_endpoint("serve", function or network, [keras.InputSpec(shape=(1, 28, 28), dtype="float32")])
    with captured():
        archive.write_out(str(folder), verbose=False)
    return tf.lite.TFLiteConverter.from_saved_model(str(folder))


def test_a_good_model_passes(good: bytes) -> None:
    guards.check(good, KERNEL_WEIGHTS)


def test_weights_lost_by_concrete_functions(network: Any) -> None:
    """The converter calls this a success, and leaves a file of three kilobytes."""
    import tensorflow as tf

    function = tf.function(lambda pixels: network(pixels, training=False))
    concrete = function.get_concrete_function(tf.TensorSpec((1, 28, 28), tf.float32))
    hollow = convert(
        tf.lite.TFLiteConverter.from_concrete_functions([concrete], network), int8_ends=False, calibrate=False
    )
    assert len(hollow) < KERNEL_WEIGHTS / 2
    with pytest.raises(ConversionRefused, match="its weights are lost"):
        guards.check(hollow, KERNEL_WEIGHTS)


def test_weights_that_are_simply_not_there(good: bytes) -> None:
    """A whole int8 model, but of a network with far fewer weights than the Keras file has."""
    with pytest.raises(ConversionRefused, match="the converter lost some"):
        guards.check(good, 3 * KERNEL_WEIGHTS)


def test_a_float_model(network: Any, tmp_path: Path) -> None:
    converter = saved(network, tmp_path)
    with captured():
        content = bytes(converter.convert())
    with pytest.raises(ConversionRefused, match="FLOAT32, expected INT8"):
        guards.check(content, KERNEL_WEIGHTS)


def test_a_dynamic_range_model(network: Any, tmp_path: Path) -> None:
    content = convert(saved(network, tmp_path), int8_ends=False, calibrate=False)
    with pytest.raises(ConversionRefused, match="FLOAT32, expected INT8"):
        guards.check(content, KERNEL_WEIGHTS)


def test_int8_inside_but_float_ends(network: Any, tmp_path: Path) -> None:
    content = convert(saved(network, tmp_path), int8_ends=False)
    with pytest.raises(ConversionRefused, match="still converts between types: QUANTIZE, DEQUANTIZE"):
        guards.check(content, KERNEL_WEIGHTS)


@pytest.mark.filterwarnings("ignore:Statistics for quantized inputs were expected")
def test_an_open_batch(network: Any) -> None:
    import tensorflow as tf

    content = convert(tf.lite.TFLiteConverter.from_keras_model(network))
    with pytest.raises(ConversionRefused, match=r"open dimension|not all is int8"):
        guards.check(content, KERNEL_WEIGHTS)


def test_an_operation_outside_tflite(network: Any, tmp_path: Path) -> None:
    """A Flex operation, which only a runtime with TensorFlow inside can run."""
    import tensorflow as tf

    converter = saved(network, tmp_path, lambda pixels: network(tf.image.adjust_contrast(pixels, 2.0)))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    with captured():
        content = bytes(converter.convert())
    with pytest.raises(ConversionRefused, match="outside TFLite: CUSTOM Flex"):
        guards.check(content, KERNEL_WEIGHTS)


def test_an_operation_left_in_float(network: Any, tmp_path: Path) -> None:
    """Asked politely rather than strictly, the converter keeps what it cannot quantise in float, ends int8 or not."""
    import tensorflow as tf

    converter = saved(network, tmp_path, lambda pixels: network(255 * tf.math.sin(pixels)))
    with captured():
        content = convert_leniently(converter)
    with pytest.raises(ConversionRefused, match="no int8 form for SIN: "):
        guards.check(content, KERNEL_WEIGHTS)


def convert_leniently(converter: Any) -> bytes:
    import tensorflow as tf

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: iter([[picture[np.newaxis]] for picture in PICTURES])
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def test_no_model_at_all() -> None:
    with pytest.raises(ConversionRefused, match="not a TFLite model"):
        guards.check(b"", 0)
    with pytest.raises(ConversionRefused, match="not a TFLite model"):
        guards.check(b"garbage, and more of it", 0)


Edit = Callable[["schema_py_generated.ModelT", Any], None]


def float_tensor(model: Any, schema: Any) -> None:
    model.subgraphs[0].tensors[1].type = schema.TensorType.FLOAT32


def second_graph(model: Any, schema: Any) -> None:
    model.subgraphs.append(model.subgraphs[0])


def second_input(model: Any, schema: Any) -> None:
    model.subgraphs[0].inputs = np.append(model.subgraphs[0].inputs, model.subgraphs[0].inputs)


def batch_of_two(model: Any, schema: Any) -> None:
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].shape = np.array([2, 28, 28], np.int32)


def open_inside(model: Any, schema: Any) -> None:
    model.subgraphs[0].tensors[-2].shapeSignature = np.array([-1, 16], np.int32)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (float_tensor, "not all is int8"),
        (second_graph, "2 graphs"),
        (second_input, "2 inputs"),
        (batch_of_two, "batch of one"),
        (open_inside, "open dimension"),
    ],
)
def test_a_good_model_with_one_thing_changed(good: bytes, edit: Edit, said: str) -> None:
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(bytearray(good), 0)
    edit(model, schema)
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    with pytest.raises(ConversionRefused, match=said):
        guards.check(bytes(builder.Output()), KERNEL_WEIGHTS)


def test_what_the_converter_cannot_do_is_named_in_one_line() -> None:
    import keras

    class Odd(keras.layers.Layer):
        def call(self, pixels: Any) -> Any:
            import tensorflow as tf

            return tf.math.erfinv(pixels / 512)

    layers = [Odd(), keras.layers.Flatten(), keras.layers.Dense(10)]
    network = keras.Sequential([keras.Input((28, 28)), *layers])
    with pytest.raises(ConversionRefused) as caught:
        convert_plainly(exporter(network), PICTURES, ImageSpec(), lambda done: None)
    assert caught.value.message == "TensorFlow's converter failed with ConverterError: no TFLite form for tf.Erfinv"
