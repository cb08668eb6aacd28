"""Which frames go into the review folder, and how large it may be."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from edge.errors import BadOption
from edge.frame import Decision
from edge.stream.review_folder import is_uncertain, parse_size, store_uncertain
from tests.edge.stories import frame, prediction
from tests.edge.stream.test_review_folder import noisy, store_in, unsorted


def test_one_source_gives_a_frame_a_second_at_most(tmp_path: Path) -> None:
    pairs = [(one := noisy(number, at_s=number * 0.25), prediction("A", number, score=0.5)) for number in range(12)]
    assert one.index == 11
    list(store_uncertain(pairs, store_in(tmp_path), 0.6))
    assert [json.loads(note.read_text())["frame"] for note in unsorted(tmp_path, ".json")] == [0, 4, 8]


def test_the_same_look_is_kept_once_a_minute(tmp_path: Path) -> None:
    still = [(frame(100 + number % 2, number, number), prediction("A", number, score=0.5)) for number in range(125)]
    list(store_uncertain(still, store_in(tmp_path), 0.6))
    assert [json.loads(note.read_text())["frame"] for note in unsorted(tmp_path, ".json")] == [0, 60, 120]


def test_pictures_are_sources_of_their_own(tmp_path: Path) -> None:
    pictures = [
        (noisy(number, source=f"{number}.png"), prediction("A", number, f"{number}.png", 0.5)) for number in (0, 1, 1)
    ]
    list(store_uncertain(pictures, store_in(tmp_path), 0.6))
    assert len(unsorted(tmp_path, ".jpg")) == 2  # the third looks like the second


@pytest.mark.parametrize(
    ("letter", "score", "below", "doubtful"),
    [
        ("A", 0.59, 0.6, True),
        ("A", 0.61, 0.6, False),
        ("A", 0.39, 0.3, True),  # 0.39 against 0.203
        ("A", 0.41, 0.3, False),
        ("?", 0.0, 0.0, True),
        (".", 0.0, 1.0, False),
    ],
)
def test_what_is_doubtful(letter: str, score: float, below: float, doubtful: bool) -> None:
    assert is_uncertain(prediction(letter, score=score), below) is doubtful


def test_a_garment_that_is_cut_off_is_no_garment_to_learn_from() -> None:
    assert not is_uncertain(replace(prediction("A", score=0.3), decision=Decision.NO_GARMENT), 0.6)


@pytest.mark.parametrize(
    ("text", "size"),
    [("250MB", 250_000_000), ("1.5GB", 1_500_000_000), ("800 kb", 800_000), ("1000", 1000), ("2g", 2_000_000_000)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "0", "0MB", "-5MB", "5 apples", "1e9", "0.0001", "nan"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(BadOption, match="is no size"):
        parse_size(text)
