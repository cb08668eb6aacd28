"""picamera2 as the system installs it: seen, invisible, of another Python, and against another NumPy."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edge.service.doctor.finding import Finding, Status
from edge.service.doctor.pi_camera import SYSTEM_PACKAGES, Sight, look, pi_camera
from tests.edge.service.doctor.planted import plant

PI = {"proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0"}
HERE = f"3.{sys.version_info.minor}"
INSTALLED = {
    f"{SYSTEM_PACKAGES}/picamera2/__init__.py": "",
    f"{SYSTEM_PACKAGES}/libcamera/_libcamera.cpython-3{sys.version_info.minor}-aarch64-linux-gnu.so": "",
}
PICAMERA2 = """
class Picamera2:
    @staticmethod
    def global_camera_info():
        return {cameras}
"""


def found_with(root: Path, monkeypatch: pytest.MonkeyPatch, picamera2: str, libcamera: str = "") -> Finding:
    """What is said where these two modules, of the real ones' faces, can be imported."""
    plant(root, {"visible/libcamera.py": libcamera, "visible/picamera2.py": picamera2})
    monkeypatch.setenv("PYTHONPATH", str(root / "visible"))
    return pi_camera(root, look())


@pytest.mark.subprocess
def test_a_camera_that_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cameras = [{"Model": "imx708", "Location": 2, "Rotation": 180, "Id": "/base/...", "Num": 0}]
    found = found_with(plant(tmp_path, PI), monkeypatch, PICAMERA2.format(cameras=cameras))
    assert found == Finding(Status.OK, "picamera2 sees imx708")


@pytest.mark.subprocess
def test_a_usb_camera_is_none_of_the_pis_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """libcamera lists it, too."""
    usb = {"Model": "C920", "Id": "/base/scb/pcie@7d500000/pci@0,0/usb@0,0-1.3:1.0-046d:0892"}
    found = found_with(tmp_path, monkeypatch, PICAMERA2.format(cameras=[usb]))
    assert found == Finding(Status.OK, "picamera2 imports and sees no camera")


@pytest.mark.subprocess
def test_a_ribbon_cable_that_is_loose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = found_with(plant(tmp_path, PI), monkeypatch, PICAMERA2.format(cameras=[]))
    assert found.status is Status.WARN
    assert "sees no camera" in found.found
    assert "ribbon cable" in found.mend


@pytest.mark.subprocess
def test_another_numpy_than_it_was_built_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As simplejpeg says it, which picamera2 imports (picamera2 #1211)."""
    complaint = "numpy.dtype size changed, may indicate binary incompatibility"
    found = found_with(plant(tmp_path, PI), monkeypatch, f"raise ValueError({complaint!r})")
    assert found.status is Status.WARN
    assert complaint in found.found
    assert "pip install --upgrade simplejpeg" in found.mend


@pytest.mark.subprocess
def test_a_library_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = "raise ImportError('libcamera.so.0.5: cannot open shared object file')"
    found = found_with(plant(tmp_path, PI), monkeypatch, "", libcamera=broken)
    assert found.status is Status.WARN
    assert "apt install --reinstall" in found.mend


@pytest.mark.subprocess
def test_no_picamera2_is_fine_where_there_is_no_pi(tmp_path: Path) -> None:
    assert pi_camera(tmp_path, look()) == Finding(Status.OK, "no Raspberry Pi: picamera2 is not needed")


INVISIBLE = Sight(complaint="ModuleNotFoundError: No module named 'libcamera'")


@pytest.mark.subprocess
def test_what_a_child_says_where_it_is_not_visible() -> None:
    assert look() == INVISIBLE


def test_installed_for_the_system_but_invisible_in_this_environment(tmp_path: Path) -> None:
    found = pi_camera(plant(tmp_path, {**PI, **INSTALLED}), INVISIBLE, "/home/pi/.venv")
    assert found.status is Status.WARN
    assert "installed for the system's Python, but /home/pi/.venv does not see it" in found.found
    assert found.mend == "/usr/bin/python3 -m venv --system-site-packages /home/pi/.venv"


def test_installed_for_another_python(tmp_path: Path) -> None:
    (other,) = {"3.11", "3.13"} - {HERE} if HERE in ("3.11", "3.13") else {"3.11"}
    plant(tmp_path, {f"{SYSTEM_PACKAGES}/picamera2/__init__.py": ""})
    name = f"_libcamera.cpython-{other.replace('.', '')}-aarch64-linux-gnu.so"
    found = pi_camera(plant(tmp_path, {f"{SYSTEM_PACKAGES}/libcamera/{name}": ""}), INVISIBLE)
    assert found.status is Status.WARN
    assert f"system's Python {other}, this is {HERE}" in found.found


def test_not_installed_on_a_pi(tmp_path: Path) -> None:
    found = pi_camera(plant(tmp_path, PI), INVISIBLE, "/usr")
    assert found.status is Status.WARN
    assert found.mend.startswith("sudo apt install -y python3-picamera2 && /usr/bin/python3 -m venv --system-site-pack")
    assert found.mend.endswith(" .venv")


@pytest.mark.subprocess
def test_the_command_mends_an_environment_that_exists(tmp_path: Path) -> None:
    """venv run again changes what is visible, and leaves what is installed."""
    import subprocess

    venv = [sys.executable, "-m", "venv", "--without-pip"]
    subprocess.run([*venv, tmp_path], check=True)
    (mine,) = tmp_path.glob("lib/python*/site-packages")
    plant(mine, {"mine.py": ""})
    assert "include-system-site-packages = false" in (tmp_path / "pyvenv.cfg").read_text()
    subprocess.run([*venv, "--system-site-packages", tmp_path], check=True)
    assert "include-system-site-packages = true" in (tmp_path / "pyvenv.cfg").read_text()
    assert (mine / "mine.py").exists()
