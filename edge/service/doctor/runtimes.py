"""The TFLite runtimes: what they read of the processor, whether one runs a model, and whether XNNPACK helps it."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edge.inference.sandbox import output_of_child
from edge.service.doctor.finding import Finding, fail, ok, warn

RUNTIMES = {"ai-edge-litert": "ai_edge_litert.interpreter", "tflite-runtime": "tflite_runtime.interpreter"}
CPU_FILES = ("proc/cpuinfo", "sys/devices/system/cpu/present", "sys/devices/system/cpu/possible")

_MEND_XNNPACK = {
    "ai-edge-litert": "is the line `processor` ok? Then: pip install --force-reinstall ai-edge-litert",
    "tflite-runtime": "pip install ai-edge-litert; the XNNPACK of tflite-runtime takes float models only",
}

# XNNPACK takes its operations over when tensors are allocated; each part that it took is then one more node, DELEGATE.
# The log line "Created TensorFlow Lite XNNPACK delegate" is no proof: it also comes where XNNPACK then takes nothing.
_RUN = """
import importlib, json, sys
module = importlib.import_module(sys.argv[1])
interpreter = module.Interpreter(model_content=sys.stdin.buffer.read(), num_threads=1)
interpreter.allocate_tensors()
interpreter.invoke()
operations = getattr(interpreter, "_get_ops_details", None)
print(json.dumps(operations and [one["op_name"] for one in operations()].count("DELEGATE")))
"""


def cpu_files(root: Path) -> Finding:
    """Whether the files can be read by which the runtimes learn what the processor can do."""
    hidden = [f"/{name}" for name in CPU_FILES if not _content(root / name)]
    if not hidden:
        return ok("/proc/cpuinfo and /sys/devices/system/cpu can be read")
    found = f"cannot read {', '.join(hidden)}: runtimes drop XNNPACK without a word, or crash"
    mend = "take ProcSubset=pid and InaccessiblePaths=/sys out of the systemd unit; mount /proc and /sys in a container"
    return fail(found, mend) if len(hidden) == len(CPU_FILES) else warn(found, mend)


@dataclass(frozen=True, slots=True)
class _Trial:
    """How a runtime did: why it failed, or how many nodes XNNPACK took (None if it does not say)."""

    name: str
    complaint: str
    delegated: int | None

    def __str__(self) -> str:
        title = f"{self.name} {_version(self.name)}"
        if self.complaint:
            return f"{title} does not run a model: {self.complaint}"
        if self.delegated is None:
            return f"{title} runs a model, and does not say whether XNNPACK is on"
        return f"{title} runs a model, XNNPACK is {'on' if self.delegated else 'off'}"


def runtime(flatbuffer: bytes, runtimes: Mapping[str, str] = RUNTIMES) -> Finding:
    """Which of the installed `runtimes` run an int8 model (here `flatbuffer`), and whether XNNPACK is on in them.

    --backend auto takes the first that works: one that works is enough, but it should have XNNPACK.
    """
    trials = [_try(name, module, flatbuffer) for name, module in runtimes.items() if _version(name)]
    if not trials:
        return fail(f"none is installed of {', '.join(runtimes)}", "pip install ai-edge-litert")
    found = "; ".join(map(str, trials))
    works = [trial for trial in trials if not trial.complaint]
    broken = [trial for trial in trials if trial.complaint]
    if broken:
        mend = f"is the line `processor` ok? Then: pip install --force-reinstall {broken[0].name}"
        return warn(found, mend) if works else fail(found, mend)
    if works[0].delegated == 0:
        return warn(f"{found}, and so it is three to six times slower", _MEND_XNNPACK[works[0].name])
    return ok(found)


def _try(name: str, module: str, flatbuffer: bytes) -> _Trial:
    printed, complaint = output_of_child(_RUN, module, stdin=flatbuffer)
    return _Trial(name, complaint, None if complaint else json.loads(printed))


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
