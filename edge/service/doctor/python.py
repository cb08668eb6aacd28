"""Python, the wheels that it can take, and NumPy with what was built against it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import platform
import re
import sys
from dataclasses import dataclass

from edge.inference.sandbox import output_of_child
from edge.service.doctor.finding import Finding, fail, ok, warn

OLDEST, TOO_NEW = (3, 11), (3, 14)
MACHINES = ("x86_64", "aarch64")
"""Those for which LiteRT, NumPy and OpenCV have wheels."""

_64_BIT_HINT = "write a 64-bit Raspberry Pi OS to the card (Raspberry Pi Imager), and install there"
_IMPORT = """
import json
import numpy, cv2
print(json.dumps({"numpy": numpy.__version__, "where": numpy.__path__[0], "OpenCV": cv2.__version__}))
"""


@dataclass(frozen=True, slots=True)
class Platform:
    """What decides which wheels fit: version, bits of the interpreter, processor, C library."""

    version: tuple[int, int, int]
    bits: int
    machine: str
    libc: tuple[str, str]


def this_platform() -> Platform:
    """The platform of this process."""
    major, minor, micro = sys.version_info[:3]
    bits = 64 if sys.maxsize > 1 << 32 else 32
    return Platform((major, minor, micro), bits, platform.machine(), platform.libc_ver())


def python(here: Platform, runtime_tag: str) -> Finding:
    """Whether Python has a version, a width and a C library that wheels exist for.

    `runtime_tag` is the tag of LiteRT's installed wheel (cp311-cp311-manylinux_2_27_aarch64), "" where there is none.
    """
    version = ".".join(map(str, here.version))
    found = f"Python {version}, {here.bits} bit, {here.machine}, {' '.join(here.libc) or 'unknown C library'}"
    if not OLDEST <= here.version[:2] < TOO_NEW:
        return fail(
            f"{found}: 3.11, 3.12 or 3.13 is needed",
            "make the environment with one of them (python3.13 -m venv .venv); Raspberry Pi OS Bookworm has 3.11",
        )
    if here.bits != 64 or here.machine not in MACHINES:
        return fail(f"{found}: there are wheels for 64-bit x86_64 and aarch64 only", _64_BIT_HINT)
    if here.libc[0] != "glibc":
        return fail(
            f"{found}: the wheels need glibc",
            "install on Raspberry Pi OS, Debian or Ubuntu; Alpine has another C library",
        )
    needed = re.search(r"manylinux_(\d+)_(\d+)_(\w+)$", runtime_tag)
    if needed is None:
        return ok(found)
    if needed[3] != here.machine:
        return fail(f"{found}: LiteRT's wheel is for {needed[3]}", "pip install --force-reinstall ai-edge-litert")
    if (int(needed[1]), int(needed[2])) > tuple(int(part) for part in here.libc[1].split(".")[:2]):
        return fail(f"{found}: LiteRT's wheel needs glibc {needed[1]}.{needed[2]}", "sudo apt full-upgrade")
    return ok(f"{found}; wheel {runtime_tag}")


def wheel_tag(distribution: str) -> str:
    """The tag of an installed wheel; "" where it is not installed or came from no wheel."""
    try:
        text = importlib.metadata.distribution(distribution).read_text("WHEEL") or ""
    except importlib.metadata.PackageNotFoundError:
        return ""
    found = re.search(r"^Tag: (.+)$", text, re.MULTILINE)
    return found[1] if found else ""


def numpy_abi() -> Finding:
    """Whether NumPy and OpenCV import together, and no package is left that was built against NumPy 1."""
    printed, complaint = output_of_child(_IMPORT)
    if complaint:
        return fail(f"NumPy and OpenCV do not import: {complaint}", _mend_of_import(complaint))
    versions = json.loads(printed)
    found = f"NumPy {versions['numpy']} ({versions['where']}), OpenCV {versions['OpenCV']}"
    if int(versions["numpy"].split(".")[0]) >= 2 and importlib.util.find_spec("tflite_runtime") is not None:
        return warn(
            f"{found}; tflite-runtime is built against NumPy 1 and crashes with this one",
            "pip uninstall tflite-runtime, or pip install 'numpy<2' 'opencv-python-headless<4.12'",
        )
    return ok(found)


def _mend_of_import(complaint: str) -> str:
    if "libGL" in complaint or "libxcb" in complaint:
        return "pip uninstall -y opencv-python && pip install --force-reinstall opencv-python-headless"
    if "multiarray" in complaint or "_ARRAY_API" in complaint or "dtype size changed" in complaint:
        return "pip install --upgrade --force-reinstall numpy opencv-python-headless"
    return "pip install --force-reinstall numpy opencv-python-headless"
