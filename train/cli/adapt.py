"""The command `fmnist-train adapt`: fine-tune on one's own photos, convert, and replace the model if that helped."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from edge.cli import console
from edge.documents import parse_object, read_limited
from edge.errors import ConversionError, TrainingFailed
from train.cli.shared import (
    AverageOption,
    DataOption,
    OutOption,
    PrecisionOption,
    ResumeOption,
    SeedOption,
    TensorBoardOption,
    ValidationOption,
    WeightDecayOption,
    run_recipe,
)
from train.data.adapt_settings import AdaptSettings
from train.fitting.run_folder import replacing
from train.recipes import adapt as recipe

PARENTS = Path(__file__).parents[1] / "models"
"""Float networks that ship with the package: what bundled int8 models were made of."""


def adapt(
    photos: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Your photos: DIR/CLASS/*.jpg, and DIR/_unknown for none of the classes."),
    ],
    model: Annotated[
        str,
        typer.Option("--model", "-m", help="What to start from: camera, or a run folder or .keras of the edge recipe."),
    ] = recipe.DEFAULTS.model,
    meaning: Annotated[
        Path | None,
        typer.Option(
            "--map", metavar="FILE", help='JSON: folder -> label, e.g. {"pants": "Trouser", "hats": "_unknown"}.'
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Put the int8 model there, in the place of an older one, if it is better."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Put it there even if it is worse on your photos.")] = False,
    max_drop: Annotated[
        float, typer.Option(min=0, help="Points of accuracy that int8 may lose on Fashion-MNIST.")
    ] = 0.5,
    epochs: Annotated[
        int, typer.Option(min=1, help=f"Of {recipe.STEPS_PER_EPOCH} steps each.")
    ] = recipe.DEFAULTS.epochs,
    learning_rate: Annotated[float, typer.Option(help="Largest step size of Muon.")] = recipe.DEFAULTS.learning_rate,
    held_out: Annotated[
        float, typer.Option(help="Share of each folder that the result is measured with.")
    ] = recipe.DEFAULTS.held_out,
    keep: Annotated[float, typer.Option(help="Share of the old weights in the result.")] = recipe.DEFAULTS.keep,
    worn: Annotated[float, typer.Option(help="Share of photos that are shown on a person.")] = recipe.DEFAULTS.worn,
    average: AverageOption = recipe.DEFAULTS.average,
    weight_decay: WeightDecayOption = recipe.DEFAULTS.weight_decay,
    validation_images: ValidationOption = recipe.DEFAULTS.validation_images,
    precision: PrecisionOption = recipe.DEFAULTS.precision,
    seed: SeedOption = recipe.DEFAULTS.seed,
    data: DataOption = None,
    out: OutOption = Path("runs/adapt"),
    resume: ResumeOption = False,
    tensorboard: TensorBoardOption = None,
) -> None:
    """Fine-tune a camera model on your own photos: ten a class are enough to matter. Then convert it to int8."""
    console.require_extra("convert", ("tensorflow", "flatbuffers"))
    start = find_parent(model)
    settings = AdaptSettings(
        "adapt",
        epochs,
        recipe.DEFAULTS.batch_size,
        learning_rate,
        seed,
        validation_images,
        photos=photos.name,
        model=model if start.parent == PARENTS else Path(model).name,
        held_out=held_out,
        keep=keep,
        worn=worn,
        average=average,
        weight_decay=weight_decay,
        precision=precision,
    )
    train = partial(recipe.train, photos=photos, start=start, meaning=meaning)
    run_recipe(train, settings, data, out, resume, tensorboard=tensorboard)
    int8 = convert(out, data, max_drop, name=output.stem if output else "adapted")
    before, after = report(out, int8)
    if output is not None:
        put(int8, output, before, after, force)


def find_parent(model: str) -> Path:
    """The .keras file that a name, run folder or path stands for. Raises TrainingFailed."""
    for path in (PARENTS / f"{model}.keras", Path(model) / "model.keras", Path(model)):
        if path.is_file() and path.suffix == ".keras":
            return path
    names = ", ".join(sorted(path.stem for path in PARENTS.glob("*.keras")))
    raise TrainingFailed(f"no float model is called {model}", f"one of {names}, or a run folder of fmnist-train edge")


def convert(run: Path, data: Path | None, max_drop: float, name: str) -> Path:
    """Quantise a run's model with `convert quantize`, which checks the accuracy. Raises ConversionError.

    A process of its own: train and convert meet in files only.
    """
    int8 = run / "model_int8.tflite"
    words = [sys.executable, "-m", "convert.cli", "quantize", str(run / "model.keras"), "-o", str(int8), "--name", name]
    words += ["--max-drop", f"{max_drop:g}", "--search", "best", *(["--data", str(data)] if data else [])]
    done = subprocess.run(words, check=False)  # noqa: S603 - our own command, no shell
    if done.returncode != 0:
        error = ConversionError("the adapted network could not be converted; see above", f"the float model is in {run}")
        error.exit_code = done.returncode
        raise error
    return int8


def report(run: Path, int8: Path) -> tuple[float, float]:
    """Print the figures on the held-out photos: before, after, and after in int8 on the device.

    Returns the accuracies 0..1 before and in int8.
    """
    from train.evaluation.photo_metrics import on_device

    try:
        metrics = parse_object(read_limited(run / "metrics.json"), nan=True)
        told: dict[str, Any] = metrics["photos"]
    except (OSError, ValueError, KeyError) as error:
        raise TrainingFailed(f"{run}: its metrics.json has no figures of photos: {error}", "train anew") from error
    console.say("")
    console.say(f"{told['trained_on']} photos taught it, {told['held_out']} were held out:")
    if not told["held_out"]:
        return 0.0, 0.0
    device = on_device(int8, run / recipe.HELD_OUT_VIEWS)
    console.say(f"{'folder':<16}{'photos':>7}{'before':>9}{'after':>9}")
    for name, entry in told["folders"].items():
        console.say(f"{name:<16}{entry['photos']:>7}{entry['before']:>9.1%}{entry['after']:>9.1%}")
    console.say(f"{'all':<16}{'':>7}{told['before']['accuracy']:>9.1%}{told['after']['accuracy']:>9.1%}")
    console.say(f"in int8, as the device answers: {device['accuracy']:.1%}")
    for name, value in (
        ("right told from wrong", "right_against_wrong"),
        ("known told from unknown", "known_against_unknown"),
    ):
        if told["after"][value] == told["after"][value]:  # not NaN: there are both
            console.say(f"{name} (AUROC): {told['before'][value]:.3f} before, {device[value]:.3f} after")
    console.say(f"Fashion-MNIST: {metrics['test_accuracy']:.2%} of the test images")
    return told["before"]["accuracy"], device["accuracy"]


def put(int8: Path, output: Path, before: float, after: float, force: bool) -> None:
    """Put the model in its place, whole or not at all, unless it is worse. Raises TrainingFailed or OutputFailed."""
    if after < before and not force:
        raise TrainingFailed(
            f"{output} was not written: {after:.1%} of the held-out photos are right, {before:.1%} were before",
            f"more photos, more --epochs, or --force; the new model is {int8}",
        )
    with replacing(output) as unfinished:
        unfinished.write_bytes(int8.read_bytes())
    console.say(f"{output}: fmnist-edge classify --model {output} --camera 0")
