"""Frames are sorted, and never lost."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from edge.serve import label_folder
from edge.serve.label_archive import zip_pieces
from edge.serve.label_folder import LabelFolder
from edge.stream.review_folder import ReviewFolder
from tests.conftest import ROOT
from tests.edge.serve.sites import put_frames

LABELS = ("T-shirt/top", "Trouser", "Coat")


@pytest.fixture
def keep(tmp_path: Path) -> Path:
    ReviewFolder(tmp_path, 10_000_000, LABELS, "camera").__exit__(None, None, None)
    return tmp_path


@pytest.fixture
def folder(keep: Path) -> LabelFolder:
    return LabelFolder(keep, LABELS)


def pictures(keep: Path) -> set[str]:
    return {path.relative_to(keep).as_posix() for path in keep.rglob("*.jpg")}


def test_a_frame_moves_to_its_class_and_back_with_its_note(folder: LabelFolder, keep: Path) -> None:
    first, second = put_frames(keep, 2)
    assert folder.move([first], "T-shirt/top").done == [first]
    assert pictures(keep) == {f"T-shirt_top/{first}.jpg", f"_unsorted/{second}.jpg"}
    assert list((keep / "T-shirt_top").iterdir()) == [
        keep / "T-shirt_top" / f"{first}.jpg"
    ]  # adapt takes pictures alone
    assert not (keep / "_unsorted" / f"{first}.json").exists()
    assert folder.undo().done == [first]
    assert pictures(keep) == {f"_unsorted/{first}.jpg", f"_unsorted/{second}.jpg"}
    assert json.loads((keep / "_unsorted" / f"{first}.json").read_text())["label"] == "Coat"
    assert folder.undo().done == []


def test_many_at_once_are_one_move(folder: LabelFolder, keep: Path) -> None:
    ids = put_frames(keep, 4)
    folder.move(ids[:2], "Trouser")
    folder.move([*ids[2:], ids[2]], "_unknown")
    counts = folder.counts()
    assert (counts["waiting"], counts["unknown"], counts["can_undo"]) == (0, 2, 2)
    assert [(one["count"], one["needs"]) for one in counts["classes"]] == [(0, 10), (2, 8), (0, 10)]
    assert sorted(folder.undo().done) == ids[2:]
    assert sorted(folder.undo().done) == ids[:2]
    assert folder.counts()["waiting"] == 4


def test_what_is_deleted_can_be_taken_back_for_a_while(
    folder: LabelFolder, keep: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_folder, "MOST_DELETED", 2)
    ids = put_frames(keep, 4)
    folder.move(ids[:1], "delete")
    assert folder.undo().done == ids[:1]
    for one in ids:
        folder.move([one], "delete")
    assert pictures(keep) == {f".deleted/{one}.jpg" for one in ids[2:]}
    assert [folder.undo().done for _ in range(3)] == [[ids[3]], [ids[2]], []]


def test_no_id_is_a_path(folder: LabelFolder, keep: Path) -> None:
    put_frames(keep, 1)
    (keep / "secret.jpg").write_text("secret")
    (keep / "_unsorted" / "link.jpg").symlink_to("/etc/passwd")
    (keep / "_unsorted" / ".hidden.jpg").write_text("")
    for bad in ("../secret", "/etc/passwd", "..", "", ".", "link", ".hidden", "\0", "x" * 5000, "\udcff", "*"):
        assert folder.picture(bad) is None
        assert folder.move([bad], "Trouser").failed == {bad: "it is not there any more"}
    assert len(folder.waiting()) == 1


def test_nothing_is_written_over(folder: LabelFolder, keep: Path) -> None:
    (one,) = put_frames(keep, 1)
    (keep / "Coat" / f"{one}.jpg").write_text("another")
    folder.move([one], "Coat")
    assert (keep / "Coat" / f"{one}.jpg").read_text() == "another"
    assert (keep / "Coat" / f"{one}-2.jpg").read_text() == f"picture {one}"
    put_frames(keep, 1)
    folder.undo()
    assert pictures(keep) == {f"Coat/{one}.jpg", f"_unsorted/{one}.jpg", f"_unsorted/{one}-2.jpg"}


def test_what_fails_stays_and_is_said(folder: LabelFolder, keep: Path) -> None:
    first, second = put_frames(keep, 2)
    (keep / "Coat").rmdir()
    (keep / "Coat").write_text("no folder")
    moved = folder.move([first, second], "Coat")
    assert moved.done == []
    assert set(moved.failed) == {first, second}
    assert pictures(keep) == {f"_unsorted/{first}.jpg", f"_unsorted/{second}.jpg"}
    assert folder.counts()["can_undo"] == 0


def test_a_frame_that_made_room_meanwhile_is_gone(folder: LabelFolder, keep: Path) -> None:
    first, second = put_frames(keep, 2)
    (keep / "_unsorted" / f"{first}.jpg").unlink()
    moved = folder.move([first, second], "Coat")
    assert (moved.done, list(moved.failed)) == ([second], [first])
    (keep / "Coat" / f"{second}.jpg").unlink()
    assert folder.undo().failed == {second: "it is not there any more"}


def test_frames_of_before_come_later(folder: LabelFolder, keep: Path) -> None:
    ids = put_frames(keep, 5)
    newest = folder.entries(2, None)
    assert [one["id"] for one in newest] == [ids[4], ids[3]]
    assert newest[0] | {"id": 0} == {
        "id": 0, "time": "2026-11-25T09:07:00Z", "label": "Coat", "score": 0.4, "decision": "unknown", "top": []
    }  # fmt: skip
    assert [one["id"] for one in folder.entries(9, ids[1])] == [ids[0]]
    (keep / "_unsorted" / f"{ids[0]}.json").write_text("[" * 100_000)
    assert folder.entries(9, ids[1])[0]["label"] is None


def test_a_folder_that_is_gone_is_empty(folder: LabelFolder, keep: Path) -> None:
    put_frames(keep, 2)
    keep.rename(keep.with_name("elsewhere"))
    assert folder.entries(9, None) == []
    assert folder.counts()["waiting"] == 0
    keep.with_name("elsewhere").rename(keep)
    assert folder.counts()["waiting"] == 2


def test_the_archive_holds_what_is_sorted(folder: LabelFolder, keep: Path) -> None:
    ids = put_frames(keep, 3)
    folder.move(ids[:1], "T-shirt/top")
    folder.move(ids[1:2], "_unknown")
    content = b"".join(zip_pieces(folder.sorted_pictures()))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"T-shirt_top/{ids[0]}.jpg", f"_unknown/{ids[1]}.jpg"]
        assert archive.read(f"_unknown/{ids[1]}.jpg") == f"picture {ids[1]}".encode()


ON_A_FULL_DISK = """
import sys
from pathlib import Path
from edge.serve.label_folder import LabelFolder
from tests.edge.serve.sites import put_frames

