"""Run a model in its target runtimes, here or in other environments, and compare with LiteRT here."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.targets.operators import Target
from convert.targets.runtime_process import DISTRIBUTIONS, Answers, find_place, run_there
from convert.tflite.mediapipe_variant import is_grey_variant
from edge.choices import Backend
from edge.errors import BackendUnavailable, BadOption
from edge.inference.classifier import both_of, open_classifier
from edge.inference.interpreters import TFLiteInterpreter, open_interpreter
from edge.inference.model_file import Model
from edge.isolation.network_input import fit_pictures
from edge.spec import ImageSpec

IMAGES = 1_000
"""Pictures that a runtime is tried on unless told: a fifth of a percent of them is two."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What a runtime may differ by: steps of an int8 output, and the share 0..1 of pictures with another label."""

    steps: float
    labels: float


TOLERANCES = {
    Target.LITERT: Tolerance(0, 0),
    # tflite-runtime 2.14 has other kernels for int8 than XNNPACK. Of 10,000 pictures it gives another label to none for
    # mlp, 8 for small, 14 for base and 26 for tiny (of which 12 are ties), with outputs up to 11 steps apart. So tiny
    # is beyond what is allowed here, though not on the first 1,000 pictures.
    Target.TFLITE_RUNTIME: Tolerance(16, 0.002),
    Target.MEDIAPIPE: Tolerance(16, 0.002),
}


@dataclass(frozen=True, slots=True)
class TargetRun:
    """What came of running a model for a target: on `images` pictures, in `runtime`, beside the runtime `beside`.

    `steps` is the greatest difference of an output, in steps of an int8 output; `changed` counts other labels.
    `absent` says why it was not run, `complaint` what is wrong with the answers; both are empty where all is well.
    """

    target: Target
    runtime: str = ""
    beside: str = ""
    images: int = 0
    steps: float = 0.0
    changed: int = 0
    absent: str = ""
    complaint: str = ""

    @property
    def verdict(self) -> str:
        """One of: not run, failed, passed."""
        return "not run" if self.absent else "failed" if self.complaint else "passed"

    @property
    def facts(self) -> dict[str, Any]:
        """The run as JSON has it, without its target."""
        facts = {name: None if value == "" else value for name, value in asdict(self).items() if name != "target"}
        return {"verdict": self.verdict, **facts}

    def __str__(self) -> str:
        """One sentence for people."""
        if self.absent:
            return f"{self.target}: not run: {self.absent}"
        if self.complaint:
            return f"{self.target}: failed: {self.complaint}"
        ran = f"{self.target}: ran {self.images:,} pictures in {self.runtime}"
        if not self.beside:
            return f"{ran}, which is what the others are compared with"
        return f"{ran}: {self.changed} other labels than {self.beside}, outputs at most {self.steps:.3g} steps apart"


def parse_pythons(pairs: Sequence[str]) -> dict[Target, Path]:
    """Pythons by target, from texts TARGET=PATH; absolute, as they are started elsewhere. Raises BadOption."""
    found = {}
    for pair in pairs:
        name, _, path = pair.partition("=")
        if name not in DISTRIBUTIONS or not path:
            raise BadOption(
                f"--python {pair}: expected TARGET=PATH, with one of {', '.join(DISTRIBUTIONS)}",
                "for example --python mediapipe=/path/to/venv/bin/python",
            )
        if not os.access(path, os.X_OK) or Path(path).is_dir():
            raise BadOption(f"--python {pair}: {path} cannot be executed", "it is the python in an environment's bin")
        found[Target(name)] = Path(path).absolute()  # not resolved: an environment's python is a link
    return found


def is_reachable(target: Target, pythons: Mapping[Target, Path]) -> bool:
    """Whether there is a Python that may have the target's runtime."""
    return not find_place(target, pythons).absent


