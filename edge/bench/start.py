"""What a start costs: `fmnist-edge classify PICTURE` as a process of its own, from its start to its end."""

from __future__ import annotations

import json
import os
import sys
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import edge
from edge.bench.spread import Repeated, repeated
from edge.inference.sandbox import output_of_child

# A process that has just been started counts, as its own peak, the memory of the one that started it: so a small one
# in between starts the command, and measures it.
_MEASURE = """
import json, os, subprocess, sys, time
os.environ.update(json.load(sys.stdin))
began = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
spent = time.perf_counter() - began
if status:
    sys.exit(f"exit code {os.waitstatus_to_exitcode(status)}")
print(json.dumps([spent * 1e3, (usage.ru_utime + usage.ru_stime) * 1e3, usage.ru_maxrss * 1024 / 1e6]))
"""


@dataclass(frozen=True, slots=True)
class Start:
    """The whole process: wall time and processor time in ms, its peak memory in MB; `runs` after one to warm up."""

    runs: int
    ms: Repeated
    cpu_ms: Repeated
    peak_mb: float


@dataclass(frozen=True, slots=True)
class NotStarted:
    """Why the start could not be measured."""

    reason: str


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the program: wall time and processor time in ms, peak memory in MB."""

    ms: float
    cpu_ms: float
    peak_mb: float


def run_program(arguments: Sequence[str]) -> Run | NotStarted:
    """Run `fmnist-edge` once, with these arguments; what it prints goes nowhere."""
    try:
        printed, complaint = output_of_child(_MEASURE, *_command(), *arguments, stdin=_environment())
    except OSError:
        return NotStarted("this machine lets no program start another")
    if complaint:
        return NotStarted("the command failed" if complaint.startswith("exit code") else "a program did not start")
    return Run(*json.loads(printed))


def measure_start(arguments: Sequence[str], runs: int, progress: Callable[[], None]) -> Start | NotStarted:
    """Run `fmnist-edge` so often, and once before that is not counted; a machine that starts no program says so."""
    found: list[Run] = []
    for number in range(runs + 1):
        run = run_program(arguments)
        if isinstance(run, NotStarted):
            return run
        if number:
            found.append(run)
        progress()
    ms, cpu_ms = repeated([run.ms for run in found]), repeated([run.cpu_ms for run in found])
    return Start(runs, ms, cpu_ms, round(max(run.peak_mb for run in found), 1))


def _command() -> tuple[str, ...]:
    """-P: a folder called edge where the user happens to be is not ours."""
    return sys.executable, "-P", "-m", "edge.cli"


def _environment() -> bytes:
    """Variables to set: no configuration file, and this very edge where it is not among the installed packages."""
    home = str(Path(edge.__file__).parents[1])
    environment = {"FMNIST_EDGE_CONFIG": os.devnull}
    if home not in sysconfig.get_paths().values():
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (home, os.environ.get("PYTHONPATH"))))
    return json.dumps(environment).encode()
