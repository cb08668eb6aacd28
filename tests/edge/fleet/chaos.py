"""A server that fails and lies at random, and a fleet of device processes that are killed at random."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from edge.fleet.fleet_folder import FleetFolder, Status
from tests.conftest import ROOT
from tests.edge.fleet.shop import Handler, Server

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}


MOST_KILLS = 60


class Chaos:
    """What the server does to a share of the requests. `older` are repositories of before, or of somebody else."""

    def __init__(self, seed: int, share: float) -> None:
        self.share = share
        self.older: list[Path] = []
        self.done: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def __call__(self, handler: Handler, content: bytes) -> bytes | None:
        """A lie (tests/edge/fleet/shop.py)."""
        with self._lock:
            fault: Callable[[Handler, bytes], bytes | None] | None = None
            if self._random.random() < self.share:
                fault = self._random.choice(
                    (self.dropped, self.half, self.busy, self.slow, self.corrupted, self.software, self.endless,
                     self.older_file, self.older_file, self.older_file)
                )  # fmt: skip
                self.done[fault.__name__] += 1
        return content if fault is None else fault(handler, content)

    def dropped(self, handler: Handler, _content: bytes) -> None:
        """No answer."""
        handler.connection.close()

    def half(self, handler: Handler, content: bytes) -> None:
        """The connection breaks off in the middle."""
        handler.send(200, content[: len(content) // 2], len(content) + 1)

    def busy(self, handler: Handler, _content: bytes) -> None:
        """No time."""
        handler.send(503, b"later")

    def slow(self, _handler: Handler, content: bytes) -> bytes:
        """A pause."""
        time.sleep(self._random.uniform(0.2, 1.5))
        return content

    def corrupted(self, _handler: Handler, content: bytes) -> bytes:
        """One bit is another."""
        middle = len(content) // 2
        return content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :] if content else content

    def software(self, handler: Handler, content: bytes) -> bytes:
        """Something else altogether."""
        return b"\x1c\0\0\0TFL3" + bytes(len(content)) if "/targets/" in handler.path else b'{"signed": {}}'

    def endless(self, handler: Handler, _content: bytes) -> None:
        """More and more."""
        handler.send_response_only(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(300):
                handler.wfile.write(b" " * 10_000)

    def older_file(self, handler: Handler, content: bytes) -> bytes:
        """The same file of another moment, or signed by a thief: rollback, freeze, and mix-and-match."""
        there = [one / handler.path.lstrip("/") for one in self.older]
        found = [path for path in there if path.is_file()]
        return self._random.choice(found).read_bytes() if found else content


class Zygote:
    """Forks device processes (tests/edge/fleet/zygote.py)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        program = Path(__file__).with_name("zygote.py")
        self._process = subprocess.Popen(
            [sys.executable, str(program)],
            env=ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def fork(self, folder: Path, log: Path, arguments: list[str]) -> int:
        """Start a device; its process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            asked = {"folder": str(folder), "log": str(log), "arguments": arguments}
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            return int(self._process.stdout.readline())

    def close(self) -> None:
        """No more devices."""
        with self._process as process:
            process.kill()


@dataclass
class DeviceProcess:
    """`fmnist-edge update --watch` on a device."""

    name: str
    folder: Path
    arguments: list[str]
    channel: str
    zygote: Zygote
    pid: int | None = None
    kills: int = 0
    is_away: bool = False

    @property
    def models(self) -> Path:
        """Its folder of versions."""
        return self.folder / "models"

    @property
    def log(self) -> Path:
        """What it said."""
        return self.folder / "log.txt"

    def start(self) -> None:
        """Start it, or start it again."""
        self.pid = self.zygote.fork(self.folder, self.log, ["update", *self.arguments, "--channel", self.channel])

    def kill(self) -> None:
        """As a power cut does."""
        assert self.pid is not None
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
            while Path(f"/proc/{self.pid}").exists():
                time.sleep(0.01)
        self.kills += 1

    def limit_files(self, limit: int) -> None:
        """Let its disk be full for files longer than this; -1 for no limit."""
        assert self.pid is not None
        _, hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (limit, hard))

    @property
    def runs(self) -> str:
        """Where `current` leads; there is no moment without it."""
        return (self.models / "current").readlink().name.removesuffix(".tflite")

    @property
    def status(self) -> Status | None:
        """How it says it stands."""
        return FleetFolder(self.models).status()


@dataclass
class Fleet:
    """Device processes, watched all the time: what each would run is a whole file of a version that we published."""

    devices: list[DeviceProcess]
    zygote: Zygote
    published: dict[str, str] = field(default_factory=dict)
    """The versions that may run, and the SHA-256 of their files."""
    wrong: list[str] = field(default_factory=list)
    looks: int = 0

    def look(self) -> None:
        """Look at every device once."""
        for device in self.devices:
            self.looks += 1
            try:
                running = device.runs
                content = (device.models / f"{running}.tflite").read_bytes()
            except OSError as error:
                self.wrong.append(f"{device.name} is bricked: {error}")
                continue
            digest = hashlib.sha256(content).hexdigest()
            if self.published.get(running) != digest:
                self.wrong.append(f"{device.name} runs {running} {digest[:12]}, which was never published")

    def wait_until(self, holds: Callable[[DeviceProcess], bool], what: str, limit_s: float = 300.0) -> float:
        """Wait until that holds for all devices that are here; the seconds that it took."""
        began = time.monotonic()
        while True:
            late = [device.name for device in self.devices if not device.is_away and not holds(device)]
            if not late:
                return time.monotonic() - began
            assert not self.wrong, self.wrong[:5]
            assert time.monotonic() - began < limit_s, f"{what}: {len(late)} devices are late, such as {late[:5]}"
            time.sleep(0.2)

    @contextmanager
    def running(self, seed: int, kill_every_s: float) -> Iterator[Callable[[], None]]:
        """Start all, watch all, and kill one now and then, which is started again; call what is given to stop that."""
        chance = random.Random(seed)
        ended, calm = threading.Event(), threading.Event()

        def watch() -> None:
            while not ended.wait(0.3):
                self.look()

        def kill() -> None:
            for _ in range(MOST_KILLS):  # a machine that is busy would otherwise kill faster than it starts
                if ended.wait(chance.uniform(0.5, 1.5) * kill_every_s) or calm.is_set():
                    return
                one = chance.choice(self.devices)
                if not one.is_away:
                    one.kill()
                    one.start()

        for device in self.devices:
            device.start()
        threads = [threading.Thread(target=work, daemon=True) for work in (watch, kill)]
        for thread in threads:
            thread.start()
        try:
            yield calm.set
        finally:
            ended.set()
            for thread in threads:
                thread.join()
            for device in self.devices:
                if device.pid is not None:
                    device.kill()
            self.zygote.close()


def fleet_of(count: int, canaries: int, prepared: Path, folder: Path, server: Server, root: Path) -> Fleet:
    """So many devices that run v1, some of them in the channel canary."""
    arguments = ["--repository", server.url, "--root", str(root), "--watch", "--every", "2"]
    devices = []
    zygote = Zygote()
    for number in range(count):
        name = f"till-{number}"
        shutil.copytree(prepared / "device", folder / name, symlinks=True)
        own = [*arguments, "--models", str(folder / name / "models"), "--device-id", name]
        devices.append(DeviceProcess(name, folder / name, own, "canary" if number < canaries else "stable", zygote))
    return Fleet(devices, zygote)
