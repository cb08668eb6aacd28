"""The command `convert` (also `fmnist-convert`): parse, convert, print. TensorFlow loads when the work starts."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from convert.cli.check import PythonOption, check
from convert.cli.compare import compare, evaluate
from convert.cli.edgetpu import edgetpu
from convert.cli.inspect import inspect
from convert.cli.picture_arguments import ColourOption, FramingOption, GroundOption, ResamplingOption
from convert.cli.publish import app as publish
from convert.cli.sign import keygen, sign
from convert.picture_options import PictureOptions
from convert.settings import PixelRange, Rule, Scheme, Search, Settings
from edge.cli import console

app = typer.Typer(
    help="Turn float models into int8 .tflite files, and compare their accuracy with the float models'.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


AS_PROCESS = object()
"""Means that the command has a process to itself, and may continue in a child process."""


@app.command()
def quantize(
    context: typer.Context,
    model: Annotated[Path, typer.Argument(help="Float model: .keras or older .h5, a SavedModel folder, .tflite.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write; default: MODEL_int8.tflite beside it.")
    ] = None,
    scheme: Annotated[
        Scheme,
        typer.Option(
            help="int8: all integer; int16x8: slow, closer to float; float16: half the size; "
            "dynamic: int8 weights, all else float; float32."
        ),
    ] = Scheme.INT8,
    target: Annotated[
        str | None,
        typer.Option(
            help="What it must run on, comma-separated: litert, tflite-runtime, edgetpu; else exit 12 and no model. "
            "mediapipe writes MODEL_mediapipe.tflite, too. Default: the first two, of dynamic the first.",
            show_default=False,
        ),
    ] = None,
    python: PythonOption = None,
    max_drop: Annotated[
        float, typer.Option(help="Accuracy that int8 may lose, in percentage points; beyond, exit 11 and no model.")
    ] = 0.5,
    calibration_images: Annotated[
        int | None,
        typer.Option(help="Pictures that calibrate the ranges, from those held out of training; default: 200 at most."),
    ] = None,
    calibration: Annotated[
        Rule | None, typer.Option(help="How ranges come from the pictures; without it, rules are tried in this order.")
    ] = None,
    search: Annotated[
        Search, typer.Option(help="first: take the first calibration within --max-drop; best: try all, take the best.")
    ] = Search.FIRST,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            "--data-dir",
            metavar="DIR",
            help="What the model was trained on: your own train/CLASS/*.png and test/CLASS/*.png, CLASS/*.png alone (a "
            "fifth of it tests), or Fashion-MNIST, which is found or downloaded.",
        ),
    ] = None,
    representative: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder of pictures as the device will see them; they calibrate instead of held-out ones.",
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the model; default: that of its file or folder.")] = None,
    report: Annotated[
        Path | None, typer.Option(help="Where to write the JSON report, with an HTML one; default: beside the model.")
    ] = None,
    pixels: Annotated[
        PixelRange,
        typer.Option(help="Value of white (and black) in the model's input; auto: as recorded, or measured."),
    ] = PixelRange.AUTO,
    framing: FramingOption = None,
    colour: ColourOption = None,
    resampling: ResamplingOption = None,
    ground: GroundOption = None,
    seed: Annotated[int, typer.Option(help="Seed of the choice of calibration pictures.")] = 0,
) -> None:
    """Quantise a float model to full int8, and measure the loss of accuracy on all test pictures.

    Prints the accuracy of both, and writes the model only if the loss is within --max-drop.
    """
    settings = Settings(
        model,
        output,
        max_drop,
        calibration_images,
        data,
        name,
        report,
        pixels=pixels,
        seed=seed,
        calibration=calibration,
        search=search,
        scheme=scheme,
        targets=target,
        representative=representative,
        pythons=tuple(python or ()),
        picture=PictureOptions(framing, colour, resampling, ground),
    )
    console.require_extra("convert", ("keras", "tensorflow", "flatbuffers", "matplotlib", "rich"))
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # the export needs it, whatever ~/.keras says

    if context.obj is AS_PROCESS:
        from convert.crash_guard import guard

        guard(settings)
    from convert.conversion import convert, enforce_budget
    from convert.quiet import screen_stream
    from convert.report.outcome import show

    outcome = convert(settings, screen_stream())
    show(outcome, sys.stdout)
    enforce_budget(outcome)


app.command()(evaluate)
app.command()(compare)
app.command()(inspect)
app.command()(check)
app.command()(edgetpu)
app.command()(keygen)
app.command()(sign)
app.add_typer(publish, name="publish")


def main() -> None:
    """Run the command as a process."""
    console.run(partial(app, obj=AS_PROCESS))
