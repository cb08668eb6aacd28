"""scripts/install-pi: what it refuses, and a system under a folder that it installs into and brings up to date."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.subprocess

SCRIPT = ROOT / "scripts" / "install-pi"


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """As much of a system as useradd and systemctl need."""
    root = tmp_path / "root"
    for folder in ("etc/systemd/system", "usr/lib/systemd/system"):
        (root / folder).mkdir(parents=True)
    (root / "usr/lib/systemd/libsystemd-shared-252.so").touch()
    (root / "usr/lib/systemd/system/multi-user.target").write_text("[Unit]\n")
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\nvideo:x:44:\n")
    (root / "etc/os-release").write_text('ID=debian\nVERSION_CODENAME="bookworm"\n')
    return root


def run(system: Path, *arguments: object, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHON": sys.executable, "PIP_NO_COMPILE": "1"}
    if path is not None:
        environment["PATH"] = f"{path}:{environment['PATH']}"
    return subprocess.run(
        [SCRIPT, "--root", system, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


def machine(folder: Path, architecture: str) -> Path:
    """A folder for PATH with a dpkg that names an architecture."""
    folder.mkdir()
    (folder / "dpkg").write_text(f"#!/bin/sh\necho {architecture}\n")
    (folder / "dpkg").chmod(0o755)
    return folder


def size(folder: Path) -> int:
    """Bytes of the files in a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*"))


def test_shellcheck_finds_nothing() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("no shellcheck: scripts/test installs it where it may (apt-get install shellcheck)")
    done = subprocess.run(["shellcheck", SCRIPT], capture_output=True, text=True, check=False)
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("architecture", "said"),
    [
        (
            "armhf",
            "this is a 32-bit system (armhf), for which there is no LiteRT\nhint: write Raspberry Pi OS (64-bit)",
        ),
        ("riscv64", "this is no Raspberry Pi"),
    ],
)
def test_another_architecture_is_refused(tmp_path: Path, system: Path, architecture: str, said: str) -> None:
    before = sorted(system.rglob("*"))
    done = run(system, path=machine(tmp_path / "bin", architecture))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"error: {said}" in done.stderr
    assert sorted(system.rglob("*")) == before


@pytest.mark.parametrize("release", ["VERSION_CODENAME=bullseye\n", "NAME=Alpine\n", None])
def test_another_release_is_refused(tmp_path: Path, system: Path, release: str | None) -> None:
    (system / "etc/os-release").unlink()
    if release is not None:
        (system / "etc/os-release").write_text(release)
    done = run(system, path=machine(tmp_path / "bin", "arm64"))
    assert (done.returncode, "not Bookworm or Trixie" in done.stderr) == (1, True)
    assert not (system / "opt").exists()


def test_an_option_that_there_is_not(system: Path) -> None:
    done = run(system, "--fast")
    assert (done.returncode, done.stderr) == (2, "error: no option --fast\n")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_an_update_that_fails_leaves_the_old_version(tmp_path: Path, system: Path) -> None:
    """Installed, two updates that fail, a lean one that does not, and removed."""
    if os.geteuid() != 0:
        pytest.skip("install-pi needs root")
    here = machine(tmp_path / "bin", "arm64")
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path / "dist", ROOT]
    subprocess.run(build, check=True, capture_output=True)
    wheel = next((tmp_path / "dist").glob("*.whl"))
    home = system / "opt/fmnist-edge"

    def versions() -> set[str]:
        return {path.name for path in home.glob("v-*")}

    done = run(system, "--extras", "", wheel, path=here)
    assert done.returncode == 0, done.stderr
    first = (home / "current").resolve()
    link = system / "usr/local/bin/fmnist-edge"
    assert str(link.readlink()) == "/opt/fmnist-edge/current/bin/fmnist-edge"
    assert [path.name for path in link.parent.iterdir()] == ["fmnist-edge"]
    unit = system / "etc/systemd/system/fmnist-edge.service"
    assert "ExecStart=/usr/local/bin/fmnist-edge classify " in unit.read_text()

    nonsense = tmp_path / wheel.name
    nonsense.write_bytes(b"nonsense")
    config = system / "etc/fmnist-edge.toml"
    good = config.read_text()
    for bad, mistake, said in ((nonsense, "", ""), (wheel, "min-scor = 1\n", "min-scor")):
        config.write_text(good + mistake)
        done = run(system, "--extras", "", bad, path=here)
        assert done.returncode == 1
        assert said in done.stderr
        assert "hint: the old one goes on as before" in done.stderr
        assert ((home / "current").resolve(), versions()) == (first, {first.name})
    config.write_text(good)

    done = run(system, "--extras", "", "--lean", wheel, path=here)
    assert done.returncode == 0, done.stderr
    second = (home / "current").resolve()
    assert second != first
    assert versions() == {first.name, second.name}
    assert size(second) < 0.8 * size(first)
    program = second / "bin" / "fmnist-edge"
    assert sorted(path.name for path in second.glob("bin/*convert")) == []
    doctor = [program, "doctor", "--format", "json"]
    told = subprocess.run(doctor, capture_output=True, text=True, check=False, cwd=tmp_path)
    found = {one["name"]: one["status"] for one in json.loads(told.stdout)["checks"]}
    assert (told.returncode, found["runtime"], found["models"]) == (0, "ok", "ok")

    done = run(system, "--remove", path=here)
    assert done.returncode == 0, done.stderr
    assert [str(path) for path in system.rglob("*fmnist-edge*")] == []
