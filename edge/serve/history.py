"""The last hour in minutes: what was answered, how surely, at what rate."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edge.frame import Prediction

BUCKET_S = 60.0
BUCKETS = 60


@dataclass(slots=True)
class Bucket:
    """A minute's sums. `started_s` is on the monotonic clock."""

    started_s: float
    frames: int = 0
    scored: int = 0
    score: float = 0.0
    labels: Counter[str] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)


class History:
    """Counts predictions by the minute; the oldest minute goes. Not for several threads at once."""

    def __init__(self, now_s: float) -> None:
        self._buckets: deque[Bucket] = deque([Bucket(now_s)], maxlen=BUCKETS)

    def count(self, prediction: Prediction, now_s: float) -> None:
        """Take a prediction into account, at a time of the monotonic clock."""
        self._turn(now_s)
        bucket = self._buckets[-1]
        bucket.frames += 1
        bucket.decisions[prediction.decision.value] += 1
        best = prediction.best
        if best is not None:
            bucket.scored += 1
            bucket.score += best.score
            if prediction.decision == "garment":
                bucket.labels[best.label] += 1

    def as_json(self, now_s: float) -> list[dict[str, Any]]:
        """A JSON object a minute, the oldest first; `ago_s` is when it began."""
        self._turn(now_s)
        return [_as_json(bucket, now_s) for bucket in self._buckets]

    def _turn(self, now_s: float) -> None:
        newest = self._buckets[-1].started_s
        passed = int((now_s - newest) / BUCKET_S)
        for number in range(max(1, passed - BUCKETS + 1), passed + 1):
            self._buckets.append(Bucket(newest + number * BUCKET_S))


def _as_json(bucket: Bucket, now_s: float) -> dict[str, Any]:
    span_s = min(max(now_s - bucket.started_s, 1.0), BUCKET_S)
    return {
        "ago_s": round(now_s - bucket.started_s, 1),
        "seconds": round(span_s, 1),
        "frames": bucket.frames,
        "frames_per_s": round(bucket.frames / span_s, 2),
        "score": round(bucket.score / bucket.scored, 4) if bucket.scored else None,
        "labels": dict(bucket.labels),
        "decisions": dict(bucket.decisions),
    }
