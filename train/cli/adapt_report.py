"""What `fmnist-train adapt` prints: the figures before and after, and where the photos are that it gets wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.cli import console
from edge.documents import parse_object, read_limited
from edge.errors import TrainingFailed
from edge.spec import ImageSpec
from train.recipes.adapt import HELD_OUT_VIEWS

if TYPE_CHECKING:
    from train.evaluation.device_answers import DeviceAnswers

GREY = ImageSpec()
"""What adapt's networks see that are not in colour: it draws them in any size."""

AUROC = (("right told from wrong", "right_against_wrong"), ("known told from unknown", "known_against_unknown"))


def report(run: Path, int8: Path, photos: Path) -> tuple[float, float]:
    """Print the figures on the held-out photos: before, after, and after in int8 on the device.

    Returns the accuracies 0..1 before and in int8. Writes which photos are wrong to the run folder.
    """
    from train.evaluation.device_answers import answers_on_device

    metrics, told = read_told(run)
    console.say("")
    console.say(f"{told['trained_on']} photos taught it, {told['held_out']} were held out:")
    if not told["held_out"]:
        return 0.0, 0.0
    answers = answers_on_device(int8, run / HELD_OUT_VIEWS)
    device = answers.figures
    say_table(told["folders"], ("before", "after"), (told["before"]["accuracy"], told["after"]["accuracy"]))
    console.say(f"in int8, as the device answers: {device['accuracy']:.1%}, by groups {device['groups']:.1%}")
    for name, value in AUROC:
        if told["after"][value] == told["after"][value]:  # not NaN: there are both
            console.say(f"{name} (AUROC): {told['before'][value]:.3f} before, {device[value]:.3f} after")
    console.say(f"Fashion-MNIST: {metrics['test_accuracy']:.2%} of the test images")
    show_wrong(answers, photos, run)
    return told["before"]["accuracy"], device["accuracy"]


def read_told(run: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """A run's metrics, and what they say of photos. Raises TrainingFailed."""
    try:
        metrics = parse_object(read_limited(run / "metrics.json"), nan=True)
        return metrics, metrics["photos"]
    except (OSError, ValueError, KeyError) as error:
        raise TrainingFailed(f"{run}: its metrics.json has no figures of photos: {error}", "train anew") from error


def report_measured(measured: dict[str, Any], out: Path, answers: DeviceAnswers, photos: Path) -> None:
    """Print the figures of a model that was measured only, and write which photos are wrong to the folder `out`."""
    as_float, device = measured["float"], measured["int8"]
    console.say("")
    console.say(f"measured on {measured['measured']} of {measured['photos']} photos; nothing was trained:")
    say_table(measured["folders"], ("float", "int8"), (as_float["accuracy"], device["accuracy"]))
    console.say(f"{'by groups':<16}{'':>7}{as_float['groups']:>9.1%}{device['groups']:>9.1%}")
    for name, value in AUROC:
        if device[value] == device[value]:  # not NaN: there are both
            console.say(f"{name} (AUROC): {as_float[value]:.3f}, in int8 {device[value]:.3f}")
    show_wrong(answers, photos, out)


def report_curve(curve: dict[str, Any], plot: Path) -> None:
    """Print a learning curve: accuracy against photos a class, and what the last step brought."""
    console.say("")
    if not curve:
        console.say("no learning curve: no photo of a garment was held out to measure it with")
        return
    console.say(
        f"learning curve: {curve['epochs']} epochs a point, measured on {curve['held_out']} photos of garments:"
    )
    console.say(f"{'photos a class':<16}{'photos':>7}{'strict':>9}{'groups':>9}")
    for point in curve["points"]:
        console.say(f"{point['name']:<16}{point['photos']:>7}{point['accuracy']:>9.1%}{point['groups']:>9.1%}")
    console.say(curve["verdict"])
    console.say(f"drawn: {plot}")


def say_table(folders: dict[str, Any], columns: tuple[str, str], totals: tuple[float, float]) -> None:
    """Print two columns of accuracies 0..1, a line a folder, and those of all."""
    console.say(f"{'folder':<16}{'photos':>7}" + "".join(f"{name:>9}" for name in columns))
    for name, entry in folders.items():
        console.say(f"{name:<16}{entry['photos']:>7}" + "".join(f"{entry[column]:>9.1%}" for column in columns))
    console.say(f"{'all':<16}{'':>7}" + "".join(f"{total:>9.1%}" for total in totals))


def show_wrong(answers: DeviceAnswers, photos: Path, out: Path, image: ImageSpec = GREY) -> None:
    """Write wrong.csv and wrong.png, and say where. Nothing where the run was made before photos' names were kept."""
    from train.evaluation.wrong_photos import draw_wrong, write_list, wrong_photos

    if len(answers.paths) < len(answers.classes):
        return
    wrong = wrong_photos(answers)
    write_list(wrong, out / "wrong.csv")
    pages = draw_wrong(wrong, photos, len(answers.classes) + len(answers.left_out), out, image)
    if answers.left_out:
        console.say(f"{len(answers.left_out)} photos were left out: nothing stands out from their ground")
    if pages:
        more = f" and {len(pages) - 1} more pages" if len(pages) > 1 else ""
        console.say(f"which are wrong: {pages[0]}{more}, {out / 'wrong.csv'}")