keep = Path(sys.argv[1])
for name in ("_unsorted", "Coat"):
    (keep / name).mkdir()
ids = put_frames(keep, 2)
with (keep / "ballast").open("wb", buffering=0) as ballast:
    try:
        while True:
            ballast.write(b"x" * 4096)
    except OSError as error:
        assert error.errno == 28, error
folder = LabelFolder(keep, ("Coat", "Trouser"))
print(folder.move(ids[:1], "Coat"))
print(folder.move(ids[1:], "Trouser"))  # whose folder has to be made
print(folder.undo(), folder.undo())
print(sorted(path.name for path in keep.rglob("*.jpg")))
assert all(path.read_bytes() for path in keep.rglob("*.jpg"))
"""


@pytest.mark.subprocess
def test_nothing_is_lost_on_a_full_disk(tmp_path: Path) -> None:
    """A real one: a small tmpfs, in a mount namespace of its own."""
    mount = 'mount -t tmpfs -o size=256k none "$1" && exec "$2" -c "$3" "$1"'
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", mount, "sh", str(tmp_path), sys.executable, ON_A_FULL_DISK],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip(f"no mount namespace here: {done.stderr}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("00000001-20261125T090700Z.jpg") == 1
    assert done.stdout.count("00000002-20261125T090700Z.jpg") == 1
