"""Folders to write to: full, closed, read-only, or no folders at all."""

from __future__ import annotations

from pathlib import Path

from edge.service.doctor.disk import disk
from edge.service.doctor.finding import Status
from tests.edge.service.doctor.planted import as_nobody, open_to_all, plant

HUGE = 1 << 60


def test_a_folder_with_room_is_fine(tmp_path: Path) -> None:
    found = disk(tmp_path, Path("/"), scarce_bytes=1, no_bytes=1)
    assert found.status is Status.OK, found
    assert f"in {tmp_path}" in found.found


def test_a_folder_that_is_not_there_yet_is_judged_by_the_one_above(tmp_path: Path) -> None:
    assert disk(tmp_path / "a" / "b", Path("/"), scarce_bytes=1, no_bytes=1).status is Status.OK


def test_little_room_is_warned_of_and_none_is_a_failure(tmp_path: Path) -> None:
    little = disk(tmp_path, Path("/"), scarce_bytes=HUGE, no_bytes=1)
    assert (little.status, bool(little.mend)) == (Status.WARN, True)
    none = disk(tmp_path, Path("/"), scarce_bytes=HUGE, no_bytes=HUGE)
    assert (none.status, bool(none.mend)) == (Status.FAIL, True)


def test_a_card_that_went_read_only_is_a_failure(tmp_path: Path) -> None:
    root = tmp_path / "root"
    plant(root, {"proc/mounts": f"/dev/root / ext4 rw 0 0\n/dev/mmcblk0p2 {tmp_path} ext4 ro,noatime 0 0\n"})
    found = disk(tmp_path, root)
    assert found.status is Status.FAIL
    assert f"{tmp_path} is mounted read-only" in found.found
    assert f"remount,rw {tmp_path}" in found.mend
    plant(root, {"proc/mounts": f"/dev/root / ext4 ro 0 0\ntmpfs {tmp_path} tmpfs rw 0 0\n"})
    assert disk(tmp_path, root, scarce_bytes=1, no_bytes=1).status is Status.OK


def test_a_folder_of_somebody_else_is_a_failure() -> None:
    with open_to_all() as folder:
        folder.chmod(0o555)
        with as_nobody():
            found = disk(folder, Path("/"))
        folder.chmod(0o755)
    assert found.status is Status.FAIL
    assert "may not write" in found.found
    assert f"chown $USER {folder}" in found.mend


def test_a_file_in_place_of_a_folder_is_a_failure(tmp_path: Path) -> None:
    plant(tmp_path, {"keep": ""})
    found = disk(tmp_path / "keep" / "more", Path("/"))
    assert found.status is Status.FAIL
    assert "is no folder" in found.found
