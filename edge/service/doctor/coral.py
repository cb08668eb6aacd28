"""A Coral on USB or PCIe, and the library that reaches it."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

from edge.inference.edgetpu_devices import USB_INITIALISED, USB_UNINITIALISED
from edge.inference.sandbox import output_of_child
from edge.service.doctor.finding import Finding, fail, ok, warn, worst
from edge.service.doctor.permission import denial

PCIE = ("0x1ac1", "0x089a")
_INSTALL = "install libedgetpu1-std for this runtime: github.com/feranick/libedgetpu/releases"
_LOAD = """
import ctypes, importlib, sys
ctypes.CDLL(sys.argv[1])
for module in sys.argv[2:]:
    importlib.import_module(module).load_delegate(sys.argv[1])
"""


def coral(root: Path) -> Finding:
    """The Corals that are there, whether this user may use them, and whether USB is fast."""
    found = [*_on_usb(root), *_on_pcie(root)]
    return worst(found) if found else ok("no Coral: models run on the CPU")


def coral_library(root: Path, library: str) -> Finding:
    """Whether the Edge TPU library loads, in a child process; with a Coral there, whether it reaches it."""
    there = bool([*_usb_folders(root), *_pcie_folders(root)])
    modules = [name for name in ("ai_edge_litert", "tflite_runtime") if importlib.util.find_spec(name)][:1]
    _, complaint = output_of_child(_LOAD, library, *[f"{name}.interpreter" for name in modules if there])
    if not complaint:
        return ok(f"{library} loads and reaches the Coral" if there else f"{library} loads")
    missing = "No such file" in complaint
    if missing and not there:
        return ok(f"{library} is not installed: only a Coral needs it")
    if missing:
        return fail(f"{library} is not installed", _INSTALL)
    if there:
        return fail(f"{library} does not reach the Coral: {complaint}", f"unplug it and plug it in again; {_INSTALL}")
    return warn(f"{library} does not load: {complaint}", _INSTALL)


def _on_usb(root: Path) -> Iterator[Finding]:
    for folder in _usb_folders(root):
        initialised = _text(folder / "idVendor") == USB_INITIALISED[0]
        state = "initialised" if initialised else "not initialised yet, the first use does it"
        found = f"Coral on USB {folder.name}, {state}"
        node = root / "dev/bus/usb" / f"{_number(folder / 'busnum'):03}" / f"{_number(folder / 'devnum'):03}"
        denied = denial(node, root, "plugdev") if node.exists() else None
        speed = _number(folder / "speed")
        if denied:
            yield fail(f"{found}: {denied[0]}", denied[1])
        elif initialised and 0 < speed < 5000:
            yield warn(f"{found}, at USB 2's {speed} Mbit/s", "plug it into a blue USB 3 port, by its own cable")
        else:
            yield ok(found)


def _on_pcie(root: Path) -> Iterator[Finding]:
    for folder in _pcie_folders(root):
        found = f"Coral on PCIe {folder.name}"
        nodes = sorted((root / "dev").glob("apex_*"))
        if not nodes:
            yield fail(f"{found}, without its driver: no /dev/apex_0", "sudo apt install gasket-dkms, then reboot")
            continue
        denied = denial(nodes[0], root, "apex")
        yield fail(f"{found}: {denied[0]}", denied[1]) if denied else ok(f"{found}, {nodes[0]}")


def _usb_folders(root: Path) -> list[Path]:
    return [
        folder
        for folder in sorted((root / "sys/bus/usb/devices").glob("*"))
        if (_text(folder / "idVendor"), _text(folder / "idProduct")) in (USB_UNINITIALISED, USB_INITIALISED)
    ]


def _pcie_folders(root: Path) -> list[Path]:
    return [
        folder
        for folder in sorted((root / "sys/bus/pci/devices").glob("*"))
        if (_text(folder / "vendor"), _text(folder / "device")) == PCIE
    ]


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip().lower()
    except OSError:
        return ""


def _number(path: Path) -> int:
    text = _text(path)
    return int(text) if text.isdecimal() else 0
