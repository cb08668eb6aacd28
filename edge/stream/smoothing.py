"""Smoothing over frames, in three ways: generators that give one prediction for each that they take.

"Nothing there" is an answer like any other. Once it has won, what was seen before is forgotten: the next garment
starts afresh. So it does with a new source.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import groupby, tee

from edge.errors import BadOption
from edge.frame import Decision, Frame, LabelScore, Prediction

Answer = tuple[Decision, str | None]
"""A decision, with the label if it is one."""

Threshold = Callable[[], float]
"""The score under which an answer is "unknown"; asked each time, because another model may come with another."""

Smoother = Callable[[Iterable[Prediction]], Iterator[Prediction]]

DISAGREEING = "the frames do not agree: hold it still, on an even ground"

GRAMMAR = "--smooth none, average:WEIGHT, vote:FRAMES/OF or hysteresis:FRAMES"


def answer_of(prediction: Prediction) -> Answer:
    """What a prediction says: the best label of one that is not sure is no answer."""
    best = prediction.best
    is_label = prediction.decision is Decision.GARMENT and best is not None
    return prediction.decision, best.label if is_label and best else None


def parse_smoothing(text: str, reject_below: Threshold) -> Smoother | None:
    """Read `none`, `average[:0.6]`, `vote[:3/5]` or `hysteresis[:3]`; None stands for none. Raises BadOption.

    An averaged score under `reject_below` makes the decision "unknown".
    """
    match = re.fullmatch(r"(none)|average(?::(0?\.\d+|1(?:\.0*)?))?|vote(?::(\d+)/(\d+))?|hysteresis(?::(\d+))?", text)
    if match is None:
        raise BadOption(f"--smooth {text} is not understood", f"{GRAMMAR}; such as average:0.6, vote:3/5, hysteresis:3")
    if match[1]:
        return None
    smoother: Smoother
    if text.startswith("average"):
        weight = float(match[2] or 0.6)
        if weight == 0:
            raise BadOption("--smooth average:0 would never see a new frame", GRAMMAR)
        smoother = partial(averaged, weight=weight, reject_below=reject_below)
    elif text.startswith("vote"):
        needed, of = int(match[3] or 3), int(match[4] or 5)
        if not of / 2 < needed <= of <= 1000:
            raise BadOption(
                f"--smooth {text}: expected more than half of the frames, and at most 1000", "such as vote:3/5"
            )
        smoother = partial(voted, needed=needed, of=of)
    else:
        frames = int(match[5] or 3)
        if not 1 <= frames <= 1000:
            raise BadOption(f"--smooth {text}: expected 1 to 1000 frames", "such as hysteresis:3")
        smoother = partial(held, frames=frames)
    return partial(_each_source, smooth=smoother)


def averaged(predictions: Iterable[Prediction], weight: float, reject_below: Threshold) -> Iterator[Prediction]:
    """Exponential average of the probabilities: `weight`, 0..1, goes to the new frame, the rest to the average so far.

    "Nothing" has a probability of its own, 1 in a frame without garment and else 0. While it is a half or more, the
    answer is "no garment", and all labels are forgotten: a weight of 0.6 takes one such frame, 0.3 takes two.
    """
    average: dict[str, float] = {}
    nothing = 0.0
    hints: dict[Decision, str | None] = {Decision.UNKNOWN: DISAGREEING}
    for number, prediction in enumerate(predictions):
        empty = prediction.decision is Decision.NO_GARMENT
        scores = {} if empty else {one.label: one.score for one in prediction.ranked}
        share = weight if number else 1.0
        nothing = share * empty + (1 - share) * nothing
        hints[prediction.decision] = prediction.hint
        if nothing >= 0.5:
            average = {label: share * score for label, score in scores.items()}
            yield _saying(prediction, Decision.NO_GARMENT, (), hints[Decision.NO_GARMENT])
            continue
        average = {
            label: share * scores.get(label, 0.0) + (1 - share) * average.get(label, 0.0) for label in average | scores
        }
        ranked = _ranked(average, sum(average.values()))
        decision = Decision.GARMENT if ranked and ranked[0].score >= reject_below() else Decision.UNKNOWN
        yield _saying(prediction, decision, ranked, hints[Decision.UNKNOWN])


def voted(predictions: Iterable[Prediction], needed: int, of: int) -> Iterator[Prediction]:
    """The answer of at least `needed` of the last `of` frames; "unknown" if no answer has so many votes.

    While there are fewer frames, the same share of them is needed: the first is believed. The scores are the mean of
    the frames that gave the answer. `needed` is more than half of `of`.
    """
    window: deque[Prediction] = deque(maxlen=of)
    was_empty = False
    for prediction in predictions:
        window.append(prediction)
        answer, votes = Counter(map(answer_of, window)).most_common(1)[0]
        if votes * of < needed * len(window):
            was_empty = False
            garments = [one for one in window if one.decision is not Decision.NO_GARMENT]
            yield _saying(prediction, Decision.UNKNOWN, _mean(garments), DISAGREEING)
            continue
        voters = [one for one in window if answer_of(one) == answer]
        is_empty = answer[0] is Decision.NO_GARMENT
        if is_empty and not was_empty:
            window = deque(voters, maxlen=of)
        was_empty = is_empty
        yield _saying(prediction, answer[0], _mean(voters), voters[-1].hint)


def held(predictions: Iterable[Prediction], frames: int) -> Iterator[Prediction]:
    """The shown answer stays until another one was given `frames` times in a row; the first is shown at once.

    Meanwhile the scores that last went with the shown answer are repeated. It becomes "unknown" when twice as many
    frames in a row spoke against it, without agreeing on another.
    """
    shown: Prediction | None = None
    rival: Answer | None = None
    for_rival = against = 0
    for prediction in predictions:
        answer = answer_of(prediction)
        for_rival = for_rival + 1 if answer == rival else 1
        rival = answer
        if shown is None or answer == answer_of(shown) or for_rival >= frames:
            shown, against = prediction, 0
        else:
            against += 1
        if against >= 2 * frames:
            shown, against = _saying(prediction, Decision.UNKNOWN, prediction.ranked, DISAGREEING), 0
        yield _saying(prediction, shown.decision, shown.ranked, shown.hint)


class Changes:
    """Tells which predictions of a source say something else than the one before; the first always does."""

    def __init__(self) -> None:
        self._said: dict[str, Answer] = {}

    def is_new(self, prediction: Prediction) -> bool:
        """Whether it says something new of its source."""
        answer = answer_of(prediction)
        if self._said.get(prediction.source) == answer:
            return False
        self._said[prediction.source] = answer
        return True


def beside_frames(pairs: Iterable[tuple[Frame, Prediction]], smooth: Smoother) -> Iterator[tuple[Frame, Prediction]]:
    """Smooth the predictions of pairs; each stays with its frame."""
    ahead, behind = tee(pairs)
    return zip((frame for frame, _ in ahead), smooth(prediction for _, prediction in behind), strict=True)


def _each_source(predictions: Iterable[Prediction], smooth: Smoother) -> Iterator[Prediction]:
    for _, story in groupby(predictions, key=lambda prediction: prediction.source):
        yield from smooth(story)


def _saying(prediction: Prediction, decision: Decision, ranked: tuple[LabelScore, ...], hint: str | None) -> Prediction:
    """The prediction of the same frame with another answer; none has labels for "no garment"."""
    return replace(
        prediction,
        decision=decision,
        ranked=() if decision is Decision.NO_GARMENT else ranked,
        hint=None if decision is Decision.GARMENT else hint,
    )


def _mean(predictions: list[Prediction]) -> tuple[LabelScore, ...]:
    total: dict[str, float] = {}
    for one in (score for prediction in predictions for score in prediction.ranked):
        total[one.label] = total.get(one.label, 0.0) + one.score
    return _ranked(total, len(predictions))


def _ranked(scores: dict[str, float], divisor: float) -> tuple[LabelScore, ...]:
    """Labels with their score over `divisor`, most probable first; of equals the one that was there first."""
    order = sorted(scores, key=lambda label: -scores[label])
    return tuple(LabelScore(label, scores[label] / divisor) for label in order)
