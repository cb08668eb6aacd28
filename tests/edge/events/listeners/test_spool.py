"""A queue on disk: in order, whole or not at all, never over its limit, and never the end of a run."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge.errors import OutputFailed
from edge.events.listeners.spool import BLOCK, Spool
from tests.conftest import ROOT
from tests.edge.events.full_disk import files_up_to


def opened(folder: Path, max_bytes: int = 10**6, memory_bytes: int = 10**6) -> Spool:
    spool = Spool(folder, max_bytes, memory_bytes)
    spool.open()
    return spool


def drained(spool: Spool) -> list[bytes]:
    bodies = []
    while (first := spool.first()) is not None:
        bodies.append(first[1])
        spool.remove(first[0])
    return bodies


def test_batches_come_in_the_order_in_which_they_went_and_their_files_go(tmp_path: Path) -> None:
    spool = opened(tmp_path / "a" / "queue")
    for number in range(12):
        spool.put(b"[%d]" % number, 1)
    assert spool.waiting == 12
    assert len(list(spool.folder.glob("*.json"))) == 12
    assert drained(spool) == [b"[%d]" % number for number in range(12)]
    assert [path.name for path in spool.folder.iterdir()] == ["lock"]
    assert (spool.waiting, spool.dropped, spool.problem) == (0, 0, None)


def test_the_first_stays_the_first_until_it_is_removed_and_keeps_its_id(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.put(b"[1]", 1)
    first = spool.first()
    assert first is not None
    spool.put(b"[2]", 1)
    assert spool.first() == first
    spool.close()
    again = opened(tmp_path).first()
    assert again is not None
    assert (again[0].id, again[1]) == (first[0].id, b"[1]")


def test_ids_are_never_used_twice(tmp_path: Path) -> None:
    ids = set()
    for _ in range(5):
        spool = opened(tmp_path)
        for _ in range(3):
            spool.put(b"[]", 1)
            first = spool.first()
            assert first is not None
            ids.add(first[0].id)
            spool.remove(first[0])
        spool.close()
    assert len(ids) == 15


def test_a_new_process_goes_on_after_the_old_ones_batches(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.put(b"[1]", 1)
    spool.put(b"[2, 2]", 2)
    spool.close()
    (tmp_path / "000000000009-0000000000000000-1.json.partial").write_bytes(b"[cut")
    (tmp_path / "notes.txt").write_text("a person's")
    spool = opened(tmp_path)
    assert spool.waiting == 3
    spool.put(b"[3]", 1)
    assert drained(spool) == [b"[1]", b"[2, 2]", b"[3]"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "notes.txt"]


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    spool = opened(tmp_path / "queue")
    spool.put(b"[1]", 1)
    modes = {path.name[-5:]: path.stat().st_mode & 0o777 for path in spool.folder.iterdir()}
    assert modes == {"lock": 0o600, ".json": 0o600}
    assert spool.folder.stat().st_mode & 0o777 == 0o700


def test_the_oldest_make_room_and_are_counted_by_their_events(tmp_path: Path) -> None:
    spool = opened(tmp_path, max_bytes=5 * BLOCK)
    for number in range(9):
        spool.put(b"[%d]" % number, 3)
        on_disk = list(tmp_path.glob("*.json"))
        assert len(on_disk) * BLOCK <= 5 * BLOCK
    assert spool.dropped == 12
    assert spool.waiting == 15
    assert drained(spool) == [b"[%d]" % number for number in range(4, 9)]


def test_a_batch_on_its_way_does_not_make_room(tmp_path: Path) -> None:
    spool = opened(tmp_path, max_bytes=2 * BLOCK)
    spool.put(b"[0]", 1)
    given = spool.first()
    assert given is not None
    for number in range(1, 5):
        spool.put(b"[%d]" % number, 1)
    assert spool.first() == given
    assert drained(spool) == [b"[0]", b"[4]"]
    assert spool.dropped == 3


def test_a_smaller_limit_holds_for_what_lies_there(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    for number in range(6):
        spool.put(b"[%d]" % number, 1)
    spool.close()
    spool = opened(tmp_path, max_bytes=2 * BLOCK)
    assert spool.dropped == 4
    assert drained(spool) == [b"[4]", b"[5]"]


def test_what_is_refused_is_put_aside_and_is_the_first_to_make_room(tmp_path: Path) -> None:
    spool = opened(tmp_path, max_bytes=3 * BLOCK)
    for number in range(2):
        spool.put(b"[%d]" % number, 1)
    first = spool.first()
    assert first is not None
    spool.refuse(first[0])
    aside = tmp_path / "refused" / first[0].name
    assert aside.read_bytes() == b"[0]"
    assert spool.dropped == 1
    spool.close()
    spool = opened(tmp_path, max_bytes=3 * BLOCK)
    assert spool.waiting == 1
    spool.put(b"[2]", 1)
    assert aside.exists()
    spool.put(b"[3]", 1)
    assert not aside.exists()
    assert drained(spool) == [b"[1]", b"[2]", b"[3]"]


def test_a_file_that_is_gone_is_counted_and_the_next_one_comes(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.put(b"[1]", 4)
    spool.put(b"[2]", 1)
    next(iter(sorted(tmp_path.glob("*.json")))).unlink()
    assert drained(spool) == [b"[2]"]
    assert spool.dropped == 4


@pytest.mark.subprocess
def test_two_processes_never_share_a_folder(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    folder = f"pathlib.Path({str(tmp_path)!r})"
    program = f"import pathlib; from edge.events.listeners.spool import Spool; Spool({folder}, 9).open()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert "OutputFailed: another process has its queue in" in done.stderr
    with pytest.raises(OutputFailed, match="another process") as caught:
        opened(tmp_path)
    assert "--webhook-queue DIR" in caught.value.hint
    spool.close()
    opened(tmp_path).close()


def test_a_folder_that_cannot_be_one_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputFailed, match="cannot be a queue") as caught:
        opened(tmp_path / "file" / "queue")
    assert "--webhook-queue DIR" in caught.value.hint


def test_while_the_disk_is_full_batches_wait_in_memory_and_go_to_the_disk_later(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.put(b"[0]", 1)
    with files_up_to(2):
        for number in range(1, 4):
            spool.put(b"[%d]" % number, 1)
        assert spool.problem == f"{tmp_path} takes nothing: File too large; events wait in memory"
        assert spool.waiting_in_memory == 3
    assert list(tmp_path.glob("*.partial")) == []
    assert len(list(tmp_path.glob("*.json"))) == 1
    spool.put(b"[4]", 1)
    assert spool.problem is None
    assert spool.waiting_in_memory == 0
    spool.close()
    assert drained(opened(tmp_path)) == [b"[%d]" % number for number in range(5)]


def test_memory_is_bounded_too(tmp_path: Path) -> None:
    spool = opened(tmp_path, memory_bytes=30)
    with files_up_to(2):
        for number in range(10):
            spool.put(b"[%07d]" % number, 2)
    assert spool.dropped == 14
    assert drained(spool) == [b"[%07d]" % number for number in range(7, 10)]


def test_a_disk_that_is_full_at_the_start_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies there comes first when the folder can be had again."""
    before = opened(tmp_path)
    before.put(b"[0]", 1)
    before.close()

    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    spool = Spool(tmp_path, 10**6)
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", full)
        spool.open()
        spool.put(b"[1]", 1)
        assert spool.problem is not None
        assert "No space left on device" in spool.problem
        assert spool.waiting == 1
    spool.put(b"[2]", 1)
    assert spool.problem is None
    assert drained(spool) == [b"[0]", b"[1]", b"[2]"]


