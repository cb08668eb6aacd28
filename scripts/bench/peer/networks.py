"""The files that the peers run: one network in each one's own format, kept in the cache folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from environments import CACHE, Environment, digest, run

from convert.tflite import manifest, metadata
from convert.tflite.mediapipe_variant import with_rgb_ends
from edge.datasets.dataset import load
from edge.inference.model_file import find_model, read_model

CALIBRATED_ON = 200
"""Training pictures that ONNX Runtime's quantisation sees: as many as ours saw."""

CONVERSION = Environment("conversion", ("tensorflow-cpu", "tf2onnx", "onnxruntime", "onnx", "sympy"))


@dataclass(frozen=True, slots=True)
class Network:
    """A bundled model, and its files for other runtimes, which are made when they are first asked for."""

    name: str

    @property
    def tflite(self) -> Path:
        """The int8 file that this project carries."""
        return find_model(self.name)

    @property
    def onnx_float(self) -> Path:
        """The same weights, dequantised, as ONNX. Raises PeerMissing if the converter cannot be had."""
        return self._onnx()[0]

    @property
    def onnx_int8(self) -> Path:
        """ONNX Runtime's own static quantisation of that. Raises PeerMissing if the converter cannot be had."""
        return self._onnx()[1]

    @property
    def mediapipe(self) -> Path:
        """What `convert quantize --target mediapipe` writes beside the model: the same network, RGB in front."""
        made = self._place("mediapipe.tflite")
        if not made.is_file():
            model = read_model(self.name)
            assert model.image is not None
            drawn = with_rgb_ends(model.flatbuffer, model.image, model.gives_logits)
            made.parent.mkdir(parents=True, exist_ok=True)
            described = metadata.embed(drawn, metadata.describe(model.name, model.image, is_rgb=True))
            made.write_bytes(manifest.attach(described, dict(model.manifest or {})))  # with the labels
        return made

    def _place(self, ending: str) -> Path:
        return CACHE / "networks" / f"{self.name}-{digest(self.tflite)}-{ending}"

    def _onnx(self) -> tuple[Path, Path]:
        made = self._place("float.onnx"), self._place("int8.onnx")
        if not all(file.is_file() for file in made):
            CONVERSION.make()
            made[0].parent.mkdir(parents=True, exist_ok=True)
            pictures = made[0].with_name("calibration.npy")
            np.save(pictures, load("train").images[:CALIBRATED_ON])
            program = str(Path(__file__).with_name("make_onnx.py"))
            run([CONVERSION.executable, program, str(self.tflite), str(pictures), *map(str, made)], PYTHONPATH="")
        return made


FileOf = Callable[[Network], Path]
