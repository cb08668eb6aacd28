"""What the runtime computes on the machine that runs this: outputs of models, pictures decoded and prepared.

    python observation.py PICTURES SAMPLE OUTPUT

Writes one .npz. Run on two machines with the same files, every array can be compared.
"""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import edge
from edge.inference.classifier import open_classifier
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import bundled_models, read_model
from edge.isolation.network_input import see
from edge.sources.pictures import read_image
from edge.spec import ImageSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.inference.interpreters import TFLiteInterpreter


class Recorder:
    """An interpreter that keeps what it answered before anything decodes it."""

    def __init__(self, interpreter: TFLiteInterpreter) -> None:
        self.name, self.input, self.output = interpreter.name, interpreter.input, interpreter.output
        self.raw: NDArray[Any] | None = None
        self._run = interpreter.run

    def run(self, batch: NDArray[Any]) -> NDArray[Any]:
        self.raw = self._run(batch)
        return self.raw


HEAVY_MACS = 20_000_000
HEAVY_STEP = 5


def sample_step(name: str) -> int:
    """Of a bundled model with many multiply-accumulates every fifth image is enough: emulation takes its time."""
    manifest = read_model(name).manifest
    assert manifest is not None
    return HEAVY_STEP if (manifest["provenance"].get("macs") or 0) > HEAVY_MACS else 1


def observe_models(images: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    """Raw outputs and probabilities of every bundled model that a CPU can run, on uint8 (N, 28, 28)."""
    found: dict[str, NDArray[Any]] = {}
    for name in bundled_models():
        model = read_model(name)
        if model.compiled_for_edgetpu:
            continue
        interpreter = open_interpreter(model)
        # XNNPACK's kernels are those of the Pi; without them this would compare reference code. LiteRT drops it in
        # silence where it does not like the processor, and has no public way to ask.
        operators = interpreter._interpreter._get_ops_details()
        found[f"xnnpack/{name}"] = np.array(any(operator["op_name"] == "DELEGATE" for operator in operators))
        recorder = Recorder(interpreter)
        scores = open_classifier(model, recorder).probabilities(images[:: sample_step(name)])
        found[f"scores/{name}"] = scores
        found[f"raw/{name}"] = recorder.raw.reshape(len(scores), -1)
    return found


def observe_pictures(folder: Path) -> dict[str, NDArray[Any]]:
    """Every picture as decoded, and as the network's input."""
    found: dict[str, NDArray[Any]] = {}
    for path in sorted(folder.iterdir()):
        pixels = read_image(path)
        found[f"pixels/{path.name}"] = pixels
        seen = see(pixels, ImageSpec(), views=6)
        found[f"input/{path.name}"] = seen.pictures
        if seen.garment is not None:
            for number, mask in enumerate(seen.garment.masks):
                found[f"mask/{path.name}/{number}"] = mask
            if seen.garment.torso is not None:
                found[f"mask/{path.name}/torso"] = seen.garment.torso
    return found


def main(pictures: Path, sample: Path, output: Path) -> None:
    with np.load(sample) as archive:
        images = archive["images"]
    np.savez(
        output,
        machine=np.array(platform.machine()),
        python=np.array(platform.python_version()),
        processor=np.array(Path("/proc/cpuinfo").read_text("utf-8")),
        runtime=np.array(str(Path(edge.__file__).parent)),
        **observe_models(images),
        **observe_pictures(pictures),
    )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