def run_targets(
    model: Model,
    content: bytes,
    targets: Sequence[Target],
    pictures: NDArray[np.uint8],
    pythons: Mapping[Target, Path],
) -> list[TargetRun]:
    """Run a model for each target on a data set's pictures, read for it, beside LiteRT in this process.

    `content` is the whole of the file, whether it is on the disk or not. Raises ModelUnsupported for one that is no
    classifier of such pictures, BackendUnavailable for a Python of `pythons` without the runtime.
    """
    interpreter = open_interpreter(model, Backend.LITERT)
    inputs = _inputs(model, interpreter, pictures)
    expected = interpreter.run(inputs)
    runs = []
    for target in targets:
        place = find_place(target, pythons)
        if place.absent:
            runs.append(TargetRun(target, absent=place.absent))
        elif not place.distribution:
            runs.append(TargetRun(target, interpreter.name, images=len(inputs)))
        else:
            child = run_there(place, content, inputs)
            if child.absent and target in pythons:
                hint = f"{place.python} -m pip install {place.distribution}"
                raise BackendUnavailable(f"{place.python}: {child.absent}", hint)
            runs.append(judge(target, child, expected, interpreter, model.labels, model.gives_logits))
    return runs


def _inputs(model: Model, interpreter: TFLiteInterpreter, pictures: NDArray[np.uint8]) -> NDArray[Any]:
    """Raw inputs (N, *input shape): what the device's classifier makes of the pictures; for RGB, bytes three times."""
    if is_grey_variant(model, interpreter.input):
        image = ImageSpec(interpreter.input.shape[1], interpreter.input.shape[2])
        inputs: NDArray[Any] = np.repeat(fit_pictures(pictures, image)[..., np.newaxis], 3, axis=3)
    else:
        image = open_classifier(model, interpreter).image
        inputs = interpreter.input.encode(image.normalise(fit_pictures(pictures, image)))
    return inputs.reshape(len(pictures), *interpreter.input.shape[1:])


def judge(
    target: Target,
    child: Answers,
    expected: NDArray[Any],
    interpreter: TFLiteInterpreter,
    labels: tuple[str, ...],
    gives_logits: bool = False,
) -> TargetRun:
    """Hold a child's answers against those of LiteRT here.

    A single output is the second of two labels' probability, or its logit (`gives_logits`).
    """
    if child.outputs is None:
        return TargetRun(target, absent=child.absent, complaint=child.complaint)
    output, beside = interpreter.output, interpreter.name
    run = TargetRun(target, child.runtime, beside, len(expected))
    if child.outputs.shape != expected.shape:
        return replace(run, complaint=f"{child.runtime} gives {child.outputs.shape}, {beside} {expected.shape}")
    if child.labels and labels and child.labels != labels:
        return replace(run, complaint=f"{child.runtime} has the labels {', '.join(map(str, child.labels))[:200]}")
    wanted = output.decode(expected)
    given = output.decode(child.outputs) if child.outputs.dtype == output.dtype else child.outputs
    if not np.isfinite(given).all():
        return replace(run, complaint=f"{child.runtime} answers NaN or infinity")
    # A step of int8, whatever the output's type: a float or an int16 one is as fine as 255 steps over what it spans.
    step = max(output.scale, float(np.ptp(wanted)) / 255) or 1.0
    steps = float(np.abs(given - wanted).max() / step)
    changed = int(np.sum(_best(given, gives_logits) != _best(wanted, gives_logits)))
    allowed = TOLERANCES[target]
    if steps > allowed.steps or changed > allowed.labels * len(wanted):
        complaint = (
            f"{child.runtime} gives {changed:,} of {len(wanted):,} pictures another label than {beside}, with outputs "
            f"up to {steps:.3g} steps apart; {allowed.labels * len(wanted):.3g} and {allowed.steps:g} are allowed"
        )
        return replace(run, steps=steps, changed=changed, complaint=complaint)
    return replace(run, steps=steps, changed=changed)


def _best(scores: NDArray[np.float32], are_logits: bool) -> NDArray[np.intp]:
    """Class numbers (N,) of decoded outputs (N, ...)."""
    flat = scores.reshape(len(scores), -1)
    best: NDArray[np.intp] = (both_of(flat, are_logits) if flat.shape[1] == 1 else flat).argmax(axis=1)
    return best
