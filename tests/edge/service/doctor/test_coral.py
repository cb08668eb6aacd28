"""Corals on USB and PCIe, and libraries that the tests compile."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.service.doctor.coral import coral, coral_library
from edge.service.doctor.finding import Status
from tests.edge.service.doctor.planted import as_nobody, open_to_all, plant

USB = "sys/bus/usb/devices/2-1"
NEW = {f"{USB}/idVendor": "1a6e\n", f"{USB}/idProduct": "089a\n", f"{USB}/busnum": "2\n", f"{USB}/devnum": "3\n"}
USED = {**NEW, f"{USB}/idVendor": "18d1\n", f"{USB}/idProduct": "9302\n", f"{USB}/speed": "5000\n"}
OTHER = {"sys/bus/usb/devices/1-1/idVendor": "18d1\n", "sys/bus/usb/devices/1-1/idProduct": "4ee7\n"}
PCIE = {
    "sys/bus/pci/devices/0000:01:00.0/vendor": "0x1ac1\n",
    "sys/bus/pci/devices/0000:01:00.0/device": "0x089a\n",
}


def test_no_coral_is_no_fault(tmp_path: Path) -> None:
    found = coral(plant(tmp_path, OTHER))
    assert (found.status, found.found) == (Status.OK, "no Coral: models run on the CPU")


def test_a_coral_on_usb_is_told_by_its_two_ids(tmp_path: Path) -> None:
    found = coral(plant(tmp_path, NEW))
    assert (found.status, "not initialised yet" in found.found) == (Status.OK, True)
    found = coral(plant(tmp_path, USED))
    assert (found.status, "2-1, initialised" in found.found) == (Status.OK, True)


def test_a_coral_on_a_slow_port_is_warned_of(tmp_path: Path) -> None:
    found = coral(plant(tmp_path, {**USED, f"{USB}/speed": "480\n"}))
    assert found.status is Status.WARN
    assert "480 Mbit/s" in found.found
    assert "USB 3" in found.mend


def test_until_its_firmware_is_loaded_no_coral_is_fast(tmp_path: Path) -> None:
    assert coral(plant(tmp_path, {**NEW, f"{USB}/speed": "480\n"})).status is Status.OK


def test_a_coral_that_this_user_may_not_use_is_a_failure() -> None:
    with open_to_all() as root:
        plant(root, {**USED, "dev/bus/usb/002/003": ""})
        node = root / "dev/bus/usb/002/003"
        plant(root, {"etc/group": f"plugdev:x:{node.stat().st_gid}:\n"})
        node.chmod(0)
        with as_nobody():
            found = coral(root)
    assert found.status is Status.FAIL
    assert found.mend.startswith("sudo usermod -aG plugdev $USER")


def test_a_coral_on_pcie_needs_its_driver(tmp_path: Path) -> None:
    found = coral(plant(tmp_path, PCIE))
    assert (found.status, "gasket-dkms" in found.mend) == (Status.FAIL, True)
    found = coral(plant(tmp_path, {"dev/apex_0": ""}))
    assert (found.status, "PCIe 0000:01:00.0" in found.found) == (Status.OK, True)


def test_a_coral_on_pcie_that_this_user_may_not_use_is_a_failure() -> None:
    with open_to_all() as root:
        plant(root, {**PCIE, "dev/apex_0": ""})
        (root / "dev/apex_0").chmod(0)
        with as_nobody():
            found = coral(root)
    assert found.status is Status.FAIL
    assert "apex" in found.mend


@pytest.mark.subprocess
def test_a_library_that_loads_and_one_that_reaches_the_coral(tmp_path: Path, edgetpu_library: Path) -> None:
    library = str(edgetpu_library)
    assert coral_library(tmp_path, library).found == f"{library} loads"
    found = coral_library(plant(tmp_path, USED), library)
    assert (found.status, found.found) == (Status.OK, f"{library} loads and reaches the Coral")


@pytest.mark.subprocess
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("fail load", "no Edge TPU on this bus"),
        ("abort load", "crash (SIGABRT)"),
        ("hang load", "no answer within 2 s"),
    ],
)
def test_a_library_that_does_not_reach_the_coral_is_a_failure(
    tmp_path: Path, edgetpu_library: Path, monkeypatch: pytest.MonkeyPatch, fault: str, reason: str
) -> None:
    monkeypatch.setenv("EDGETPU_FAULT", fault)
    assert coral_library(tmp_path, str(edgetpu_library)).status is Status.OK
    if fault == "hang load":  # the others answer, however slow the machine is
        monkeypatch.setattr("edge.inference.sandbox.TIMEOUT_S", 2.0)
    found = coral_library(plant(tmp_path, PCIE), str(edgetpu_library))
    assert found.status is Status.FAIL
    assert reason in found.found
    assert "libedgetpu" in found.mend


@pytest.mark.subprocess
def test_a_missing_library_is_a_failure_only_with_a_coral(tmp_path: Path) -> None:
    assert coral_library(tmp_path, "libedgetpu-of-nobody.so.1").status is Status.OK
    found = coral_library(plant(tmp_path, NEW), "libedgetpu-of-nobody.so.1")
    assert (found.status, "not installed" in found.found) == (Status.FAIL, True)
    assert "libedgetpu" in found.mend


@pytest.mark.subprocess
def test_a_file_that_is_no_library_is_warned_of(tmp_path: Path) -> None:
    plant(tmp_path, {"libedgetpu.so.1": "<html>"})
    found = coral_library(tmp_path, f"{tmp_path}/libedgetpu.so.1")
    assert (found.status, "does not load" in found.found) == (Status.WARN, True)
