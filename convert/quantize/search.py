"""Which calibration loses least: rules and numbers of pictures, tried in turn on pictures held out of training."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from convert.quantize.converter import Calibrated
from convert.settings import Rule, Search, Settings
from edge.errors import ConversionRefused
from edge.inference.accuracy import Evaluation, PairedAccuracy, compare

FEWER_PICTURES = (50, 10)
"""Tried after all pictures: a range from many pictures follows the most unusual one."""


FINALISTS = 6
"""Number of candidates that are compared on all pictures after a first comparison on few."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way to calibrate: by a rule, from the first so many pictures; no rule where nothing is calibrated."""

    rule: Rule | None
    pictures: int

    @property
    def name(self) -> str:
        """The rule's name."""
        return self.rule or "none"


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """A candidate's int8 model, and how it does beside the float model on the scored pictures."""

    candidate: Candidate
    flatbuffer: bytes
    paired: PairedAccuracy


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """All trials in order, and the chosen one; `scored` pictures of the training split decided.

    A trial that a first look ruled out was compared on fewer.
    """

    trials: Sequence[Trial]
    chosen: Trial
    scored: int


def candidates(settings: Settings, rules: Sequence[Rule], pictures: int) -> list[Candidate]:
    """What to try, the most usual first; one without a rule where there are no rules.

    Raises ConversionRefused for a rule that cannot be had.
    """
    if not rules:
        return [Candidate(None, 0)]
    if settings.calibration is not None:
        if settings.calibration not in rules:
            raise ConversionRefused(
                f"--calibration {settings.calibration} needs a part of TensorFlow that this version has not",
                f"use one of {', '.join(rules)}, or TensorFlow 2.21",
            )
        rules = (settings.calibration,)
    fixed = settings.calibration_images is not None or settings.calibration is not None
    numbers = [pictures, *(() if fixed else (fewer for fewer in FEWER_PICTURES if fewer < pictures))]
    return [Candidate(rule, number) for number in numbers for rule in rules]


def search(
    settings: Settings,
    calibrated: Calibrated,
    pictures: int,
    float_run: Evaluation,
    score: Callable[[bytes, int], Evaluation],
    on_trial: Callable[[int], None],
    first_look: int | None = None,
) -> Found:
    """Quantise by one candidate after the other and compare each with the float model's answers.

    `score` gives an int8 model's answers to the first so many pictures of `float_run`. --search first takes the first
    candidate whose loss there is within --max-drop, and the best if there is none; --search best tries all. With
    `first_look` a candidate is compared on so many pictures first, and only those that do well there on all. Raises
    ConversionRefused.
    """
    everything = float_run.truth.size
    glance = min(first_look or everything, everything)
    seen: dict[tuple[bytes, int], PairedAccuracy] = {}

    def look(candidate: Candidate, flatbuffer: bytes, count: int) -> Trial:
        if (flatbuffer, count) not in seen:
            seen[flatbuffer, count] = compare(float_run.first(count), score(flatbuffer, count))
        return Trial(candidate, flatbuffer, seen[flatbuffer, count])

    trials: list[Trial] = []
    for candidate in candidates(settings, calibrated.rules, pictures):
        trial = look(candidate, calibrated.quantise(candidate.rule, candidate.pictures), glance)
        if settings.search is Search.FIRST and trial.paired.drop <= settings.max_drop:
            trial = look(candidate, trial.flatbuffer, everything)
        trials.append(trial)
        on_trial(len(trials))
        if settings.search is Search.FIRST and trial.paired.drop <= settings.max_drop:
            return Found(trials, trial, everything)
    if glance < everything:
        chosen = set(map(id, shortlist(trials)))
        trials = [look(one.candidate, one.flatbuffer, everything) if id(one) in chosen else one for one in trials]
    return Found(trials, best([trial for trial in trials if trial.paired.images == everything]), everything)


def shortlist(trials: Sequence[Trial]) -> list[Trial]:
    """The trials that may be the best for all that a first look can tell: most faithful first, equal files once."""
    different = {trial.flatbuffer: trial for trial in reversed(trials)}.values()
    close = _close(list(different)[::-1], standard_errors=2)
    return sorted(close, key=lambda trial: -trial.paired.agreement)[:FINALISTS]


def best(trials: Sequence[Trial]) -> Trial:
    """Of those that lose no more than the least, but for chance, the one that most often answers as the float model.

    Chance is one standard error of a trial's loss: the pictures that only one of the two models has right decide
    it, and they are few. Of equals, the earlier.
    """
    return max(_close(trials), key=lambda trial: trial.paired.agreement)


def _close(trials: Sequence[Trial], standard_errors: float = 1) -> list[Trial]:
    least = min(trial.paired.drop for trial in trials)
    return [trial for trial in trials if trial.paired.drop - least <= standard_errors * _standard_error(trial.paired)]


def _standard_error(paired: PairedAccuracy) -> float:
    """Of the loss, in points."""
    return 100 * math.sqrt(paired.only_float + paired.only_int8) / paired.images
