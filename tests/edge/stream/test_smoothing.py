"""Smoothed answers are steadier than the frames', soon see an empty table, and never mix two garments across it."""

from __future__ import annotations

import random
from itertools import count, islice, pairwise

import pytest

from edge.errors import BadOption
from edge.frame import Decision
from edge.stream.smoothing import DISAGREEING, Changes, Smoother, answer_of, beside_frames, parse_smoothing
from tests.edge.stories import frame, prediction, predictions, word

WAYS = ["average", "average:0.3", "average:1", "vote", "vote:4/5", "hysteresis", "hysteresis:2"]


def smoother(text: str, reject_below: float = 0.5) -> Smoother:
    smooth = parse_smoothing(text, lambda: reject_below)
    assert smooth is not None
    return smooth


def random_words() -> list[str]:
    """Stories with runs of every length, so that garments and gaps win and lose."""
    dice = random.Random(0)
    return ["".join(dice.choice("ABC.?") * dice.randint(1, 6) for _ in range(12)) for _ in range(100)]


@pytest.mark.parametrize(
    ("how", "frames", "story"),
    [
        ("average", "AAABAAA", "AAABAAA"),  # 0.6 is quick; less is steadier
        ("average:0.3", "AAABAAA", "AAAAAAA"),
        ("average:0.3", "AAAABBBB", "AAAAA?BB"),
        ("average:0.3", "AAAA????", "AAAAAAA?"),
        ("average:0.3", "AAA.AA", "AAAAAA"),
        ("average:0.3", "AAA...BBB", "AAAA..BBB"),
        ("average", "AA..BB", "AA..BB"),
        ("vote", "AAABAAA", "AAAAAAA"),
        ("vote", "AAAABBBB", "AAAAAABB"),
        ("vote", "AAA...BBBB", "AAAAA...BB"),
        ("vote", "......BBB", "........B"),
        ("vote", "A.A..AAA", "A?A?...A"),
        ("vote", "ABCDABCD", "A???????"),
        ("vote:4/5", "AAAABBBBB", "AAAAA??BB"),
        ("hysteresis", "AAABBAAA", "AAAAAAAA"),
        ("hysteresis", "AAABBBB", "AAAAABB"),
        ("hysteresis", "AA....BBB", "AAAA....B"),
        ("hysteresis", "AABCBCBCAAA", "AAAAAAA???A"),
    ],
)
def test_each_way_tells_its_story(how: str, frames: str, story: str) -> None:
    assert word(smoother(how)(predictions(frames))) == story


@pytest.mark.parametrize("how", WAYS)
def test_one_comes_out_for_one_that_went_in_and_at_once(how: str) -> None:
    endless = (prediction("AAB."[number % 4], number) for number in count())
    assert [one.frame for one in islice(smoother(how)(endless), 50)] == list(range(50))
    assert next(smoother(how)(iter([prediction("A", 7)]))).frame == 7


@pytest.mark.parametrize("how", WAYS)
def test_a_single_picture_is_believed(how: str) -> None:
    """Each picture is a source of its own: smoothing leaves it as it is."""
    pictures = [prediction(letter, 0, f"{number}.png") for number, letter in enumerate("AB.AAC?D")]
    for smoothed, own in zip(smoother(how)(pictures), pictures, strict=True):
        assert (smoothed.decision, smoothed.source) == (own.decision, own.source)
        assert smoothed.ranked == pytest.approx(own.ranked)


@pytest.mark.parametrize("how", WAYS)
def test_a_long_gap_is_seen_and_a_long_rest_is_told_truly(how: str) -> None:
    for letter in "AB.?":
        assert word(smoother(how)(predictions("CCCCC" + letter * 12)))[-5:] == letter * 5


@pytest.mark.parametrize("how", WAYS)
def test_nothing_leaks_over_a_gap(how: str) -> None:
    """What is said after "no garment" was seen since, and its scores are those that this garment alone would have."""
    for frames in random_words():
        told = word(smoother(how)(predictions(frames)))
        for number, letter in enumerate(told):
            gap = told.rfind(".", 0, number)
            if letter in "ABC" and gap >= 0:
                assert letter in frames[gap : number + 1], (frames, told, number)
    after_gap = list(smoother(how)(predictions("AAAAAAA......BBBBBBB")))[-1]
    alone = list(smoother(how)(predictions("BBBBBBB")))[-1]
    assert [one.label for one in after_gap.ranked if one.score > 0] == [one.label for one in alone.ranked]
    assert [one.score for one in after_gap.ranked[:4]] == pytest.approx([one.score for one in alone.ranked])


@pytest.mark.parametrize("how", WAYS)
def test_scores_stay_probabilities_in_order(how: str) -> None:
    for frames in random_words()[:20]:
        for one in smoother(how)(predictions(frames)):
            scores = [label.score for label in one.ranked]
            assert scores == sorted(scores, reverse=True)
            assert (one.decision is Decision.NO_GARMENT) == (scores == [])
            assert scores == [] or sum(scores) == pytest.approx(1)
            assert (one.hint is None) == (one.decision is Decision.GARMENT)


@pytest.mark.parametrize("how", ["hysteresis", "hysteresis:2"])
def test_the_shown_answer_changes_less_often_than_the_frames(how: str) -> None:
    for frames in random_words():
        told = word(smoother(how)(predictions(frames)))
        assert sum(a != b for a, b in pairwise(told)) <= sum(a != b for a, b in pairwise(frames))


def test_an_average_of_two_garments_is_unknown_and_says_why() -> None:
    last = list(smoother("average:0.5", 0.8)(predictions("AB")))[-1]
    assert (last.decision, last.hint) == (Decision.UNKNOWN, DISAGREEING)


def test_sources_are_stories_of_their_own() -> None:
    both = [*predictions("AAAA", "one"), *predictions("BBBB", "two")]
    assert word(smoother("hysteresis")(both)) == "AAAABBBB"


def test_frames_stay_with_their_predictions() -> None:
    pairs = [(frame(number, number), one) for number, one in enumerate(predictions("AAB.BB"))]
    for one, (seen, told) in enumerate(beside_frames(iter(pairs), smoother("vote"))):
        assert (seen.index, told.frame) == (one, one)


def test_only_changes_are_told_and_the_first_of_each_source() -> None:
    story = [*predictions("AAB..?A", "one"), *predictions("AA", "two")]
    told = list(filter(Changes().is_new, story))
    assert [(one.source, one.frame) for one in told] == [
        *(("one", number) for number in (0, 2, 3, 5, 6)),
        ("two", 0),
    ]


def test_the_best_guess_of_one_that_is_not_sure_is_no_answer() -> None:
    assert answer_of(prediction("?")) == (Decision.UNKNOWN, None)
    assert answer_of(prediction("A")) == (Decision.GARMENT, "A")


@pytest.mark.parametrize(
    "text",
    [
        *("", "mean", "none:3", "average:", "average:0", "average:0.0", "average:1.5", "average:x", "average:-1"),
        *("vote:3", "vote:2/5", "vote:6/5", "vote:0/0", "vote:900/1001", "hysteresis:0", "hysteresis:1001"),
    ],
)
def test_what_cannot_be_smoothed_so_is_said(text: str) -> None:
    with pytest.raises(BadOption) as caught:
        parse_smoothing(text, lambda: 0.5)
    assert f"--smooth {text}"[:15] in str(caught.value)
    assert caught.value.hint


def test_none_is_none() -> None:
    assert parse_smoothing("none", lambda: 0.5) is None
