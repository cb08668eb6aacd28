"""Doubtful frames are kept whole, with what was made of them, under their cap: whatever happens."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from edge.datasets.image_folders import class_folders
from edge.errors import BadOption
from edge.frame import Frame
from edge.sources.pictures import read_image
from edge.spec import FASHION_MNIST_LABELS
from edge.stream.review_folder import ReviewFolder
from tests.conftest import ROOT
from tests.edge.stories import frame, prediction

DOUBT = prediction("A", score=0.5)


def noisy(number: int = 0, size: int = 200, at_s: float = 0.0, source: str = "cam") -> Frame:
    """A frame whose JPEG is large (about 45 KB), and unlike any other."""
    pixels = np.random.default_rng(number).integers(0, 256, (size, size, 3)).astype(np.uint8)
    return Frame(pixels, source, number, at_s, 0.0)


def store_in(folder: Path, cap_bytes: int = 10_000_000) -> ReviewFolder:
    return ReviewFolder(folder, cap_bytes, FASHION_MNIST_LABELS, "small")


def unsorted(folder: Path, suffix: str = "") -> list[Path]:
    return sorted(path for path in (folder / "_unsorted").iterdir() if path.name.endswith(suffix))


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in unsorted(folder))


def test_a_frame_is_kept_with_what_was_made_of_it(tmp_path: Path) -> None:
    with store_in(tmp_path) as store:
        store.keep(frame(90, 17, size=200), DOUBT)
    picture, note = unsorted(tmp_path)
    assert (picture.suffix, note.suffix, picture.stem) == (".jpg", ".json", note.stem)
    assert np.abs(read_image(picture).astype(int) - 90).max() <= 1
    facts = json.loads(note.read_text())
    assert (facts["model"], facts["source"], facts["label"], facts["score"]) == ("small", "clip", "A", 0.5)
    assert (facts["decision"], [one["label"] for one in facts["top"]]) == ("garment", ["A", "B", "C", "D"])
    assert facts["time"].endswith("+00:00")


def test_a_tiny_picture_is_kept_to_the_bit(tmp_path: Path) -> None:
    tiny = noisy(size=28)
    with store_in(tmp_path) as store:
        store.keep(tiny, DOUBT)
    (picture,) = unsorted(tmp_path, ".png")
    np.testing.assert_array_equal(read_image(picture), tiny.pixels)


def test_there_is_a_folder_for_every_class_and_for_none_of_them(tmp_path: Path) -> None:
    with store_in(tmp_path):
        pass
    folders = {path.name for path in tmp_path.iterdir() if path.is_dir()}
    assert folders == {"_unsorted", "_unknown", *class_folders(FASHION_MNIST_LABELS).values()}
    assert "T-shirt_top" in folders


def test_labels_that_need_the_same_folder_are_refused() -> None:
    assert class_folders(["a/b", ".hidden", "plain"]) == {"a/b": "a_b", ".hidden": "_hidden", "plain": "plain"}
    for labels in (["a/b", "a_b"], ["_unknown", "x"], ["/unsorted", "x"]):
        with pytest.raises(BadOption, match="folder"):
            class_folders(labels)


def test_the_oldest_make_room_and_the_cap_is_never_passed(tmp_path: Path) -> None:
    with store_in(tmp_path, 300_000) as store:
        for number in range(20):
            store.keep(noisy(number), DOUBT)
            assert size_of(tmp_path) <= 300_000
        left = [json.loads(note.read_text()) for note in unsorted(tmp_path, ".json")]
    assert len(left) == len(unsorted(tmp_path, ".jpg")) > 3
    numbers = [int(path.name[:8]) for path in unsorted(tmp_path, ".jpg")]
    assert numbers == list(range(21 - len(numbers), 21))
    assert size_of(tmp_path) > 200_000


def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    for number in range(8):
        with store_in(tmp_path, 200_000) as store:
            store.keep(noisy(number), DOUBT)
        assert size_of(tmp_path) <= 200_000
    numbers = [int(path.name[:8]) for path in unsorted(tmp_path, ".jpg")]
    assert numbers == list(range(9 - len(numbers), 9))


def test_what_was_sorted_stays_and_its_number_is_not_given_again(tmp_path: Path) -> None:
    bag = tmp_path / "Bag"
    with store_in(tmp_path, 120_000) as store:
        store.keep(noisy(1), DOUBT)
        (picture,) = unsorted(tmp_path, ".jpg")
        picture.rename(bag / picture.name)
        for number in range(2, 8):
            store.keep(noisy(number), DOUBT)
    assert [path.name for path in bag.iterdir()] == [picture.name]
    for path in unsorted(tmp_path):
        path.rename(bag / path.name)
    with store_in(tmp_path) as store:
        store.keep(noisy(9), DOUBT)
    assert int(unsorted(tmp_path)[0].name[:8]) == 8


def test_the_note_of_a_sorted_picture_goes_with_the_next_start(tmp_path: Path) -> None:
    with store_in(tmp_path) as store:
        store.keep(noisy(1), DOUBT)
        store.keep(noisy(2), DOUBT)
    first = unsorted(tmp_path, ".jpg")[0]
    first.rename(tmp_path / "_unknown" / first.name)
    with store_in(tmp_path):
        assert [path.name[:8] for path in unsorted(tmp_path)] == ["00000002", "00000002"]


def test_what_was_moved_away_makes_room_while_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.stream.review_folder.RECOUNT_S", 0.0)
    with store_in(tmp_path, 300_000) as store:
        for number in range(5):
            store.keep(noisy(number), DOUBT)
        before = unsorted(tmp_path, ".jpg")
        for path in before[1:]:
            path.rename(tmp_path / "Coat" / path.name)
        store.keep(noisy(9), DOUBT)
        store.keep(noisy(10), DOUBT)
        assert unsorted(tmp_path, ".jpg")[0] == before[0]


def test_pictures_of_others_count_but_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.stream.review_folder.RECOUNT_S", 0.0)
    (tmp_path / "_unsorted").mkdir()
    foreign = tmp_path / "_unsorted" / "holiday.jpg"
    foreign.write_bytes(bytes(100_000))
    with store_in(tmp_path, 200_000) as store:
        for number in range(5):
            store.keep(noisy(number), DOUBT)
            assert size_of(tmp_path) <= 200_000
    assert foreign.exists()
    assert len(unsorted(tmp_path, ".jpg")) >= 2


def test_a_frame_larger_than_the_cap_is_said_once_and_nothing_is_lost(tmp_path: Path) -> None:
    with store_in(tmp_path, 60_000) as store:
        store.keep(noisy(1, size=130), DOUBT)
        with pytest.warns(UserWarning, match=r"KB does not fit under --keep-max; classification goes on"):
            store.keep(noisy(2, size=400), DOUBT)
        store.keep(noisy(3, size=400), DOUBT)  # warnings are errors here: no second one
        assert [path.name[:8] for path in unsorted(tmp_path, ".jpg")] == ["00000001"]


def test_a_place_that_is_no_folder_is_said_once_and_tried_again(tmp_path: Path) -> None:
    place = tmp_path / "store"
    place.write_text("a file")
    with pytest.warns(UserWarning, match="cannot keep frames in .*store: .*; classification goes on"):
        store = store_in(place)
    with store:
        store.keep(noisy(1), DOUBT)
        place.unlink()
        store.keep(noisy(2), DOUBT)
    assert len(unsorted(place, ".jpg")) == 1


@pytest.mark.subprocess
def test_a_full_disk_is_said_once_and_leaves_nothing_half(tmp_path: Path) -> None:
    """The limit on a file's size stands for the disk's end: a picture does not fit, its note does."""
    program = """
