"""The Edge TPUs on the buses of this machine, found without any library."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

USB_UNINITIALISED, USB_INITIALISED = ("1a6e", "089a"), ("18d1", "9302")
"""Vendor and product of a USB Accelerator before and after it has loaded its firmware (coral.ai/docs/accelerator)."""


@dataclass(frozen=True, slots=True)
class EdgeTpu:
    """One device: its node, and whether this user may open it."""

    node: Path
    allowed: bool


def find_edgetpus(root: Path = Path("/")) -> list[EdgeTpu]:
    """Corals on USB and PCIe, in the order of their nodes."""
    nodes = sorted([*_on_usb(root), *(root / "dev").glob("apex_*")])
    return [EdgeTpu(node, os.access(node, os.R_OK | os.W_OK, effective_ids=True)) for node in nodes]


def _on_usb(root: Path) -> list[Path]:
    found = []
    for device in (root / "sys/bus/usb/devices").glob("*"):
        with contextlib.suppress(OSError, ValueError):  # interfaces have no such files, and devices come and go
            vendor, product, bus, number = (
                (device / name).read_text().strip() for name in ("idVendor", "idProduct", "busnum", "devnum")
            )
            if (vendor, product) in (USB_UNINITIALISED, USB_INITIALISED):
                found.append(root / f"dev/bus/usb/{int(bus):03}/{int(number):03}")
    return found
