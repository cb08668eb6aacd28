"""Coral's edgetpu_compiler, run on a copy of the model in a folder of its own, and what its log says.

The log is the one that the program prints (coral.ai/docs/edgetpu/compiler): a first part on the file and its memory,
and, with -s, a table of operators. A count of operations on the CPU appears only where there are any.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from convert.targets.check import COMPILED
from edge.errors import BackendUnavailable, CompilationFailed

PROGRAM = "edgetpu_compiler"
MAPPED = "Mapped to Edge TPU"

_INPUT, _OUTPUT, _OPERATIONS = "model.tflite", "model_edgetpu.tflite", "model_edgetpu.log"
_ROW = re.compile(r"^([A-Za-z][\w-]*) {2,}(\d+) {2,}(\S.*?)\s*$", re.MULTILINE)
_VERSION = re.compile(r"^Edge TPU Compiler version (\S+)", re.MULTILINE)
_SUCCESS = re.compile(r"^Model compiled successfully", re.MULTILINE)
_COUNT = {
    place: re.compile(rf"^Number of operations that will run on {place}: (\d+)", re.MULTILINE)
    for place in ("Edge TPU", "CPU")
}
_MEMORY = re.compile(r"^((?:On|Off)-chip memory .*?): ([\d.]+)(B|KiB|MiB|GiB)\s*$", re.MULTILINE)
_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_COMPLAINT = re.compile(
    r"^(?:ERROR: |Invalid model|Model could not|Internal compiler error|Compilation failed).*", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table of operators: so many operations of a kind, and what became of them."""

    operator: str
    count: int
    status: str


@dataclass(frozen=True, slots=True)
class Log:
    """The compiler's log. `memory_bytes` are its three figures by their own names, rounded as printed."""

    text: str
    version: str
    succeeded: bool
    mapped: int
    on_cpu: int
    rows: tuple[Row, ...]
    memory_bytes: dict[str, int]

    @property
    def share(self) -> float:
        """Percentage of the operations that the Edge TPU will run; 0 where there are none."""
        operations = self.mapped + self.on_cpu
        return 100 * self.mapped / operations if operations else 0.0

    @property
    def complaint(self) -> str:
        """The line that says what is wrong, or the last one."""
        found = _COMPLAINT.search(self.text)
        lines = self.text.strip().splitlines() or ["it said nothing"]
        return " ".join((found[0] if found else lines[-1]).split())


@dataclass(frozen=True, slots=True)
class Run:
    """The compiler's log, and the compiled flatbuffer: None, with the reason, where there is none."""

    log: Log
    flatbuffer: bytes | None
    failure: str = ""


def find_compiler() -> Path:
    """Path of the compiler. Raises BackendUnavailable."""
    found = shutil.which(PROGRAM)
    if found is None:
        raise BackendUnavailable(
            f"{PROGRAM} is not on PATH",
            "it exists for x86-64 Linux alone: install version 16.0 as coral.ai/docs/edgetpu/compiler says",
        )
    return Path(found).absolute()  # it is started in another folder


def parse_log(text: str) -> Log:
    """Read what the compiler printed; whatever is not there counts as zero, or as failure."""
    version = _VERSION.search(text)
    rows = tuple(Row(name, int(count), status) for name, count, status in _ROW.findall(text))
    counted = {place: pattern.search(text) for place, pattern in _COUNT.items()}
    mapped = sum(row.count for row in rows if row.status == MAPPED)
    total = sum(row.count for row in rows)
    return Log(
        text=text,
        version=version[1] if version else "unknown",
        succeeded=_SUCCESS.search(text) is not None,
        mapped=int(counted["Edge TPU"][1]) if counted["Edge TPU"] else mapped,
        on_cpu=int(counted["CPU"][1]) if counted["CPU"] else total - mapped,
        rows=rows,
        memory_bytes={name: round(float(size) * _UNITS[unit]) for name, size, unit in _MEMORY.findall(text)},
    )


def run_compiler(program: Path, flatbuffer: bytes, timeout_s: float) -> Run:
    """Compile a flatbuffer in a temporary folder; a failure is a Run without a flatbuffer.

    Raises CompilationFailed if the program cannot even be started.
    """
    with tempfile.TemporaryDirectory(prefix="fmnist-edgetpu-") as name:
        folder = Path(name)
        (folder / _INPUT).write_bytes(flatbuffer)
        said = folder / "said"
        failure = _run([str(program), "-s", "-o", ".", _INPUT], folder, said, timeout_s)
        text = said.read_text("utf-8", "replace")
        log = parse_log(text)
        if not log.rows and (folder / _OPERATIONS).is_file():
            log = parse_log(f"{text}\n{(folder / _OPERATIONS).read_text('utf-8', 'replace')}")
        if not failure:
            failure = _complaint(log, folder / _OUTPUT)
        return Run(log, None, failure) if failure else Run(log, (folder / _OUTPUT).read_bytes())


def _complaint(log: Log, compiled: Path) -> str:
    """What is wrong with the work of a compiler that ended well by its exit code; nothing if it is sound."""
    if not log.succeeded:
        return log.complaint
    if not compiled.is_file():
        return f"it wrote no {compiled.name}"
    content = compiled.read_bytes()
    if content[4:8] != b"TFL3" or (log.mapped and COMPILED.encode() not in content):
        return f"what it wrote to {compiled.name} is no model for the Edge TPU"
    return ""


def _run(command: list[str], folder: Path, said: Path, timeout_s: float) -> str:
    """Run the program with its output in a file: how it failed, in words, or nothing."""
    with said.open("wb") as output:
        try:
            # The program is a script around the real one: only a session of their own lets both be stopped.
            process = subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise CompilationFailed(
                f"{command[0]} does not start: {error.strerror or error}", "it is a program for x86-64 Linux"
            ) from error
        try:
            code = process.wait(timeout_s)
        except BaseException as interruption:  # Ctrl-C does not reach a session of its own
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if isinstance(interruption, subprocess.TimeoutExpired):
                return f"no answer within {timeout_s:g} s"
            raise
    if code < 0:
        return f"crash ({signal.Signals(-code).name})"
    # A wrapper in shell reports its child's crash as 128 and the signal's number.
    return f"{parse_log(said.read_text('utf-8', 'replace')).complaint} (exit code {code})" if code else ""