import resource, signal, sys
from pathlib import Path
from tests.edge.stream.test_review_folder import DOUBT, noisy, store_in, unsorted
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
folder = Path(sys.argv[1])
with store_in(folder) as store:
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
    for number in range(3):
        store.keep(noisy(number), DOUBT)
    assert unsorted(folder) == [], unsorted(folder)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    store.keep(noisy(3), DOUBT)
    assert len(unsorted(folder)) == 2
"""
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("UserWarning") == 1
    assert "File too large" in done.stderr


def test_a_second_process_keeps_out_until_the_first_has_ended(tmp_path: Path) -> None:
    first = store_in(tmp_path)
    with pytest.warns(UserWarning, match="another process keeps its frames there"):
        second = store_in(tmp_path)
    with second:
        with first:
            first.keep(noisy(1), DOUBT)
            second.keep(noisy(2), DOUBT)
        second.keep(noisy(3), DOUBT)
    assert [path.name[:8] for path in unsorted(tmp_path, ".jpg")] == ["00000001", "00000002"]


DIES = """
import os, resource, signal, sys
from pathlib import Path
from tests.edge.stream.test_review_folder import DOUBT, noisy, store_in
at, folder = int(sys.argv[1]), Path(sys.argv[2])
calls, fsync = [], os.fsync
def dying(descriptor):
    calls.append(descriptor)
    os.kill(os.getpid(), signal.SIGKILL) if len(calls) == at else fsync(descriptor)
