"""Videos and cameras through the command: the story that it tells is the one that happened on the table."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.choices import DEFAULT_MODEL
from edge.errors import BadOption
from edge.frame import Frame
from edge.inference.classifier import Classifier
from edge.sources.liveness import BLACK_HINT
from edge.sources.pictures import read_image
from edge.stream.pipeline import classify_frames, frame_filters
from edge.stream.smoothing import parse_smoothing
from tests.conftest import Run
from tests.edge.stories import frame
from tests.edge.tables import COVERED, EMPTY, SAMPLES, write_clip

pytestmark = pytest.mark.subprocess

TRUE_STORY = [None, "Trouser", None, "Ankle boot"]


def told(done: subprocess.CompletedProcess[str]) -> list[dict[str, object]]:
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def labels(answers: list[dict[str, object]]) -> list[object]:
    return [one["label"] if one["decision"] == "garment" else None for one in answers]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds: an empty table, trousers, an empty table, a boot."""
    scenes = [EMPTY] * 10 + ["trouser"] * 10 + [EMPTY] * 10 + ["ankle-boot"] * 10
    return write_clip(tmp_path_factory.mktemp("clips") / "story.avi", scenes)


@pytest.mark.parametrize(
    ("options", "starts"),
    [
        ("", (0, 10, 20, 30)),
        ("--smooth average", (0, 10, 20, 30)),
        ("--smooth average:0.3", (0, 11, 21, 31)),
        ("--smooth vote", (0, 12, 22, 32)),
        ("--smooth hysteresis", (0, 12, 22, 32)),
        ("--motion", (0, 10, 20, 30)),
        ("--interval 0.5", (0, 10, 20, 30)),
        ("--interval 0.3 --motion --smooth hysteresis:2", (0, 15, 24, 33)),
        ("--roi 120,40,400,400", (0, 10, 20, 30)),
        ("--roi 0.2,0.1,0.6,0.8 --smooth vote:2/3", (0, 11, 21, 31)),
    ],
)
def test_the_printed_story_is_the_true_one(fmnist_edge: Run, clip: Path, options: str, starts: tuple[int, ...]) -> None:
    answers = told(fmnist_edge("classify", clip, "-f", "json", "--on-change", *options.split()))
    assert labels(answers) == TRUE_STORY
    assert tuple(one["frame"] for one in answers) == starts


def test_an_interval_is_of_the_videos_time_and_the_limit_of_what_is_classified(fmnist_edge: Run, clip: Path) -> None:
    every_half_second = told(fmnist_edge("classify", clip, "-f", "json", "--interval", "0.5"))
    assert [one["frame"] for one in every_half_second] == list(range(0, 40, 5))
    assert len(told(fmnist_edge("classify", clip, "-f", "json", "--interval", "0.5", "--limit", "3"))) == 3


def test_a_still_table_is_not_classified_with_motion(fmnist_edge: Run, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "still.avi", ["bag"] * 40 + ["coat"] * 25)
    answers = told(fmnist_edge("classify", clip, "-f", "json", "--motion"))
    assert [one["frame"] for one in answers] == [*range(11), *range(40, 51)]


def test_a_covered_lens_is_never_classified(fmnist_edge: Run, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "covered.avi", ["bag"] * 3 + [COVERED] * 3 + ["bag"] * 3)
    answers = told(fmnist_edge("classify", clip, "-f", "json"))
    assert labels(answers) == ["Bag"] * 3 + [None] * 3 + ["Bag"] * 3
    for one in answers[3:6]:
        assert (one["decision"], one["label"], one["hint"]) == ("no_garment", None, BLACK_HINT)
        assert one["latency_ms"]["invoke"] == 0  # type: ignore[index]


