"""What lies between the frames and the output: small generators, each there only if asked for.

    frames -> roi -> interval -> motion -> classify -> save-view -> keep -> smooth -> window -> (on-change) -> output

Up to `motion`, each input has its own. `keep` comes before `smooth`, which would hide the very frames of which the
model was not sure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial, reduce
from math import isfinite
from typing import TYPE_CHECKING

from edge.errors import BadOption
from edge.frame import Frame, Prediction

if TYPE_CHECKING:
    from pathlib import Path

    from edge.inference.classifier import FrameClassifier
    from edge.stream.review_folder import ReviewFolder
    from edge.stream.smoothing import Smoother

FrameFilter = Callable[[Iterable[Frame]], Iterator[Frame]]


def frame_filters(roi: str | None, interval_s: float | None, motion_threshold: float | None) -> FrameFilter:
    """What one input's frames go through before they are classified; None leaves a stage out. Raises BadOption."""
    for option, value in (("--interval", interval_s), ("--motion-threshold", motion_threshold)):
        if value is not None and not isfinite(value):
            raise BadOption(f"{option} {value} is no number", f"{option} 3")
    stages: list[FrameFilter] = []
    if roi is not None:
        from edge.isolation.roi import cropped, parse_roi

        stages.append(partial(cropped, roi=parse_roi(roi)))
    if interval_s is not None:
        from edge.stream.motion import spaced

        stages.append(partial(spaced, interval_s=interval_s))
    if motion_threshold is not None:
        from edge.stream.motion import moving

        stages.append(partial(moving, threshold=motion_threshold))
    if not stages:
        return iter
    return lambda frames: reduce(lambda passed, stage: stage(passed), stages, iter(frames))


def classify_frames(
    frames: Iterable[Frame],
    classifier: FrameClassifier,
    *,
    save_view: Path | None = None,
    store: ReviewFolder | None = None,
    keep_below: float = 0.0,
    smooth: Smoother | None = None,
    show: bool = False,
) -> Iterator[tuple[Frame, Prediction]]:
    """Classify frames; what becomes of their predictions before they are written. Gives each with its frame."""
    pairs: Iterable[tuple[Frame, Prediction]] = ((frame, classifier(frame)) for frame in frames)
    if save_view is not None:
        from edge.output.view_folder import saved

        pairs = saved(pairs, classifier, save_view)
    if store is not None:
        from edge.stream.review_folder import store_uncertain

        pairs = store_uncertain(pairs, store, keep_below)
    if smooth is not None:
        from edge.stream.smoothing import beside_frames

        pairs = beside_frames(pairs, smooth)
    if show:
        from edge.output.window import shown

        pairs = shown(pairs)
    return iter(pairs)
