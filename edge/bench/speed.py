"""How long a frame takes, stage by stage, and how many frames a second come out: the path that `classify` takes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge.bench.spread import Percentiles, Repeated, percentiles, repeated
from edge.sources.grammar import frames_of
from edge.stream.pipeline import classify_frames

if TYPE_CHECKING:
    from edge.bench.pictures import Pictures
    from edge.errors import SourceError
    from edge.inference.classifier import Classifier
    from edge.sources.grammar import Input

STAGES = ("read", "preprocess", "invoke")
"""As in a prediction's `latency_ms`. What is not in them, up to `total`, lies between two frames."""

WARM_UP_FRAMES = 3
"""Not measured at the start of each round: caches, clocks that rise, tables that a library fills at its first call."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How long a round lasts: until so many seconds or frames are over, whichever is given; at least one frame."""

    seconds: float | None = None
    frames: int | None = None

    def is_over(self, seconds: float, frames: int) -> bool:
        """Whether the round ends, so many seconds and frames after its warm-up."""
        return (self.seconds is not None and seconds >= self.seconds) or (
            self.frames is not None and frames >= self.frames
        )


@dataclass(frozen=True, slots=True)
class Speed:
    """Milliseconds of each stage and in `total`, from one answer to the next; frames a second, median over rounds.

    `noise_ms` is the total's median and median absolute deviation over the rounds' medians. `cpu_ms` is the processor's
    time for a frame, all threads together, which a busy machine changes least. `core_share` is what the process got of
    it, in cores: well under one means that something else had them.
    """

    pictures: Pictures
    threads: int
    frames: int
    rounds: int
    stages_ms: dict[str, Percentiles]
    noise_ms: Repeated
    frames_per_s: Repeated
    cpu_ms: Repeated
    core_share: float


@dataclass(slots=True)
class Course:
    """One combination of a classifier, its threads and pictures, and what its rounds gave so far."""

    pictures: Pictures
    threads: int
    classifier: Classifier
    inputs: list[Input]
    _stages_ms: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in (*STAGES, "total")})
    _totals_ms: list[Repeated] = field(default_factory=list)
    _rates: list[float] = field(default_factory=list)
    _shares: list[float] = field(default_factory=list)
    _cpu_ms: list[float] = field(default_factory=list)

    def run_round(self, limit: Limit) -> None:
        """Classify until the limit is reached, after a warm-up. Interrupted, the round counts for nothing."""
        answers = self._answers()
        for _ in range(WARM_UP_FRAMES):
            next(answers)
        began = last = time.perf_counter()
        began_cpu = time.process_time()
        round_ms: dict[str, list[float]] = {name: [] for name in self._stages_ms}
        for latency_ms in answers:
            now = time.perf_counter()
            for name in STAGES:
                round_ms[name].append(latency_ms[name])
            round_ms["total"].append((now - last) * 1e3)
            last = now
            if limit.is_over(now - began, len(round_ms["total"])):
                break
        spent_s = last - began
        cpu_s = time.process_time() - began_cpu
        self._shares.append(cpu_s / spent_s)
        self._cpu_ms.append(cpu_s * 1e3 / len(round_ms["total"]))
        self._rates.append(len(round_ms["total"]) / spent_s)
        self._totals_ms.append(repeated(round_ms["total"]))
        for name, values in round_ms.items():
            self._stages_ms[name] += values

    def try_one(self) -> tuple[float, float]:
        """Seconds that one frame takes, warm, and those of them in which the network runs."""
        answers = self._answers()
        next(answers)
        began = time.perf_counter()
        latency_ms = next(answers)
        return time.perf_counter() - began, latency_ms["invoke"] / 1e3

    def speed(self) -> Speed | None:
        """All rounds so far; None if there was none."""
        if not self._rates:
            return None
        return Speed(
            pictures=self.pictures,
            threads=self.threads,
            frames=len(self._stages_ms["total"]),
            rounds=len(self._rates),
            stages_ms={name: percentiles(values) for name, values in self._stages_ms.items()},
            noise_ms=repeated([one.median for one in self._totals_ms]),
            frames_per_s=repeated(self._rates),
            cpu_ms=repeated(self._cpu_ms),
            core_share=round(repeated(self._shares).median, 3),
        )

    def _answers(self) -> Iterator[dict[str, float]]:
        """Milliseconds a stage of each frame, for ever."""
        frames = frames_of(itertools.cycle(self.inputs), _stop)
        return (dict(prediction.latency_ms) for _, prediction in classify_frames(frames, self.classifier))


def _stop(error: SourceError) -> None:
    raise error
