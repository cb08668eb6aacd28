"""Whole programs that classify one picture: how much processor time and memory each takes, in turns."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from environments import CACHE, Environment, PeerMissing, last_words
from networks import Network

from edge.choices import DEFAULT_MODEL
from edge.sources.grammar import parse_sources

HERE = Path(__file__).parent
LAUNCHER = """
import os, sys
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""A small process between: Linux counts the memory of the one that starts a program as the program's own."""

YOLO = "yolo11n-cls.yaml"
"""Without trained weights, which would have to be downloaded: it says nothing, and takes the same time."""


@dataclass(frozen=True, slots=True)
class Program:
    """A command that classifies the picture; `says` is part of its answer if it knows garments."""

    name: str
    environment: Environment
    command: tuple[str, ...]
    says: str = ""
    variables: dict[str, str] = field(default_factory=dict)

    def run(self) -> tuple[float, float]:
        """Seconds of processor time, with its children's, and peak megabytes. Raises PeerMissing if it fails."""
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", LAUNCHER, *self.command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            cwd=CACHE,
            env=os.environ | {"PYTHONPATH": ""} | self.variables,
        )
        said, _, figures = done.stdout.rstrip().rpartition("\n")
        if done.returncode or self.says not in said:
            raise PeerMissing(last_words(said) or f"it ended with {done.returncode}")
        seconds, kib = figures.split()
        return float(seconds), int(kib) * 1024 / 1e6


def programs(device: Environment, mediapipe: Environment, ultralytics: Environment) -> list[Program]:
    """The programs, each with the default model and the bundled boot, as far as they can."""
    picture = str(Path(parse_sources(["samples:"])[0].where).resolve())
    network = Network(DEFAULT_MODEL)
    classify = (str(device.folder / "bin" / "fmnist-edge"), "classify", picture)
    eight = (device.executable, str(HERE / "eight_lines.py"), picture, str(network.tflite.resolve()))
    task = (mediapipe.executable, str(HERE / "mediapipe_program.py"), picture, str(network.mediapipe.resolve()))
    yolo = (str(ultralytics.folder / "bin" / "yolo"), "classify", "predict", f"model={YOLO}", f"source={picture}")
    yolo = (*yolo, "imgsz=32", "device=cpu", "save=False")
    quiet = {"YOLO_CONFIG_DIR": str(CACHE), "YOLO_OFFLINE": "true"}
    return [
        Program("eight lines of NumPy, OpenCV and LiteRT", device, eight, "9"),
        Program("`fmnist-edge classify`", device, classify, "Ankle boot"),
        Program("MediaPipe's classifier", mediapipe, task, "Ankle boot"),
        Program(f"`yolo classify predict`, untrained {YOLO.removesuffix('.yaml')}", ultralytics, yolo, "", quiet),
    ]


def measure(candidates: list[Program], rounds: int) -> tuple[dict[str, Any], dict[str, str]]:
    """By name: seconds, megabytes, megabytes of the environment; and why the others were left out."""
    taken, missing = [], {}
    for program in candidates:
        try:
            program.environment.make()
            program.run()  # writes bytecode, fills the page cache
            taken.append(program)
        except PeerMissing as reason:
            missing[program.name] = str(reason)
    spent: dict[str, list[tuple[float, float]]] = {program.name: [] for program in taken}
    for _ in range(rounds):
        for program in taken:
            spent[program.name].append(program.run())
    found = {
        program.name: {
            "seconds": statistics.median(one[0] for one in spent[program.name]),
            "peak_mb": statistics.median(one[1] for one in spent[program.name]),
            "environment_mb": program.environment.megabytes(),
        }
        for program in taken
    }
    return found, missing
