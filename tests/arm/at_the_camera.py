"""Run in the emulated computer of scripts/arm-machine: uses its camera by the command, and writes what came of it.

`results.json`: the exit code, stdout and stderr of each command. Each has a process of its own, but they are forked
from one that has imported everything: imports take most of the time here.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import edge.cli.display
import edge.cli.entry
import edge.inference.interpreters
from edge.choices import Rotation
from edge.inference.model_file import read_model
from edge.sources.cameras.camera import open_camera
from edge.sources.settings import SourceSettings

QUICK = ("--model", "mlp", "--views", "1", "-f", "json")
COMMANDS = {
    "listed": ("cameras", "--format", "json"),
    "table": ("cameras",),
    "classified": ("classify", "--camera", "0", "--resolution", "320x240", "--fps", "30", "--limit", "5", *QUICK),
    "by name": ("classify", "--camera", "VIVID", "--limit", "1", *QUICK),
    "missing": ("classify", "--camera", "9", *QUICK),
    "output node": ("classify", "--camera", "/dev/video1", *QUICK),
}
HOLDER = ("classify", "--camera", "0", "-o", "/tmp/held.jsonl", *QUICK)
BUSY = ("classify", "--camera", "0", "--limit", "1", *QUICK)


def start(name: str, arguments: tuple[str, ...]) -> int:
    """One of our commands, in a process of its own; gives its number."""
    child = os.fork()
    if child:
        return child
    for descriptor, stream in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(f"/tmp/{name}.{stream}", os.O_WRONLY | os.O_CREAT, 0o600), descriptor)
    sys.argv = ["fmnist-edge", *arguments]
    edge.cli.entry.main()
    os._exit(99)  # main never returns


def result(name: str, child: int) -> dict[str, object]:
    """Its end, and what it said."""
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    said = {stream: Path(f"/tmp/{name}.{stream}").read_text("utf-8") for stream in ("stdout", "stderr")}
    return {"code": code, **said}


def bars(rotation: str) -> list[list[int]]:
    """Blue, green, red in the middle of vivid's eight bars, from left to right; turned, from top to bottom."""
    settings = SourceSettings(resolution=(640, 360), rotation=Rotation(rotation))
    with open_camera("0", settings) as frames:
        pixels = next(iter(frames)).pixels
    line = pixels[pixels.shape[0] // 2] if rotation == "0" else pixels[:, pixels.shape[1] // 2]
    return [line[40 + 80 * bar].tolist() for bar in range(8)]


def main() -> None:
    """One after the other, for they use one camera."""
    edge.inference.interpreters.open_interpreter(read_model("mlp"))
    Path("/tmp").mkdir(exist_ok=True)
    results: dict[str, object] = {name: result(name, start(name, arguments)) for name, arguments in COMMANDS.items()}
    holder = start("holder", HOLDER)
    held = Path("/tmp/held.jsonl.partial")
    while not (held.exists() and held.stat().st_size):
        time.sleep(0.2)
    results["busy"] = result("busy", start("busy", BUSY))
    os.kill(holder, signal.SIGINT)
    results["holder"] = result("holder", holder)
    results["bars"] = {rotation: bars(rotation) for rotation in ("0", "90")}
    Path("results.json").write_text(json.dumps(results), encoding="utf-8")


main()
