"""The Pi's own camera: libcamera and picamera2, which come from the system and not from pip."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from edge.inference.sandbox import output_of_child
from edge.service.doctor.finding import Finding, ok, warn

SYSTEM_PACKAGES = "usr/lib/python3/dist-packages"
_LIST = """
import json
import libcamera
from picamera2 import Picamera2
found = Picamera2.global_camera_info()
print(json.dumps([str(one.get("Model", "camera")) for one in found if "/usb" not in str(one.get("Id", "")).lower()]))
"""


@dataclass(frozen=True, slots=True)
class Sight:
    """The cameras that picamera2 sees; or why it does not even import."""

    cameras: tuple[str, ...] = ()
    complaint: str = ""


def look() -> Sight:
    """Import libcamera and picamera2 in a child process, and ask them."""
    printed, complaint = output_of_child(_LIST)
    return Sight(complaint=complaint) if complaint else Sight(tuple(json.loads(printed.splitlines()[-1])))


def pi_camera(root: Path, sight: Sight, prefix: str = sys.prefix) -> Finding:
    """Whether there is a Pi's camera, or why not; `prefix` is the Python environment to mend."""
    complaint = sight.complaint
    if not complaint:
        return _seen(sight.cameras, root)
    if "No module named 'libcamera'" in complaint or "No module named 'picamera2'" in complaint:
        return _not_found(root, prefix)
    mend = "sudo apt install --reinstall python3-picamera2 python3-libcamera"
    if "numpy" in complaint or "multiarray" in complaint:  # the system's simplejpeg meets an environment's NumPy
        mend = "pip install --upgrade simplejpeg, which builds one that fits this environment's NumPy"
    return warn(f"picamera2 does not import: {complaint}", mend)


def _seen(cameras: tuple[str, ...], root: Path) -> Finding:
    if cameras:
        return ok(f"picamera2 sees {', '.join(cameras)}")
    if not is_raspberry_pi(root):
        return ok("picamera2 imports and sees no camera")
    return warn(
        "picamera2 imports, but libcamera sees no camera",
        "switch off, press the ribbon cable in, then: rpicam-hello --list-cameras",
    )


def _not_found(root: Path, prefix: str) -> Finding:
    """picamera2 is not visible to this Python."""
    packages = root / SYSTEM_PACKAGES
    if not (packages / "picamera2").is_dir():
        if not is_raspberry_pi(root):
            return ok("no Raspberry Pi: picamera2 is not needed")
        return warn(
            "picamera2 is not installed", f"sudo apt install -y python3-picamera2 && {_new_environment(prefix)}"
        )
    version = _python_of(packages)
    here = f"3.{sys.version_info.minor}"
    if version not in ("", here):
        return warn(
            f"picamera2 is installed for the system's Python {version}, this is {here}",
            "make the environment anew: /usr/bin/python3 -m venv --system-site-packages .venv",
        )
    return warn(
        f"picamera2 is installed for the system's Python, but {prefix} does not see it", _new_environment(prefix)
    )


def _new_environment(prefix: str) -> str:
    """Run over an environment that exists, venv changes the setting alone; what is installed stays."""
    where = ".venv" if prefix in ("/usr", "/usr/local") else prefix
    return f"/usr/bin/python3 -m venv --system-site-packages {where}"


def _python_of(packages: Path) -> str:
    """The Python that the system's libcamera was built for; "" if it does not say."""
    for library in sorted((packages / "libcamera").glob("_libcamera.cpython-*.so")):
        found = re.search(r"cpython-3(\d+)", library.name)
        if found:
            return f"3.{found[1]}"
    return ""


def is_raspberry_pi(root: Path) -> bool:
    """Whether the firmware calls this machine so."""
    try:
        return (root / "proc/device-tree/model").read_bytes().startswith(b"Raspberry Pi")
    except OSError:
        return False
