"""What the runtime computes on the machine that runs this: outputs of models, pictures decoded and classified.

    python observation.py BACKEND OUTPUT images IMAGES MODEL:COUNT...
    python observation.py BACKEND OUTPUT pictures FOLDER

IMAGES is an .npz of Fashion-MNIST images, of which each model gets COUNT, spread evenly. Writes one .npz. Run on two
machines with the same files, every array can be compared.
"""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import edge
from edge.choices import DEFAULT_MODEL, Backend
from edge.frame import Frame
from edge.inference.classifier import Classifier, open_classifier
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import read_model
from edge.isolation.network_input import fit_pictures, see
from edge.sources.pictures import read_image
from edge.spec import Colour, Framing, ImageSpec, Resampling

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.inference.interpreters import TFLiteInterpreter

VIEWS = 6

FRAMINGS = {
    "stretch": ImageSpec(180, 180, colour=Colour.RGB, framing=Framing.STRETCH),
    "stretch area": ImageSpec(96, 97, colour=Colour.RGB, framing=Framing.STRETCH, resampling=Resampling.AREA),
    "letterbox": ImageSpec(224, 224, colour=Colour.RGB, framing=Framing.LETTERBOX, ground=(9, 80, 200)),
    "letterbox area": ImageSpec(61, 64, framing=Framing.LETTERBOX, resampling=Resampling.AREA),
    "crop": ImageSpec(97, 80, colour=Colour.BGR, framing=Framing.CROP),
    "crop area": ImageSpec(40, 41, colour=Colour.RGB, framing=Framing.CROP, resampling=Resampling.AREA),
    "garment": ImageSpec(96, 96, colour=Colour.RGB, framing=Framing.GARMENT_COLOUR, ground=(255, 255, 255)),
    "garment large": ImageSpec(300, 200, colour=Colour.BGR, framing=Framing.GARMENT_COLOUR),
}
"""What models of one's own see of a frame."""


class Recorder:
    """An interpreter that keeps what it answered before anything decodes it."""

    def __init__(self, interpreter: TFLiteInterpreter) -> None:
        self.name, self.input, self.output = interpreter.name, interpreter.input, interpreter.output
        self.raw: NDArray[Any] | None = None
        self._run = interpreter.run

    def run(self, batch: NDArray[Any]) -> NDArray[Any]:
        self.raw = self._run(batch)
        return self.raw


def observe_machine(backend: Backend) -> dict[str, NDArray[Any]]:
    """What computes here, so that nobody compares a machine with itself."""
    return {
        "machine": np.array(platform.machine()),
        "python": np.array(platform.python_version()),
        "processor": np.array(Path("/proc/cpuinfo").read_text("utf-8")),
        "package": np.array(str(Path(edge.__file__).parent)),
        "interpreter": np.array(open_interpreter(read_model("mlp"), backend).name),
    }


def observe_models(backend: Backend, images: NDArray[np.uint8], counts: dict[str, int]) -> dict[str, NDArray[Any]]:
    """Raw outputs and probabilities of bundled models, each on so many of the uint8 (N, 28, 28)."""
    found: dict[str, NDArray[Any]] = {}
    for name, count in counts.items():
        model = read_model(name)
        interpreter = open_interpreter(model, backend)
        # XNNPACK's kernels are those of the Pi; without them this would compare reference code. LiteRT drops it in
        # silence where it does not like the processor, and has no public way to ask.
        operators = interpreter._interpreter._get_ops_details()
        found[f"xnnpack/{name}"] = np.array(any(operator["op_name"] == "DELEGATE" for operator in operators))
        recorder = Recorder(interpreter)
        scores = open_classifier(model, recorder).probabilities(
            fit_pictures(images[:: len(images) // count], model.image)
        )
        found[f"scores/{name}"] = scores
        found[f"raw/{name}"] = recorder.raw.reshape(len(scores), -1)
    return found


def observe_picture(classifier: Classifier, path: Path) -> dict[str, NDArray[Any]]:
    """One picture as decoded, as the network's input, as other networks see it, its masks, and the answer."""
    pixels = read_image(path)
    seen = see(pixels, classifier.image, views=VIEWS)
    found = {"pixels": pixels, "input": seen.pictures}
    found |= {f"framed/{name}": see(pixels, spec, views=2).pictures for name, spec in FRAMINGS.items()}
    if seen.garment is not None:
        found |= {f"mask/{number}": mask for number, mask in enumerate(seen.garment.masks)}
        if seen.garment.torso is not None:
            found["mask/torso"] = seen.garment.torso
    answer = classifier(Frame(pixels, path.name, 0, 0.0, 0.0))
    found["decision"] = np.array(answer.decision.value)
    if answer.best is not None:
        found["label"] = np.array(answer.best.label)
        in_order = sorted(answer.ranked, key=lambda one: one.label)
        found["scores"] = np.array([one.score for one in in_order], np.float32)
    return found


def observe_pictures(backend: Backend, folder: Path) -> dict[str, NDArray[Any]]:
    """Every picture of a folder and those below it: `what:name` -> array."""
    model = read_model(DEFAULT_MODEL)
    classifier = open_classifier(model, open_interpreter(model, backend), views=VIEWS)
    found: dict[str, NDArray[Any]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = str(path.relative_to(folder))
        found |= {f"{what}:{name}": array for what, array in observe_picture(classifier, path).items()}
    return found


def main(backend: str, output: str, what: str, source: str, *counts: str) -> None:
    chosen = Backend(backend)
    if what == "pictures":
        found = observe_pictures(chosen, Path(source))
    else:
        with np.load(source) as archive:
            images = archive["images"]
        pairs = (count.split(":") for count in counts)
        found = observe_models(chosen, images, {name: int(count) for name, count in pairs})
    np.savez(output, **observe_machine(chosen), **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
