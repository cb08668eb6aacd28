"""The network of an int8 .tflite as ONNX, in float and in int8. Run by scripts/bench/peers.

make_onnx.py MODEL.tflite PICTURES.npy FLOAT.onnx INT8.onnx    PICTURES are uint8 (N, 28, 28), to calibrate on

FLOAT has the very weights of the .tflite, dequantised (tf2onnx --dequantize): no other training, no other folding of
normalisation. It takes bytes as floats, 0..255, and gives probabilities. INT8 is made of it by ONNX Runtime's own
static quantisation with its documented best settings for x86-64: QDQ, weights int8 per channel, activations uint8
(int8 ones take three times as long there), preprocessed, min-max over the pictures.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process


class Pictures(CalibrationDataReader):  # type: ignore[misc]
    """Pictures for the calibration, one at a time."""

    def __init__(self, name: str, pictures: Any) -> None:
        self._left = iter([{name: picture[np.newaxis].astype(np.float32)} for picture in pictures])

    def get_next(self) -> Any:
        return next(self._left, None)


def without_int8_ends(whole: Path, target: str) -> str:
    """Cut off what turns the int8 input into floats, and the float scores into int8; the name of the new input."""
    nodes = onnx.load(whole).graph.node
    front = next(node for node in nodes if "_dequant_" in node.output[0] and node.op_type == "Mul")
    assert nodes[-1].op_type == "QuantizeLinear"
    onnx.utils.extract_model(str(whole), target, [front.output[0]], [nodes[-1].input[0]], check_model=False)
    return str(front.output[0])


def main(model: str, pictures_file: str, float_file: str, int8_file: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        whole, ready = Path(folder, "whole.onnx"), Path(folder, "ready.onnx")
        convert = [sys.executable, "-m", "tf2onnx.convert", "--tflite", model, "--dequantize", "--opset", "17"]
        subprocess.run([*convert, "--output", str(whole)], check=True, capture_output=True)
        name = without_int8_ends(whole, float_file)
        quant_pre_process(float_file, str(ready))
        quantize_static(
            str(ready),
            int8_file,
            Pictures(name, np.load(pictures_file)),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )


main(*sys.argv[1:])
