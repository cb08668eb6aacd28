"""Run in the emulated computer of scripts/arm-machine: uses its camera by the command, and writes what came of it.

`results.json`: the exit code, stdout and stderr of each command. The first is a program of its own, as a user starts
it, whose memory is measured. The others have a process of their own, too, but are forked from one that has imported
everything: imports take most of the time here. vivid's controls play what a camera does: its picture moves, it is
pulled out, its driver fails.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from fcntl import ioctl
from pathlib import Path
from typing import Any

CAMERA = "/dev/video0"
QUICK = ("--model", "mlp", "--views", "1", "-f", "json")
FIRST = ("classify", "--camera", "0", "--limit", "2", "-f", "json")
COMMANDS = {
    "listed": ("cameras", "--format", "json"),
    "table": ("cameras",),
    "classified": ("classify", "--camera", "0", "--resolution", "320x240", "--fps", "30", "--limit", "5", *QUICK),
    "by name": ("classify", "--camera", "VIVID", "--limit", "1", *QUICK),
    "missing": ("classify", "--camera", "9", *QUICK),
    "output node": ("classify", "--camera", "/dev/video1", *QUICK),
}
WATCHED = ("classify", "--camera", "0", "--motion", "--heartbeat", "0.5", "--retry", "forever", *QUICK)
BUSY = ("classify", "--camera", "0", "--limit", "1", *QUICK)

PATIENCE_S = 120
"""Emulated, and on a machine that has other work, everything takes its time."""

SET_CONTROL = 0xC008561C  # VIDIOC_S_CTRL, for which v4l2_control is (number, value)
VIVID = 0x00F0F000
"""vivid's controls are numbered from here: drivers/media/test-drivers/vivid/vivid-ctrls.c."""
PATTERN, TEXT, MOVEMENT = VIVID + 0, VIVID + 1, VIVID + 2
BARS, BLACK = 0, 5
ALL_TEXT, NO_TEXT = 0, 2
STANDING, FAST = 3, 6
DISCONNECT, STREAMING_FAILS, QUEUE_FAILS = VIVID + 65, VIVID + 69, VIVID + 70


def start(name: str, arguments: tuple[str, ...]) -> int:
    """One of our commands, in a process of its own; gives its number."""
    streams = [os.open(f"/tmp/{name}.{stream}", os.O_WRONLY | os.O_CREAT, 0o600) for stream in ("stdout", "stderr")]
    child = os.fork()
    if child:
        for descriptor in streams:
            os.close(descriptor)
        return child
    os.dup2(streams[0], 1)
    os.dup2(streams[1], 2)
    sys.argv = ["fmnist-edge", *arguments]
    import edge.cli.entry

    edge.cli.entry.main()
    os._exit(99)  # main never returns


def result(name: str, child: int) -> dict[str, object]:
    """Its end, and what it said."""
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    said = {stream: Path(f"/tmp/{name}.{stream}").read_text("utf-8") for stream in ("stdout", "stderr")}
    return {"code": code, **said}


def as_a_user_starts_it() -> dict[str, object]:
    """The first command, with the default model; `peak_mb` is the most memory it had, `available_mb` what was left.

    The rest of the memory is the kernel's, and that of the file system, which lies in memory here.
    """
    out, err = Path("/tmp/first.stdout"), Path("/tmp/first.stderr")
    flags = os.O_WRONLY | os.O_CREAT
    actions = [(os.POSIX_SPAWN_OPEN, number, str(path), flags, 0o600) for number, path in ((1, out), (2, err))]
    command = [sys.executable, "-P", "-m", "edge.cli", *FIRST]
    child = os.posix_spawn(sys.executable, command, os.environ, file_actions=actions)
    available = memory()["MemAvailable"]
    while not (ended := os.wait4(child, os.WNOHANG))[0]:
        available = min(available, memory()["MemAvailable"])
        time.sleep(0.05)
    return {
        "code": os.waitstatus_to_exitcode(ended[1]),
        "stdout": out.read_text("utf-8"),
        "stderr": err.read_text("utf-8"),
        "peak_mb": ended[2].ru_maxrss / 1024,
        "available_mb": available / 1024,
        "total_mb": memory()["MemTotal"] / 1024,
        "processor": Path("/proc/cpuinfo").read_text("utf-8"),
        "python": sys.version,
    }


def memory() -> dict[str, int]:
    """What the kernel says of memory, in KiB."""
    lines = Path("/proc/meminfo").read_text("utf-8").splitlines()
    return {name: int(value.split()[0]) for name, _, value in (line.partition(":") for line in lines)}


@contextmanager
def controls():
    """vivid's controls, as a function of (number, value). A camera that was disconnected stays away until the end."""
    descriptor = os.open(CAMERA, os.O_RDWR)
    try:
        yield lambda number, value=1: ioctl(descriptor, SET_CONTROL, bytearray(struct.pack("<Ii", number, value)))
    finally:
        os.close(descriptor)


def set_controls(*pairs: tuple[int, int]) -> None:
    with controls() as control:
        for number, value in pairs:
            control(number, value)


