"""The last hour, minute by minute."""

from __future__ import annotations

from edge.frame import Decision
from edge.serve.history import History
from tests.edge.events.happenings import prediction


def test_minutes_follow_each_other_and_the_oldest_goes() -> None:
    history = History(1000.0)
    for second in range(0, 3700, 10):
        history.count(prediction(), 1000.0 + second)
    buckets = history.as_json(1000.0 + 3690)
    assert len(buckets) == 60
    assert {one["frames"] for one in buckets[:-1]} == {6}
    assert [one["ago_s"] for one in buckets[-2:]] == [90.0, 30.0]
    assert buckets[0]["frames_per_s"] == 0.1


def test_a_minute_holds_labels_decisions_and_the_mean_score() -> None:
    history = History(0.0)
    for one in (
        prediction(),
        prediction("Coat"),
        prediction("Coat", Decision.UNKNOWN),
        prediction("", Decision.NO_GARMENT),
    ):
        history.count(one, 1.0)
    (bucket,) = history.as_json(2.0)
    assert bucket["labels"] == {"Sneaker": 1, "Coat": 1}
    assert bucket["decisions"] == {"garment": 2, "unknown": 1, "no_garment": 1}
    assert bucket["score"] == 0.9


def test_after_a_long_silence_the_hour_is_empty() -> None:
    history = History(0.0)
    history.count(prediction(), 1.0)
    buckets = history.as_json(1e6)
    assert len(buckets) == 60
    assert sum(one["frames"] for one in buckets) == 0
    assert 0 <= buckets[-1]["ago_s"] < 60
