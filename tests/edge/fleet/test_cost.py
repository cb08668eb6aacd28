"""What updates cost a device: bytes and processor time of a look that finds nothing new, and memory."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from edge.inference.model_file import bundled_models
from tests.conftest import ROOT
from tests.edge.fleet.shop import Device, Server, Shop

pytestmark = pytest.mark.subprocess

LOOKS = 20
TICKS_S = 1 / os.sysconf("SC_CLK_TCK")


def command(device: Device, *more: str) -> list[str]:
    where = ["--repository", device.url, "--models", str(device.models), "--root", str(device.root)]
    return [sys.executable, "-m", "edge.cli", "update", *where, "--device-id", device.name, *more]


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICKS_S


def peak_mb(pid: int) -> float:
    """Peak resident memory, in units of 1,000,000 bytes."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024 / 1e6


def test_a_look_that_finds_nothing_new(server: Server, device: Device) -> None:
    """Under 10 KB and 50 ms: the next root that is not there, and the timestamp, on one connection that stays open."""
    with subprocess.Popen(
        command(device, "--watch", "--every", "0.1"), env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert "is what this device is to have" in process.stdout.readline()
            process.stdout.readline()
            began_s, began_bytes, asked = cpu_s(process.pid), server.sent_bytes, len(server.asked)
            for _ in range(LOOKS):
                process.stdout.readline()
            spent_s, sent = cpu_s(process.pid) - began_s, server.sent_bytes - began_bytes
            kinds = {path.rpartition("/")[2] for path in server.asked[asked:]}
            memory_mb = peak_mb(process.pid)
        finally:
            process.kill()
    sys.stdout.write(f"{1000 * spent_s / LOOKS:.1f} ms, {sent / LOOKS:.0f} bytes, {memory_mb:.1f} MB\n")
    assert kinds == {"timestamp.json", "2.root.json"}
    assert sent / LOOKS < 2_000
    assert spent_s / LOOKS < 0.05
    assert memory_mb < 60


def test_memory_of_an_update(shop: Shop, device: Device) -> None:
    """The process that updates stays under 60 MB; the child that measures takes what `classify` takes, and ends."""
    shop.publish("camera", "v2")
    peaks: dict[str, float] = {}
    with subprocess.Popen(command(device), env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as process:
        stop = threading.Event()

        def look() -> None:
            while not stop.is_set():
                try:
                    peaks["update"] = max(peaks.get("update", 0), peak_mb(process.pid))
                except (OSError, ValueError):
                    return
                time.sleep(0.005)

        watching = threading.Thread(target=look)
        watching.start()
        assert process.stdout is not None
        said = process.stdout.read()
        stop.set()
        watching.join()
    assert "v2 runs from now on" in said
    child = [sys.executable, "-P", "-m", "edge.fleet.canary_child", str(bundled_models()["camera"])]
    child += [str(bundled_models()["tiny"]), ""]
    run = [sys.executable, "-m", "edge.cli", "classify", str(ROOT / "edge" / "samples" / "bag.png")]
    for name, what in (("child", child), ("classify", run)):
        program = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=2)\n"
        program += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        done = subprocess.run([sys.executable, "-c", program, *what], env=ENVIRONMENT, check=True, capture_output=True)
        peaks[name] = int(done.stdout) * 1024 / 1e6
    sys.stdout.write(f"{ {name: round(peak, 1) for name, peak in peaks.items()} }\n")
    assert peaks["update"] < 60
    assert peaks["child"] < 1.1 * peaks["classify"]
