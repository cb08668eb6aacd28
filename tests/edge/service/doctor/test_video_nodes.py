"""V4L2 nodes: which are cameras, whether this user may, and who has them open."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from edge.service.doctor.finding import Status
from edge.service.doctor.video_nodes import video_nodes
from tests.edge.service.doctor.planted import as_nobody, open_to_all, plant
from tests.edge.sources.fake_video_nodes import META, STREAMING, FakeDev, FakeNode

WEBCAM_NAME = "sys/class/video4linux/video0/name"
WEBCAM = {"dev/video0": "", WEBCAM_NAME: "HD Pro Webcam C920\n"}
CODEC = {"dev/video10": "", "sys/class/video4linux/video10/name": "bcm2835-codec-decode\n"}


def test_a_camera_is_named(tmp_path: Path) -> None:
    found = video_nodes(plant(tmp_path, {**WEBCAM, **CODEC}))
    assert found.status is Status.OK
    assert found.found == f"{tmp_path}/dev/video0 (HD Pro Webcam C920)"


def test_no_camera_is_warned_of(tmp_path: Path) -> None:
    found = video_nodes(tmp_path)
    assert found.status is Status.WARN
    assert found.mend
    assert video_nodes(tmp_path, has_pi_camera=True).status is Status.OK


def test_a_pis_codecs_are_no_cameras(tmp_path: Path) -> None:
    found = video_nodes(plant(tmp_path, CODEC))
    assert found.status is Status.WARN
    assert "nodes for other things: 1" in found.found


def test_a_camera_that_this_user_may_not_open_is_a_failure() -> None:
    with open_to_all() as root:
        plant(root, {**WEBCAM, "dev/video1": ""})
        node = root / "dev/video0"
        for closed in (node, root / "dev/video1"):
            closed.chmod(0)
        plant(root, {"etc/group": f"video:x:{node.stat().st_gid}:somebody\n"})
        with as_nobody():
            found = video_nodes(root)
    assert found.status is Status.FAIL
    assert found.found.count("not in group video") == 1
    assert found.found.startswith(f"{node} (HD Pro Webcam C920), {root}/dev/video1: permission denied")
    assert "sudo usermod -aG video $USER" in found.mend


@pytest.mark.subprocess
def test_a_camera_that_another_program_has_open_is_in_use(tmp_path: Path) -> None:
    """A real process holds the node; the kernel's own /proc says so."""
    plant(tmp_path, WEBCAM)
    (tmp_path / "proc").symlink_to("/proc")
    with (tmp_path / "dev/video0").open() as node, subprocess.Popen(["sleep", "60"], stdin=node) as other:
        try:
            found = video_nodes(tmp_path)
        finally:
            other.kill()
    assert found.status is Status.WARN
    assert f"in use by sleep (process {other.pid})" in found.found
    assert str(os.getpid()) not in found.found
    assert found.mend.startswith(f"sudo kill {other.pid}")


def test_a_node_whose_driver_denies_it_is_no_camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A webcam has a second node, for its metadata, which bears the same name."""
    (tmp_path / "dev").mkdir()
    nodes = FakeDev(tmp_path / "dev", monkeypatch)
    nodes.plug_in(0, FakeNode())
    nodes.plug_in(1, FakeNode(caps=META | STREAMING))
    found = video_nodes(plant(tmp_path, {WEBCAM_NAME: "C920\n", WEBCAM_NAME.replace("video0", "video1"): "C920\n"}))
    assert (found.status, found.found) == (Status.OK, f"{tmp_path}/dev/video0 (C920)")
