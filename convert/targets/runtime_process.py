"""Another runtime in a process of its own, here or in another environment: which Python, and what it answered."""

from __future__ import annotations

import importlib.util
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.targets.operators import Target
from edge.documents import parse_object

TIMEOUT_S = 300.0
"""A thousand pictures of a large network take a minute on a slow runtime; TensorFlow's import takes seconds."""

DISTRIBUTIONS: Mapping[Target, tuple[str, str]] = {
    Target.LITERT: ("tensorflow", "tensorflow"),
    Target.TFLITE_RUNTIME: ("tflite-runtime", "tflite_runtime"),
    Target.MEDIAPIPE: ("mediapipe", "mediapipe"),
}
"""What runs a target in a process of its own, and the module that tells whether it is installed here.

LiteRT runs in our own process, and TensorFlow's copy of it is held against that.
"""

_PROGRAM = Path(__file__).with_name("runtime_child.py")
_ABSENT = 3


@dataclass(frozen=True, slots=True)
class Place:
    """Where to run: a distribution in a Python; no distribution where LiteRT itself is all there is; or why not."""

    python: Path = Path(sys.executable)
    distribution: str = ""
    absent: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What a process gave: its runtime, its labels if it has any, outputs (N, classes); or what went wrong."""

    runtime: str = ""
    labels: tuple[str, ...] = ()
    outputs: NDArray[Any] | None = None
    absent: str = ""
    complaint: str = ""


def find_place(target: Target, pythons: Mapping[Target, Path]) -> Place:
    """Where a target's runtime is: in the Python named for it, else in this one."""
    if target not in DISTRIBUTIONS:
        return Place(absent="it takes a Coral, and a model compiled for it")
    distribution, module = DISTRIBUTIONS[target]
    if target in pythons:
        return Place(pythons[target], "ai-edge-litert" if target is Target.LITERT else distribution)
    if importlib.util.find_spec(module) is not None:
        return Place(distribution=distribution)
    if target is Target.LITERT:
        return Place()
    return Place(absent=f"{distribution} is not installed here; --python {target}=PATH names a Python that has it")


def run_there(place: Place, content: bytes, inputs: NDArray[Any]) -> Answers:
    """Run a model file on raw inputs (N, *input shape). What goes wrong there is in the answers, not raised."""
    with tempfile.TemporaryDirectory(prefix="fmnist-edge-") as folder:
        model, given, result = (Path(folder) / name for name in ("model.tflite", "inputs.npy", "outputs.npy"))
        model.write_bytes(content)
        np.save(given, inputs)
        # As text, not as a file: Python would look for modules beside the file first, in convert/.
        program = _PROGRAM.read_text("utf-8")
        try:
            done = subprocess.run(  # noqa: S603 - our own program, in the Python that the user named
                [place.python, "-c", program, place.distribution, model, given, result],
                capture_output=True,
                timeout=TIMEOUT_S,
                check=False,
                cwd=folder,
            )
        except subprocess.TimeoutExpired:
            return Answers(complaint=f"{place.distribution} gave no answer within {TIMEOUT_S:.0f} s")
        except OSError as error:
            return Answers(absent=f"it does not start: {error.strerror or error}")
        said = (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason given"])[-1]
        if done.returncode == _ABSENT:
            return Answers(absent=said)
        if done.returncode < 0:
            return Answers(complaint=f"{place.distribution} crashes ({signal.Signals(-done.returncode).name})")
        if done.returncode:
            return Answers(complaint=f"{place.distribution} does not run it: {said}")
        try:
            told = parse_object(done.stdout.splitlines()[-1])
            return Answers(str(told["runtime"]), tuple(map(str, told["labels"])), np.load(result))
        except (OSError, ValueError, TypeError, KeyError, IndexError) as error:
            return Answers(complaint=f"{place.python} is no Python that gives answers: {error!r}")
