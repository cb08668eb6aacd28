"""What the machine is, for strangers to read: no host name, user, address, serial number or path is in it."""

from __future__ import annotations

import os
import platform
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from edge.board.files import fastest_mhz, text_of
from edge.board.memory import memory_sizes

ARM_PARTS = {
    0xD03: "Cortex-A53",
    0xD04: "Cortex-A35",
    0xD05: "Cortex-A55",
    0xD07: "Cortex-A57",
    0xD08: "Cortex-A72",
    0xD09: "Cortex-A73",
    0xD0A: "Cortex-A75",
    0xD0B: "Cortex-A76",
    0xD0C: "Neoverse-N1",
    0xD0D: "Cortex-A77",
    0xD40: "Neoverse-V1",
    0xD41: "Cortex-A78",
    0xD44: "Cortex-X1",
    0xD46: "Cortex-A510",
    0xD47: "Cortex-A710",
    0xD49: "Neoverse-N2",
    0xD4F: "Neoverse-V2",
}
"""Arm's own numbers (implementer 0x41), as /proc/cpuinfo has them: Linux, arch/arm64/include/asm/cputype.h."""

TELLING = ("asimddp", "i8mm", "sve", "avx2", "avx512f", "avx_vnni", "avx512_vnni")
"""Instructions that int8 networks run on: dot products on Arm and x86."""


@dataclass(frozen=True, slots=True)
class Board:
    """A machine. None, or nothing, where the kernel does not say.

    `bits` are the interpreter's, `cores` those online, `usable_cores` those that this process may use, `cpu_quota` the
    cores' worth of time that a container may take.
    """

    model: str | None
    processor: str | None
    features: tuple[str, ...]
    machine: str
    bits: int
    cores: int
    usable_cores: int
    cpu_quota: float | None
    memory_mb: int | None
    governor: str | None
    frequency_mhz: int | None
    kernel: str
    system: str | None


def describe(root: Path = Path("/")) -> Board:
    """The machine whose files lie under `root`."""
    cpu = root / "sys/devices/system/cpu"
    cpuinfo = text_of(root / "proc/cpuinfo")
    return Board(
        model=_model(root),
        processor=_processor(cpuinfo),
        features=_features(cpuinfo),
        machine=platform.machine(),
        bits=64 if sys.maxsize > 1 << 32 else 32,
        cores=os.cpu_count() or 1,
        usable_cores=usable_cores(),
        cpu_quota=_quota(root),
        memory_mb=_memory_mb(root),
        governor=", ".join(sorted({text_of(one) for one in cpu.glob("cpu[0-9]*/cpufreq/scaling_governor")})) or None,
        frequency_mhz=fastest_mhz(root, "cpuinfo_max_freq"),
        kernel=platform.release(),
        system=_system(root),
    )


def usable_cores() -> int:
    """Cores that this process may use: fewer than the machine has, under taskset or in a container's cpuset."""
    return len(os.sched_getaffinity(0))


def _model(root: Path) -> str | None:
    """Of a Pi its name in the device tree; of a PC maker and product. Serial numbers are next to both: not these."""
    tree = text_of(root / "proc/device-tree/model") or text_of(root / "sys/firmware/devicetree/base/model")
    dmi = root / "sys/class/dmi/id"
    return tree or f"{text_of(dmi / 'sys_vendor')} {text_of(dmi / 'product_name')}".strip() or None


def _processor(cpuinfo: str) -> str | None:
    """x86 has a name; Arm a number of each core's kind."""
    named = re.search(r"^model name\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    implementers = re.findall(r"^CPU implementer\s*:\s*(0x[0-9a-f]+)$", cpuinfo, re.MULTILINE)
    parts = re.findall(r"^CPU part\s*:\s*(0x[0-9a-f]+)$", cpuinfo, re.MULTILINE)
    if not parts or len(parts) != len(implementers):
        return named[1].strip() if named else None
    kinds = dict.fromkeys(zip(implementers, parts, strict=True))
    return ", ".join(_arm_name(int(implementer, 16), int(part, 16)) for implementer, part in kinds)


def _arm_name(implementer: int, part: int) -> str:
    known = ARM_PARTS.get(part) if implementer == 0x41 else None
    return known or f"Arm implementer {implementer:#x} part {part:#x}"


def _features(cpuinfo: str) -> tuple[str, ...]:
    found = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", cpuinfo, re.MULTILINE)
    has = set(found[1].split()) if found else set()
    return tuple(one for one in TELLING if one in has)


def _quota(root: Path) -> float | None:
    """Of a container's cpu.max: "200000 100000" are two cores, "max 100000" is no limit."""
    found = re.fullmatch(r"(\d+) (\d+)", text_of(root / "sys/fs/cgroup/cpu.max"))
    return round(int(found[1]) / int(found[2]), 2) if found and int(found[2]) else None


def _memory_mb(root: Path) -> int | None:
    total = memory_sizes(root).get("MemTotal")
    return None if total is None else total // 1_000_000


def _system(root: Path) -> str | None:
    found = re.search(r'^PRETTY_NAME="?([^"\n]+)"?$', text_of(root / "etc/os-release"), re.MULTILINE)
    return found[1] if found else None
