"""Runs the installed `fmnist-edge` on an emulated Raspberry Pi and counts its instructions by stage."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE.parent
CANNOT = 77
"""What scripts/arm-setup exits with where the machine lacks something."""

NO_HASHING = frozenset({"cortex-a53", "cortex-a72"})
"""QEMU's have instructions for AES and SHA, the chips of the Zero 2 W, Pi 3 and Pi 4 have not."""

Counts = dict[str, int]
"""Stage -> instructions."""


@dataclass(frozen=True)
class Run:
    """The counts of one process: of its start, then of each picture, from reading it to the next one."""

    start: Counts
    frames: tuple[Counts, ...]


@dataclass(frozen=True)
class EmulatedPi:
    """The emulated Pythons of scripts/arm-setup, the plugin, and a folder that runs lie in."""

    pythons: Path
    plugin: Path
    work: Path

    def describe(self) -> dict[str, Any]:
        """Draw the pictures; gives their hashes and the versions of all packages."""
        return dict(json.loads(self._run("cortex-a72", {}, [HERE / "scenes.py", "."]).stdout))

    def warm_up(self, arguments: Sequence[str]) -> None:
        """Compile what a run imports: bytecode is not written where counting begins."""
        self._run("cortex-a72", {}, self._staged(arguments))

    def count(self, processor: str, arguments: Sequence[str]) -> Run:
        """Run `fmnist-edge ARGUMENTS` among the pictures, and count."""
        out = self.work / "counts"
        counting = {"QEMU_PLUGIN": f"{self.plugin},out={out}", "PYTHONDONTWRITEBYTECODE": "1"}
        self._run(processor, counting, self._staged(arguments))
        *counts, threads = out.read_text("utf-8").splitlines()
        if threads != "threads 1":
            sys.exit(f"error: fmnist-edge ran in {threads}: what two threads do is not counted exactly")
        stages = ["python", *(self.work / "stages").read_text("utf-8").splitlines()]
        if len(stages) != len(counts):
            sys.exit(f"error: {len(counts)} counts of {len(stages)} stages: something else in the run asks for getppid")
        return _by_frame(list(zip(stages, map(int, counts), strict=True)))

    def _staged(self, arguments: Sequence[str]) -> list[str | Path]:
        return [HERE / "staged.py", self.work / "stages", self.pythons / "project" / "bin" / "fmnist-edge", *arguments]

    def _run(
        self, processor: str, environment: dict[str, str], arguments: Sequence[str | Path]
    ) -> subprocess.CompletedProcess[str]:
        """Run the emulated Python in an environment that is the same everywhere."""
        fixed = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "LC_ALL": "C.UTF-8",
            "PYTHONHASHSEED": "0",
            "QEMU_RAND_SEED": "0",
            "OPENCV_FOR_THREADS_NUM": "1",
            "FMNIST_EDGE_ARM_PROCESSOR": processor,
        }
        if processor in NO_HASHING:
            fixed["OPENSSL_armcap"] = "1"  # NEON alone
        folder = self.work / "pictures"
        folder.mkdir(exist_ok=True)
        done = subprocess.run(
            [self.pythons / "arm64-python", *arguments],
            env=fixed | environment,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"error: {arguments[-1]} ended with {done.returncode} on {processor}:\n{done.stderr[-2000:]}")
        return done


def set_up(work: Path, versions: Path | None) -> EmulatedPi:
    """The emulated Pythons, with the package versions that a file names (name==version), and the plugin; exits if not.

    Both live in the cache of scripts/arm-setup.
    """
    if shutil.which("gcc") is None:
        _give_up("needs a C compiler: sudo apt-get install gcc libc6-dev", CANNOT)
    others = {"FMNIST_EDGE_ARM_PYTHON", "FMNIST_EDGE_ARM_RUNTIME", "FMNIST_EDGE_ARM_VERSIONS"}  # not the default Python
    environment = {name: value for name, value in os.environ.items() if name not in others}
    if versions is not None:
        environment["FMNIST_EDGE_ARM_VERSIONS"] = str(versions)
    done = subprocess.run([SCRIPTS / "arm-setup"], env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        if versions is not None and done.returncode != CANNOT:
            print("hint: if pip no longer finds those versions: scripts/arm-cost --upgrade", file=sys.stderr)
        _give_up(f"scripts/arm-setup exited {done.returncode}", done.returncode)
    pythons = Path(done.stdout.strip())
    return EmulatedPi(pythons, _built_plugin(pythons.parent), work)


def sha256_of(path: Path) -> str:
    """The first half of a file's hash: enough to know it by."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:32]


def _built_plugin(cache: Path) -> Path:
    source = HERE / "count_instructions.c"
    folder = cache / f"plugin-{sha256_of(source)}"
    plugin = folder / "count_instructions.so"
    if not plugin.exists():
        folder.mkdir(exist_ok=True)
        part = folder / f"{os.getpid()}.part"
        subprocess.run(["gcc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", part, source], check=True)
        part.rename(plugin)
    folder.touch()  # arm-setup removes what nobody has used for two weeks
    return plugin


def _give_up(reason: str, exit_code: int) -> None:
    print(f"arm-cost: {reason}", file=sys.stderr)
    sys.exit(exit_code)


def _by_frame(counted: list[tuple[str, int]]) -> Run:
    """A frame begins where it is read."""
    parts: list[Counter[str]] = [Counter()]
    for stage, instructions in counted:
        if stage == "read":
            parts.append(Counter())
        parts[-1][stage] += instructions
    start, *frames = parts
    return Run(dict(start), tuple(dict(frame) for frame in frames))
