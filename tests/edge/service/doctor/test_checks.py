"""The table: every line stands in it, and in the documents."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edge.errors import BadOption
from edge.service.doctor.checks import Asked, all_checks
from edge.service.doctor.finding import Status, examine
from tests.conftest import ROOT
from tests.edge.service.doctor.planted import plant
from tests.edge.service.doctor.test_pi_camera import PICAMERA2

ALL = Asked("mlp", mqtt="mqtt://127.0.0.1:9", webhook="http://127.0.0.1:9", folders=(Path("/tmp"),))


def test_only_what_is_asked_for_is_looked_up_elsewhere() -> None:
    names = set(all_checks(Asked(folders=ALL.folders)))
    assert set(all_checks(ALL)) - names == {"model", "mqtt", "webhook"}
    assert {name for name in all_checks(Asked()) if name.startswith("disk ")} >= {f"disk {Path.cwd()}"}


def test_every_line_is_explained() -> None:
    lines = {re.sub(r"^disk .*", "disk", name) for name in all_checks(ALL)} | {"updates"}  # which the command adds
    explained = re.findall(r"^### `(.+)`$", (ROOT / "docs" / "doctor.md").read_text(), re.MULTILINE)
    assert sorted(explained) == sorted(lines)


def test_an_address_that_is_none_is_refused_before_anything_runs() -> None:
    for asked in (Asked(mqtt="broker"), Asked(webhook="ftp://hook")):
        with pytest.raises(BadOption):
            all_checks(asked)


@pytest.mark.subprocess
def test_a_pis_own_camera_is_camera_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tmp_path, {"libcamera.py": "", "picamera2.py": PICAMERA2.format(cameras=[{"Model": "imx708"}])})
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    checks = all_checks(Asked(), tmp_path)
    assert checks["pi camera"]().found == "picamera2 sees imx708"
    assert checks["video nodes"]().status is Status.OK


@pytest.mark.subprocess
def test_no_check_breaks_on_a_machine_without_any_file(tmp_path: Path) -> None:
    """A container that hides everything: some fail, all are told."""
    found = {one.name: one for one in examine(all_checks(ALL, tmp_path))}
    assert list(found) == list(all_checks(ALL, tmp_path))
    assert [name for name, one in found.items() if "the check itself broke" in one.found] == []
    assert found["processor"].status is found["memory"].status is Status.FAIL
    assert all(one.mend for one in found.values() if one.status is not Status.OK)
