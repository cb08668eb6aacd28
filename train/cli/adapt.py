"""The command `fmnist-train adapt`: fine-tune on one's own photos, convert, and replace the model if that helped.

With --epochs 0, a model is measured as it is.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from edge.cli import console
from edge.errors import BadOption, ConversionError, TrainingFailed
from edge.inference.model_file import bundled_models
from train.cli.adapt_colour import check_given, given, report_in_colour, train_in_colour
from train.cli.adapt_report import report, report_curve, report_measured
from train.cli.shared import (
    AverageOption,
    DataOption,
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
from train.recipes.adapt_colour import known_of

PARENTS = Path(__file__).parents[1] / "models"
"""Float networks that ship with the package: what bundled int8 models were made of."""

RUN, MEASUREMENT = Path("runs/adapt"), Path("runs/measured")
"""Where a run is written to, and what --epochs 0 finds."""


def adapt(
    context: typer.Context,
    photos: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Your photos: DIR/CLASS/*.jpg, and DIR/_unknown for none of the classes."),
    ],
    model: Annotated[
        str,
        typer.Option(
            "--model", "-m", help="What to start from: camera, or a run folder or .keras of edge or transfer."
        ),
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
    curve: Annotated[
        bool,
        typer.Option(
            "--learning-curve",
            help="Train on 2, 5, 10, 20, 50 photos a class, too, to see whether more pay: as long again.",
        ),
    ] = False,
    epochs: Annotated[
        int, typer.Option(min=0, help=f"Of {recipe.STEPS_PER_EPOCH} steps each; 0 only measures the model.")
    ] = recipe.DEFAULTS.epochs,
    learning_rate: Annotated[float, typer.Option(help="Largest step size of Muon.")] = recipe.DEFAULTS.learning_rate,
    held_out: Annotated[
        float | None,
        typer.Option(
            help="Share of each folder that the result is measured with.",
            show_default=f"{recipe.DEFAULTS.held_out}; all with --epochs 0",
        ),
    ] = None,
    keep: Annotated[float, typer.Option(help="Share of the old weights in the result.")] = recipe.DEFAULTS.keep,
    worn: Annotated[float, typer.Option(help="Share of photos that are shown on a person.")] = recipe.DEFAULTS.worn,
    pixels: Annotated[
        int | None,
        typer.Option(
            metavar="28|56",
            help="How many pixels a side the result sees of a garment.",
            show_default="as many as the model to start from",
        ),
    ] = recipe.DEFAULTS.pixels,
    average: AverageOption = recipe.DEFAULTS.average,
    weight_decay: WeightDecayOption = recipe.DEFAULTS.weight_decay,
    validation_images: ValidationOption = recipe.DEFAULTS.validation_images,
    precision: PrecisionOption = recipe.DEFAULTS.precision,
    seed: SeedOption = recipe.DEFAULTS.seed,
    data: DataOption = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder to write the run to.", show_default=f"{RUN}, or {MEASUREMENT} with --epochs 0"),
    ] = None,
    resume: ResumeOption = False,
    tensorboard: TensorBoardOption = None,
) -> None:
    """Fine-tune a camera model on your own photos: ten a class are enough to matter. Then convert it to int8.

    A model in colour, such as a run of transfer, learns on from photos of its own labels.
    """
    console.require_extra("convert", ("tensorflow", "flatbuffers"))
    start = find_parent(model)
    known = known_of(start)
    if known is not None:
        options = given(context)
        check_given(options)
        out = out or RUN
        train_in_colour(options, start, known, photos, out)
        int8 = out / "model_int8.tflite"
        convert(out / "model.keras", int8, photos, max_drop, name=output.stem if output else "adapted")
        before, after = report_in_colour(out, int8, known, photos)
        if output is not None:
            put(int8, output, before, after, force)
        return
    if epochs == 0:
        if output is not None or curve:
            raise BadOption("--epochs 0 trains nothing: neither --output nor --learning-curve", "leave them away")
        measure_only(photos, start, meaning, held_out, data, max_drop, out or MEASUREMENT)
        return
    if curve and held_out == 0:
        raise BadOption("--learning-curve is measured on held-out photos", "leave --held-out 0 away")
    out = out or RUN
    settings = AdaptSettings(
        "adapt",
        epochs,
        recipe.DEFAULTS.batch_size,
        learning_rate,
        seed,
        validation_images,
        photos=photos.name,
        model=model if start.parent == PARENTS else Path(model).name,
        held_out=recipe.DEFAULTS.held_out if held_out is None else held_out,
        keep=keep,
        worn=worn,
        pixels=pixels,
        average=average,
        weight_decay=weight_decay,
        precision=precision,
    )
    train = partial(recipe.train, photos=photos, start=start, meaning=meaning)
    command = settings.command + " --learning-curve" * curve
    run_recipe(train, settings, data, out, resume, command, tensorboard=tensorboard)
    int8 = out / "model_int8.tflite"
    convert(out / "model.keras", int8, data, max_drop, name=output.stem if output else "adapted")
    before, after = report(out, int8, photos)
    if curve:
        train_curve(settings, photos, start, meaning, data, out)
    if output is not None:
        put(int8, output, before, after, force)


def train_curve(
    settings: AdaptSettings, photos: Path, start: Path, meaning: Path | None, data: Path | None, out: Path
) -> None:
    """Train the learning curve of a finished run, as far as it is not there yet, and report."""
    from train.fitting.progress import ProgressDisplay
    from train.recipes.learning_curve import PLOT, learning_curve

    with ProgressDisplay() as screen:
        try:
            told = learning_curve(
                settings, photos=photos, start=start, meaning=meaning, data_dir=data, out=out, callback=screen
            )
        except KeyboardInterrupt:
            screen.note("interrupted; finished points are kept: the same command with --resume goes on")
            raise
    report_curve(told, out / PLOT)


def measure_only(
    photos: Path,
    start: Path,
    meaning: Path | None,
    held_out: float | None,
    data: Path | None,
    max_drop: float,
    out: Path,
) -> None:
    """Measure a model as it is, in float and in int8, and report. A model that has no int8 form gets one for now."""
    console.require_extra("train", ("keras", os.environ.get("KERAS_BACKEND", "tensorflow"), "matplotlib", "rich"))
    from train.fitting.progress import ProgressDisplay
    from train.recipes.measure import measure

    with tempfile.TemporaryDirectory() as scratch:
        int8 = int8_of(start)

        def converted() -> Path:
            return int8 or convert(start, Path(scratch) / "model_int8.tflite", data, max_drop, name=start.stem)

        with ProgressDisplay() as screen:
            measured, answers = measure(
                photos=photos, start=start, int8=converted, meaning=meaning, held_out=held_out, out=out, callback=screen
            )
        report_measured(measured, out, answers, photos)


def int8_of(start: Path) -> Path | None:
    """The int8 form of a .keras file: the bundled model of the same name, or the newer file beside it; or None."""
    if start.parent == PARENTS:
        return bundled_models()[start.stem]
    beside = start.with_name("model_int8.tflite")
    made = start.name == "model.keras" and beside.is_file() and beside.stat().st_mtime >= start.stat().st_mtime
    return beside if made else None


def find_parent(model: str) -> Path:
    """The .keras file that a name, run folder or path stands for. Raises TrainingFailed."""
    for path in (PARENTS / f"{model}.keras", Path(model) / "model.keras", Path(model)):
        if path.is_file() and path.suffix == ".keras":
            return path
    names = ", ".join(sorted(path.stem for path in PARENTS.glob("*.keras")))
    raise TrainingFailed(
        f"no float model is called {model}", f"one of {names}, or a run folder of fmnist-train edge or transfer"
    )


def convert(model: Path, int8: Path, data: Path | None, max_drop: float, name: str) -> Path:
    """Quantise a .keras file with `convert quantize`, which checks the accuracy. Raises ConversionError.

    A process of its own: train and convert meet in files only.
    """
    words = [sys.executable, "-m", "convert.cli", "quantize", str(model), "-o", str(int8), "--name", name]
    words += ["--max-drop", f"{max_drop:g}", "--search", "best", *(["--data", str(data)] if data else [])]
    done = subprocess.run(words, check=False)  # noqa: S603 - our own command, no shell
    if done.returncode != 0:
        error = ConversionError("the network could not be converted; see above", f"the float model is {model}")
        error.exit_code = done.returncode
        raise error
    return int8


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