class Watched:
    """A run in front of the camera, and the events that it has told so far."""

    def __init__(self, name: str, arguments: tuple[str, ...]) -> None:
        self.name = name
        self.process = start(name, arguments)

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        """All whole lines, or those of these kinds."""
        lines = Path(f"/tmp/{self.name}.stdout").read_text("utf-8").split("\n")[:-1]
        return [event for event in map(json.loads, lines) if not kinds or event["event"] in kinds]

    def wait_for(self, what: str, met: Callable[[], object]) -> None:
        """Until it is met; what is not met in time fails the whole run, with the last events."""
        deadline = time.monotonic() + PATIENCE_S
        while not met():
            if time.monotonic() > deadline:
                raise SystemExit(f"not seen: {what}; the last events: {self.events()[-8:]}")
            time.sleep(0.1)

    def wait_for_next(self, kind: str, **wanted: object) -> dict[str, Any]:
        """The next event of this kind that holds what is wanted, counted from now."""
        before = len(self.events())

        def found() -> list[dict[str, Any]]:
            later = self.events()[before:]
            return [one for one in later if one["event"] == kind and wanted.items() <= one.items()]

        self.wait_for(f"{kind} {wanted}", found)
        return found()[0]


def watch() -> dict[str, Any]:
    """One run, in front of which everything happens; `marks` are the events that were waited for."""
    set_controls((PATTERN, BARS), (TEXT, ALL_TEXT), (MOVEMENT, FAST))
    run = Watched("watched", WATCHED)
    marks: dict[str, Any] = {}
    run.wait_for("answers while it moves", lambda: len(run.events("prediction")) >= 5)
    set_controls((MOVEMENT, STANDING))

    def rests() -> bool:
        frames = [beat["frames"] for beat in run.events("heartbeat")]
        return len(frames) > 8 and frames[-1] == frames[-8]

    run.wait_for("no more answers once it stands still", rests)
    resting = run.events("heartbeat")[-1]
    marks["at rest"] = resting
    set_controls((MOVEMENT, FAST))
    run.wait_for("answers when it moves again", lambda: run.events("heartbeat")[-1]["frames"] >= resting["frames"] + 3)

    with controls() as control:
        control(DISCONNECT)
        marks["pulled out"] = run.wait_for_next("camera_lost")
        time.sleep(2)
    marks["plugged in"] = run.wait_for_next("camera_back")

    with controls() as control:
        control(STREAMING_FAILS)  # once: the first attempt to come back
        control(QUEUE_FAILS)
        marks["driver fails"] = run.wait_for_next("camera_lost")
        marks["driver works"] = run.wait_for_next("camera_back")

    set_controls((TEXT, NO_TEXT), (PATTERN, BLACK))
    marks["black"] = run.wait_for_next("camera_lost")
    set_controls((PATTERN, BARS))
    marks["light"] = run.wait_for_next("camera_back")

    set_controls((MOVEMENT, STANDING))
    marks["frozen"] = run.wait_for_next("camera_lost")
    set_controls((MOVEMENT, FAST))
    marks["thawed"] = run.wait_for_next("camera_back")

    os.kill(run.process, signal.SIGTERM)
    return {**result(run.name, run.process), "marks": marks}


def busy() -> dict[str, Any]:
    """Another program's start while one has the camera, and that one's end."""
    holder = Watched("holder", ("classify", "--camera", "0", *QUICK))
    holder.wait_for("an answer", lambda: holder.events("prediction"))
    refused = result("busy", start("busy", BUSY))
    os.kill(holder.process, signal.SIGINT)
    return {"busy": refused, "holder": result(holder.name, holder.process)}


def disconnected_for_good() -> dict[str, Any]:
    """A run that is told not to try again, when the camera is pulled out."""
    run = Watched("not again", ("classify", "--camera", "0", "--retry", "0", *QUICK))
    run.wait_for("an answer", lambda: run.events("prediction"))
    with controls() as control:
        control(DISCONNECT)
        return result(run.name, run.process)


def bars(rotation: str) -> list[list[int]]:
    """Blue, green, red in the middle of vivid's eight bars, from left to right; turned, from top to bottom."""
    from edge.choices import Rotation
    from edge.sources.cameras.camera import open_camera
    from edge.sources.settings import SourceSettings

    set_controls((TEXT, ALL_TEXT), (MOVEMENT, STANDING))
    settings = SourceSettings(resolution=(640, 360), rotation=Rotation(rotation))
    with open_camera("0", settings) as frames:
        pixels = next(iter(frames)).pixels
    line = pixels[pixels.shape[0] // 2] if rotation == "0" else pixels[:, pixels.shape[1] // 2]
    return [line[40 + 80 * bar].tolist() for bar in range(8)]


def main() -> None:
    """One after the other, for they use one camera."""
    Path("/tmp").mkdir(exist_ok=True)
    results: dict[str, object] = {"first": as_a_user_starts_it()}
    import edge.cli.app
    import edge.cli.display
    import edge.cli.entry
    import edge.sources.cameras.camera  # noqa: F401
    from edge.inference.interpreters import open_interpreter
    from edge.inference.model_file import read_model

    open_interpreter(read_model("mlp"))
    results |= {name: result(name, start(name, arguments)) for name, arguments in COMMANDS.items()}
    results |= busy()
    results["watched"] = watch()
    results["not again"] = disconnected_for_good()
    results["bars"] = {rotation: bars(rotation) for rotation in ("0", "90")}
    Path("results.json").write_text(json.dumps(results), encoding="utf-8")


main()
