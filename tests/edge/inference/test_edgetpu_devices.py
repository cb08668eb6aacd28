"""Corals are found by what the kernel says of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.inference.edgetpu_devices import find_edgetpus


def plug_in(root: Path, port: str, vendor: str, product: str, number: str) -> Path:
    device = root / "sys/bus/usb/devices" / port
    device.mkdir(parents=True)
    for name, text in (("idVendor", vendor), ("idProduct", product), ("busnum", "2"), ("devnum", number)):
        (device / name).write_text(f"{text}\n")
    node = root / "dev/bus/usb/002" / f"{int(number):03}"
    node.parent.mkdir(parents=True, exist_ok=True)
    node.touch(0o664)
    return node


@pytest.fixture
def as_nobody(tmp_path: Path) -> Iterator[None]:
    """Root may open everything."""
    tmp_path.chmod(0o755)
    was = os.geteuid()
    if was == 0:
        for folder in tmp_path.parents:
            if folder.stat().st_uid == 0 and str(folder).startswith("/tmp/"):
                folder.chmod(0o755)
        os.seteuid(65534)
    yield
    os.seteuid(was)


def test_corals_before_and_after_their_firmware_and_on_pcie(tmp_path: Path) -> None:
    nodes = [plug_in(tmp_path, "2-1", "1a6e", "089a", "4"), plug_in(tmp_path, "2-2", "18d1", "9302", "11")]
    plug_in(tmp_path, "2-3", "046d", "0825", "5")  # a camera
    (tmp_path / "sys/bus/usb/devices/2-1:1.0").mkdir()  # an interface, which has no such files
    (tmp_path / "dev/apex_0").touch()
    found = find_edgetpus(tmp_path)
    assert [device.node for device in found] == [tmp_path / "dev/apex_0", *nodes]
    assert all(device.allowed for device in found)


def test_a_machine_without_buses_has_none(tmp_path: Path) -> None:
    assert find_edgetpus(tmp_path) == []


def test_a_node_that_this_user_may_not_open_is_marked(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    node = plug_in(tmp_path, "2-1", "18d1", "9302", "4")
    node.chmod(0o000)
    request.getfixturevalue("as_nobody")
    (found,) = find_edgetpus(tmp_path)
    assert not found.allowed
