"""Drift: the camera no longer shows what the model was measured on. A lamp has died, or the lens has gone dusty."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

from edge.events.event import Drift
from edge.frame import Decision

if TYPE_CHECKING:
    from edge.frame import Prediction

WINDOW_S = 3600.0
BUCKETS = 60

SAMPLE_S = 1.0
"""One answer a second counts: neighbouring frames say the same."""

GARMENT_S = 30.0
"""So long one garment lies there, it is assumed: the answers meanwhile are no independent ones."""

LEAST_S = 300.0
"""Nothing is said before something was there for so many seconds of the window."""

DIFFERENCE = 0.15
"""Less of a difference is not worth a word; half of it ends what was said."""

DEVIATIONS = 4.0
"""Chance alone makes so many standard deviations once in 30,000 independent windows."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What a model does with pictures held out of its training: the share that it calls unknown, its mean best score.

    Of the pictures in which it sees something. Both from 0 to 1.
    """

    unknown: float
    score: float

    @classmethod
    def of_manifest(cls, manifest: Mapping[str, Any] | None) -> HeldOut | None:
        """From a model file's manifest; None where it does not say."""
        found = (manifest or {}).get("held_out")
        try:
            return cls(float(found["unknown"]), float(found["score"])) if found else None
        except (KeyError, TypeError, ValueError):
            return None


@dataclass(slots=True)
class _Bucket:
    """Sums over a minute."""

    count: int = 0
    unknown: int = 0
    score: float = 0.0
    squares: float = 0.0


class DriftMonitor:
    """Compares the last hour's answers with the model's held-out figures. It is shown every prediction.

    Frames in which nothing is seen do not count: an empty table is no drift.
    """

    def __init__(self, expected: HeldOut, window_s: float = WINDOW_S) -> None:
        self._expected = expected
        self._scale = window_s / WINDOW_S
        self._buckets: deque[_Bucket] = deque([_Bucket()], maxlen=BUCKETS)
        self._started_s: float | None = None
        self._bucket_s = 0.0
        self._sampled_s = float("-inf")
        self._drifting: set[str] = set()

    def see(self, prediction: Prediction, now_s: float) -> Iterator[Drift]:
        """Take a prediction into account, at a time of the monotonic clock; what begins to drift, or ends to."""
        if self._started_s is None:
            self._started_s = self._bucket_s = now_s
        turned = False
        while now_s - self._bucket_s >= WINDOW_S * self._scale / BUCKETS:
            self._bucket_s += WINDOW_S * self._scale / BUCKETS
            self._buckets.append(_Bucket())
            turned = True
        best = None if prediction.decision is Decision.NO_GARMENT else prediction.best
        if best is not None and now_s - self._sampled_s >= SAMPLE_S * self._scale:
            self._sampled_s = now_s
            self._add(prediction.decision is Decision.UNKNOWN, best.score)
        if turned:
            yield from self._compare(min(now_s - self._started_s, WINDOW_S * self._scale))

    def _add(self, is_unknown: bool, score: float) -> None:
        bucket = self._buckets[-1]
        bucket.count += 1
        bucket.unknown += is_unknown
        bucket.score += score
        bucket.squares += score * score

    def _compare(self, window_s: float) -> Iterator[Drift]:
        count = sum(one.count for one in self._buckets)
        if count < LEAST_S / SAMPLE_S:
            return
        independent = max(count * SAMPLE_S / GARMENT_S, 1.0)
        unknown = sum(one.unknown for one in self._buckets) / count
        score = sum(one.score for one in self._buckets) / count
        variance = max(sum(one.squares for one in self._buckets) / count - score * score, 0.0)
        span = _in_words(window_s / self._scale)
        share = self._expected.unknown
        yield from self._tell(
            "unknown", unknown, share, unknown - share, share * (1 - share), independent, window_s,
            f"{unknown:.0%} unknown in the last {span}; {share:.0%} was measured",
        )  # fmt: skip
        yield from self._tell(
            "score", score, self._expected.score, self._expected.score - score, variance, independent, window_s,
            f"a mean score of {score:.0%} in the last {span}; {self._expected.score:.0%} was measured",
        )  # fmt: skip

    def _tell(
        self,
        measure: str,
        value: float,
        expected: float,
        worse_by: float,
        variance: float,
        independent: float,
        window_s: float,
        facts: str,
    ) -> Iterator[Drift]:
        """An event where a measure becomes worse than chance explains, and where it has become good again."""
        if measure not in self._drifting and worse_by > max(DIFFERENCE, DEVIATIONS * sqrt(variance / independent)):
            self._drifting.add(measure)
            message = f"{facts}: has the light changed, the lens gone dusty, or do other things lie there?"
            yield Drift(measure, value, expected, window_s, True, message)
        elif measure in self._drifting and worse_by < DIFFERENCE / 2:
            self._drifting.remove(measure)
            yield Drift(measure, value, expected, window_s, False, f"as measured again: {facts}")


def monitor_for(manifest: Mapping[str, Any] | None) -> DriftMonitor | None:
    """A monitor for a model, by its manifest; None where that states no figures."""
    expected = HeldOut.of_manifest(manifest)
    return None if expected is None else DriftMonitor(expected)


def _in_words(seconds: float) -> str:
    return "hour" if seconds > 0.99 * WINDOW_S else f"{max(round(seconds / 60), 1)} minutes"
