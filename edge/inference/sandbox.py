"""Model files that nothing vouches for may crash their runtime: they run in a child process.

Such a file is tried in a child first. The command with it then continues in a child for good, for a damaged file may
crash at any time.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from edge.board.memory import memory_sizes
from edge.errors import FmnistEdgeError, ModelDamaged

if TYPE_CHECKING:
    from edge.inference.model_file import Model
    from edge.inference.runtimes import Runtime

TIMEOUT_S = 30.0

LEAST_MEMORY, MOST_MEMORY = 256 << 20, 2 << 30
"""Bytes that a trial may take: what the machine has left, within these. A damaged size can ask for any number, and the
kernel would then end whoever has most. A bundled model takes 50 MB; a .tflite itself cannot be larger than 2 GB."""

UNKNOWN_HINT = "the file is damaged, or made for another runtime; it has no manifest to check it by"

VOUCHED_HINT = "its hash is right, so it was made so: for another runtime, or to do harm"

CRASHES = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL})
_PR_SET_PDEATHSIG = 1
_PASSED_ON = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})


_OPEN_AND_RUN = """
import importlib, os, resource, sys
os.nice(int(sys.argv[2]))
os.environ["OPENBLAS_NUM_THREADS"] = "1"  # NumPy's: each would ask for memory
most, hard = int(sys.argv[3]), resource.getrlimit(resource.RLIMIT_DATA)[1]
most = most if hard == resource.RLIM_INFINITY else min(most, hard)
resource.setrlimit(resource.RLIMIT_DATA, (most, most))
interpreter = importlib.import_module(sys.argv[1]).Interpreter(model_content=sys.stdin.buffer.read(), num_threads=1)
interpreter.allocate_tensors()
interpreter.invoke()
"""


def error_in_child(program: str, *arguments: str, stdin: bytes = b"") -> str:
    """Run a Python program in a child process: how it failed, in words, or nothing if it went well."""
    return output_of_child(program, *arguments, stdin=stdin)[1]


def output_of_child(program: str, *arguments: str, stdin: bytes = b"") -> tuple[str, str]:
    """As `error_in_child`; what the program printed comes first."""
    try:
        child = subprocess.run(  # noqa: S603 - our own interpreter and program, no shell
            [sys.executable, "-c", program, *arguments],
            input=stdin,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "", f"no answer within {TIMEOUT_S:.0f} s"
    printed = child.stdout.decode("utf-8", "replace")
    if child.returncode < 0:
        return printed, f"crash ({signal.Signals(-child.returncode).name})"
    if child.returncode:
        return printed, (child.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason given"])[-1]
    return printed, ""


def try_unknown(model: Model, runtime: Runtime, niceness: int = 0) -> None:
    """Open a model, and run it once, in a child process: no hash vouches for a file without manifest.

    Of 200 damaged files tflite-runtime crashed on 91 and LiteRT on 1. Raises ModelDamaged.
    """
    memory = min(max(memory_sizes().get("MemAvailable", MOST_MEMORY), LEAST_MEMORY), MOST_MEMORY)
    arguments = (runtime.interpreter_class.__module__, str(niceness), str(memory))
    complaint = error_in_child(_OPEN_AND_RUN, *arguments, stdin=model.flatbuffer)
    if complaint:
        raise ModelDamaged(
            f"{model.path} does not open in {runtime.distribution}: {complaint}",
            UNKNOWN_HINT if model.manifest is None else VOUCHED_HINT,
        )


def continue_in_child(
    error_of: Callable[[str], FmnistEdgeError],
    crashes: Collection[int] = CRASHES,
    at_end: Callable[[], None] = lambda: None,
) -> None:
    """Return in a child process, while this one waits and leaves as the child does.

    `try_unknown` refuses what crashes when it is opened. A damaged file may also read memory beyond its own, which
    crashes in one process and not in the next. When a signal of `crashes` ends the child, `error_of` makes an error
    of the signal's name, which is raised here. `at_end` is called here in any case. Call it before there are threads.
    """
    import ctypes  # for unknown models only: every other start would pay for it

    sys.stdout.flush()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _PASSED_ON | {signal.SIGCHLD})
    child = os.fork()
    if not child:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)  # whoever kills the command means both
        return
    status = _wait(child)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    error = error_of(signal.Signals(-status).name) if -status in crashes else None
    at_end()
    if error is not None:
        raise error
    os._exit(status if status >= 0 else 128 - status)  # as a shell says it


def crash_of_unknown(model: Model) -> Callable[[str], ModelDamaged]:
    """What a crash says of a model file that nothing vouches for: a function of the signal's name."""
    return lambda name: ModelDamaged(f"{model.path} crashed the runtime ({name})", UNKNOWN_HINT)


def _wait(child: int) -> int:
    """How the child left: its exit code, or the number of a signal, negative. Signals sent to us are passed on."""
    while True:
        received: Any = signal.sigwaitinfo(_PASSED_ON | {signal.SIGCHLD})
        if received.si_signo == signal.SIGCHLD:
            left, status = os.waitpid(child, os.WNOHANG)
            if left:
                return os.waitstatus_to_exitcode(status)
        elif received.si_code <= 0:  # sent by a process; what a terminal sends has reached the child already
            os.kill(child, received.si_signo)
