"""Commands that tests start, watch and kill."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path


def wait_for_line(process: subprocess.Popen[str], sign: str) -> str:
    """Read the stderr of a process up to the line that has `sign` in it; all that was read.

    Fails, with what was said, if the process ends before.
    """
    assert process.stderr is not None
    said = ""
    for line in iter(process.stderr.readline, ""):
        said += line
        if sign in line:
            return said
    raise AssertionError(f"{sign!r} never came: {said}")


def is_running(pid: int) -> bool:
    """Whether a process lives; one that was killed and waits for init to take note does not."""
    for _ in range(50):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        if state == "Z":
            return False
        time.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    return True
