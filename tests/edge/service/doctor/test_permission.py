"""Why a device is denied, and which group would let one in: to a real user without rights."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.service.doctor.permission import denial
from tests.edge.service.doctor.planted import as_nobody, open_to_all, plant


@pytest.fixture
def root() -> Iterator[Path]:
    with open_to_all() as folder:
        yield folder


def denied(root: Path, groups: str) -> tuple[str, str]:
    """What is said of a node that nobody may use, whose group has a line in /etc/group."""
    node = plant(root, {"dev/video0": ""}) / "dev/video0"
    plant(root, {"etc/group": groups.format(number=node.stat().st_gid)})
    node.chmod(0)
    with as_nobody():
        found = denial(node, root, "video")
    assert found is not None
    return found


def test_a_node_that_may_be_used_is_not_denied(root: Path) -> None:
    plant(root, {"dev/video0": ""})
    (root / "dev/video0").chmod(0o666)
    with as_nobody():
        assert denial(root / "dev/video0", root, "video") is None


def test_who_is_not_in_the_group_is_told_to_join(root: Path) -> None:
    reason, mend = denied(root, "audio:x:29:\nvideo:x:{number}:somebody\n")
    assert "is not in group video" in reason
    assert mend.startswith("sudo usermod -aG video $USER")


def test_who_has_joined_since_the_login_is_told_to_log_in_again(root: Path) -> None:
    with as_nobody():
        user = pwd.getpwuid(os.geteuid()).pw_name
    reason, mend = denied(root, f"video:x:{{number}}:somebody,{user}\n")
    assert "only from the next login on" in reason
    assert "log out" in mend


@pytest.mark.parametrize("groups", ["root:x:{number}:\n", "", "video:x:12345:\n"])
def test_nobody_is_told_to_join_roots_group(root: Path, groups: str) -> None:
    _, mend = denied(root, groups)
    assert mend.startswith("sudo chgrp video ")