def test_doubtful_frames_are_kept_as_they_were_classified(fmnist_edge: Run, clip: Path, tmp_path: Path) -> None:
    options = ("--keep", tmp_path / "kept", "--keep-below", "1", "--roi", "120,40,400,400", "--smooth", "vote")
    told(fmnist_edge("classify", clip, "-f", "json", *options))
    unsorted = tmp_path / "kept" / "_unsorted"
    notes = [json.loads(path.read_text()) for path in sorted(unsorted.glob("*.json"))]
    assert [(note["label"], note["frame"], note["model"]) for note in notes] == [
        ("Trouser", 10, DEFAULT_MODEL),
        ("Ankle boot", 30, DEFAULT_MODEL),
    ]
    assert all(read_image(path).shape == (400, 400, 3) for path in unsorted.glob("*.jpg"))
    assert len(list(unsorted.iterdir())) == 4


def test_a_store_that_cannot_be_does_not_stop_the_classification(fmnist_edge: Run, tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("")
    done = fmnist_edge("classify", "samples:", "-f", "json", "--keep", place, "--keep-below", "1")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 10)
    assert done.stderr.count("warning: cannot keep frames") == len(done.stderr.splitlines()) == 1


def test_pictures_are_what_they_are_with_every_option(fmnist_edge: Run) -> None:
    plain = labels(told(fmnist_edge("classify", "samples:", "-f", "json")))
    options = ("--motion", "--interval", "5", "--smooth", "vote", "--on-change", "--roi", "0,0,1,1")
    assert labels(told(fmnist_edge("classify", "samples:", "-f", "json", *options))) == plain
    assert len(plain) == 10


def test_a_region_outside_of_one_picture_fails_that_one(fmnist_edge: Run, tmp_path: Path, clip: Path) -> None:
    for name in ("bag", "coat"):
        (tmp_path / f"{name}.png").write_bytes(SAMPLES[name].read_bytes())
    (tmp_path / "clip.avi").write_bytes(clip.read_bytes())
    done = fmnist_edge("classify", tmp_path, "-f", "json", "--roi", "120,40,400,400", "--limit", "2")
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 2
    assert "reaches outside" in done.stderr
    assert "whose frames are 28 x 28" in done.stderr


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--smooth", "more"), "--smooth more"),
        (("--roi", "1,2,3"), "--roi 1,2,3"),
        (("--keep", "x", "--keep-max", "plenty"), "plenty is no size"),
        (("--interval", "nan"), "--interval nan"),
        (("--motion", "--motion-threshold", "nan"), "--motion-threshold nan"),
    ],
)
def test_a_bad_option_is_said_in_two_lines(
    fmnist_edge: Run, tmp_path: Path, options: tuple[str, ...], word: str
) -> None:
    done = fmnist_edge("classify", "samples:", *options, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert word in done.stderr.splitlines()[0]
    assert done.stderr.splitlines()[1].startswith("hint: ")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_read_ahead_and_nothing_lies_between_if_nothing_was_asked_for(classifier: Classifier) -> None:
    seen: list[int] = []

    def camera() -> Iterator[Frame]:
        for number in range(100):
            seen.append(number)
            yield frame(100 + number, number, number)

    frames = frame_filters("0,0,1,1", 0.0, 0.5)(camera())
    answers = classify_frames(frames, classifier, smooth=parse_smoothing("vote", lambda: 0.5))
    assert next(answers)[1].frame == 0
    assert seen == [0]
    untouched = [frame(1), frame(2)]
    assert list(frame_filters(None, None, None)(untouched)) == untouched
    with pytest.raises(BadOption):
        frame_filters("junk", None, None)


def test_a_frame_of_a_live_camera_keeps_being_one_through_the_gate() -> None:
    live = Frame(np.full((64, 64, 3), 9, np.uint8), "cam", 0, 0.0, 0.0, is_live=True, unusable_because="x")
    (passed,) = frame_filters("0,0,32,32", 1.0, 1.0)([live])
    assert (passed.is_live, passed.unusable_because, passed.pixels.shape) == (True, "x", (32, 32, 3))
