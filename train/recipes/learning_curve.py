"""Whether more photos pay: short trainings of `fmnist-train adapt` on parts of the photos, measured on the same ones.

Command    fmnist-train adapt --photos DIR --learning-curve
Time       a fifth of the run's epochs for each of at most six points: about as long again as the run itself
Expect     docs/train.md. A point is one training, and shorter than the run: its accuracy is below the run's

Finished points are kept in OUT/learning_curve, and an unfinished one's checkpoint, so that an interrupt costs an epoch.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.documents import parse_object, read_limited
from edge.errors import TrainingFailed
from train.data.adapt_settings import AdaptSettings
from train.fitting.run_folder import RunFolder, open_run
from train.networks import image_at, image_of
from train.quiet import load_keras
from train.recipes.adapt import fine_tuned, require_fashion_mnist

if TYPE_CHECKING:
    from train.data.photos import Photos
    from train.fitting.callbacks import Callback

FOLDER, PLOT, MEMBER = "learning_curve", "learning_curve.png", "learning_curve"
"""In the run folder: the points, the plot, and the key of metrics.json."""

SHARE_OF_EPOCHS = 5
"""A point takes the run's epochs divided by this."""


def learning_curve(
    settings: AdaptSettings,
    *,
    photos: Path,
    start: Path,
    meaning: Path | None,
    data_dir: Path | None,
    out: Path,
    callback: Callback,
) -> dict[str, Any]:
    """Train the points that are not there yet, add the curve to the metrics.json of the finished run `out`, draw it.

    Returns what stands there under "learning_curve"; {} where no photo of a garment is held out. Raises TrainingFailed
    where a point was made with other photos or settings, and the errors of read_photos, read_trained and fit.
    """
    with open_run(out, settings, resume=True) as run:
        metrics = run.read_metrics()
        load_keras()
        from train.data.epochs import read_trained
        from train.data.nested_subsets import nested_subset, sizes_of
        from train.data.photos import read_photos, seen_again
        from train.data.splits import load_parts
        from train.evaluation.learning_curve import CurvePoint, draw_learning_curve, names_of, verdict

        parts = load_parts(settings, data_dir, callback)
        require_fashion_mnist(parts)
        labels = parts.training.label_names
        teacher = read_trained(start, len(labels))
        image = image_at(teacher.model, settings.pixels)
        read = read_photos(photos, labels, meaning, callback.reading, image=image, grey=True)
        learnt, kept = read.split(settings.held_out)
        if not kept.known.any():
            return {}
        was = _measured(teacher.model, seen_again(kept, photos, image_of(teacher.model)))
        points = [CurvePoint(0, 0, was.accuracy, was.groups)]
        sizes = sizes_of(learnt)
        short = replace(settings, epochs=-(-settings.epochs // SHARE_OF_EPOCHS))
        for number, size in enumerate(sizes, 1):
            subset = nested_subset(learnt, size, settings.seed)
            callback.note(f"learning curve, point {number} of {len(sizes)}: {len(subset)} photos")
            with open_run(out / FOLDER / f"{size:03}", short, resume=True) as folder:
                made_of = [subset.sha256, kept.sha256, teacher.sha256]
                now = _finished(folder, made_of)
                if now is None:
                    now = _measured(fine_tuned(start, subset, parts, folder, callback)[1], kept)
                    folder.write_metrics({"settings": short.options, "made_of": made_of, **asdict(now)})
                    folder.checkpoint.unlink(missing_ok=True)
            gained, lost = (sum(map(int.__lt__, *pair)) for pair in ((was.right, now.right), (now.right, was.right)))
            points.append(CurvePoint(size, int(subset.known.sum()), now.accuracy, now.groups, gained, lost))
            was = now
        count, names = len(was.right), names_of(points, int(learnt.known.sum()))
        curve = {
            "epochs": short.epochs,
            "held_out": count,
            "points": [{"name": name, **asdict(point)} for name, point in zip(names, points, strict=True)],
            "verdict": verdict(points, names, count),
        }
        draw_learning_curve(points, names, count, out / PLOT)
        run.write_metrics(metrics | {MEMBER: curve})
        return curve


@dataclass(frozen=True, slots=True)
class _Measured:
    """Accuracy 0..1, strict and by groups, and for each known held-out photo 1 where it is right, else 0."""

    accuracy: float
    groups: float
    right: list[int]


def _measured(model: Any, kept: Photos) -> _Measured:
    from train.evaluation.photo_metrics import answered, group_accuracy
    from train.evaluation.score_calibration import best_of

    answers = answered(model, kept)
    right = best_of(answers.probabilities.mean(axis=1), kept.classes)[1][kept.known].astype(int).tolist()
    return _Measured(round(sum(right) / len(right), 4), group_accuracy(answers), right)


def _finished(folder: RunFolder, made_of: list[str]) -> _Measured | None:
    """What was measured at a point; None where it has not been trained to the end. Raises TrainingFailed."""
    if not folder.metrics.exists():
        return None
    try:
        found = parse_object(read_limited(folder.metrics))
        same = found["made_of"] == made_of and found["settings"] == json.loads(json.dumps(folder.settings.options))
        measured = _Measured(found["accuracy"], found["groups"], found["right"])
    except (OSError, KeyError, ValueError) as error:
        raise TrainingFailed(f"{folder.metrics} is damaged ({error})", "delete it to train this point anew") from error
    if not same:
        raise TrainingFailed(
            f"{folder.path} was made with other photos or settings",
            f"delete {folder.path.parent} to train its points anew",
        )
    return measured