os.fsync = dying
with store_in(folder, 100_000) as store:
    store.keep(noisy(0), DOUBT)
    if at == 0:  # in the middle of the next picture: the signal of a file that grows too large kills
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    store.keep(noisy(1), DOUBT)
    store.keep(noisy(2), DOUBT)
"""


@pytest.mark.subprocess
@pytest.mark.parametrize("at", range(7))
def test_a_death_at_the_worst_moment_leaves_no_half_picture(tmp_path: Path, at: int) -> None:
    """While a picture is written (0), or while its note or itself goes to the disk (1 to 6)."""
    done = subprocess.run([sys.executable, "-c", DIES, str(at), str(tmp_path)], check=False, cwd=ROOT)
    assert done.returncode == -(signal.SIGKILL if at else signal.SIGXFSZ)
    assert size_of(tmp_path) <= 100_000
    assert [path for path in unsorted(tmp_path) if path.name.startswith(".")]
    check_whole(tmp_path)
    with store_in(tmp_path, 100_000):
        assert not [path for path in unsorted(tmp_path) if path.name.startswith(".")]
        assert len(unsorted(tmp_path, ".json")) == len(unsorted(tmp_path, ".jpg"))


def check_whole(folder: Path) -> None:
    """Every picture that has its name can be read, and has its note."""
    for picture in [*unsorted(folder, ".jpg"), *unsorted(folder, ".png")]:
        if not picture.name.startswith("."):
            read_image(picture)
            assert json.loads(picture.with_suffix(".json").read_text())["v"] == 1


KEEPS_ON = """
import sys
from itertools import count
from pathlib import Path
from tests.edge.stream.test_review_folder import DOUBT, noisy, store_in
frames = [noisy(number, size=120 + 20 * number) for number in range(8)]
with store_in(Path(sys.argv[1]), 400_000) as store:
    for number in count():
        store.keep(frames[number % len(frames)], DOUBT)
"""


@pytest.mark.slow
@pytest.mark.subprocess
def test_kill_9_leaves_whole_pictures_under_the_cap(tmp_path: Path) -> None:
    """A process that does nothing but keep frames is killed at any moment, six times over the same store."""
    dice = random.Random(0)
    for _ in range(6):
        before = unsorted(tmp_path) if (tmp_path / "_unsorted").is_dir() else []
        with subprocess.Popen([sys.executable, "-c", KEEPS_ON, str(tmp_path)], cwd=ROOT) as process:
            deadline = time.monotonic() + 60
            while not (tmp_path / "_unsorted").is_dir() or unsorted(tmp_path) == before:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.01)
            time.sleep(dice.uniform(0, 0.5))
            process.send_signal(signal.SIGKILL)
        assert size_of(tmp_path) <= 400_000
        check_whole(tmp_path)
    with store_in(tmp_path, 400_000):
        assert not [path for path in unsorted(tmp_path) if path.name.startswith(".")]
