"""A model file that nothing vouches for may crash its runtime at any time: the command then goes on in a child."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from edge.errors import ModelDamaged
from edge.inference.probe import UNKNOWN_HINT

if TYPE_CHECKING:
    from edge.inference.model_file import Model

CRASHES = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL})
_PR_SET_PDEATHSIG = 1
_PASSED_ON = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})


def go_on_in_child(model: Model) -> None:
    """Return in a child process, while this one waits and leaves as the child does.

    The trial of probe.py refuses what crashes when it is opened. A damaged file may also read memory beyond its own,
    which crashes in one process and not in the next. Raises ModelDamaged, here, when the child crashes. Call it
    before there are threads.
    """
    sys.stdout.flush()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _PASSED_ON | {signal.SIGCHLD})
    child = os.fork()
    if not child:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)  # whoever kills the command means both
        return
    status = _wait(child)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    if status >= 0:
        os._exit(status)
    if -status in CRASHES:
        raise ModelDamaged(
            f"{model.path} crashed the runtime ({signal.Signals(-status).name})",
            UNKNOWN_HINT,
        )
    os._exit(128 - status)  # as a shell says it


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