def test_a_batch_that_is_on_its_way_while_the_folder_comes_back_is_still_itself(tmp_path: Path) -> None:
    before = opened(tmp_path / "before")
    before.put(b"[0]", 1)
    before.close()
    spool = opened(tmp_path / "queue")
    (tmp_path / "queue").rename(tmp_path / "gone")
    spool.put(b"[1]", 1)
    given = spool.first()
    assert given is not None
    (tmp_path / "before").rename(tmp_path / "queue")
    spool.put(b"[2]", 1)
    spool.remove(given[0])
    assert drained(spool) == [b"[0]", b"[2]"]
    assert spool.dropped == 0
    assert [path.name for path in (tmp_path / "queue").iterdir()] == ["lock"]


@pytest.mark.subprocess
def test_a_real_full_disk(tmp_path: Path) -> None:
    """A file system of 64 kB, for whoever may mount one."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", tmp_path], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this user may not mount a file system")
    try:
        spool = opened(tmp_path)
        for number in range(40):
            spool.put(b"[%03d]" % number + b" " * 5000, 1)
        assert spool.problem is not None
        assert "No space left on device" in spool.problem
        assert spool.waiting_in_memory > 20
        # Each delivery makes room on the disk for what waits in memory.
        assert [body.split()[0] for body in drained(spool)] == [b"[%03d]" % number for number in range(40)]
        assert spool.dropped == 0
        spool.close()
    finally:
        subprocess.run(["umount", "-l", tmp_path], check=True)
