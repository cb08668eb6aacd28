"""Commands that tests start, watch and kill."""

from __future__ import annotations

import subprocess


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
