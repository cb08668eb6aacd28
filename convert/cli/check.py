"""The command `convert check`: parse, check, print. NumPy and the schema load when the work starts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from convert.cli.picture_arguments import ColourOption, FramingOption, GroundOption, ResamplingOption
from convert.picture_options import PictureOptions
from edge.cli import console
from edge.errors import BadOption, TargetUnmet

if TYPE_CHECKING:
    from convert.targets.check import Check
    from convert.targets.runtimes import TargetRun

PythonOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TARGET=PATH",
        help="TARGET=PATH: Python of an environment with a target's runtime, if this one lacks it; repeatable.",
    ),
]


class Listing(StrEnum):
    """How the results are printed."""

    TABLE = "table"
    JSON = "json"


def check(
    model: Annotated[str, typer.Argument(help="A .tflite file of any origin, or a bundled model's name.")],
    target: Annotated[
        str, typer.Option(help="What it is meant for: one or more of these, or mediapipe, comma-separated.")
    ] = "litert,tflite-runtime,edgetpu",
    run: Annotated[
        bool, typer.Option("--run", help="Run it, too, where a target's runtime is installed, and compare with LiteRT.")
    ] = False,
    images: Annotated[int, typer.Option(min=1, help="Test pictures to run it on.")] = 1_000,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", "--data-dir", metavar="DIR", help="Your own test/CLASS/*.png, or Fashion-MNIST, which is found."
        ),
    ] = None,
    python: PythonOption = None,
    framing: FramingOption = None,
    colour: ColourOption = None,
    resampling: ResamplingOption = None,
    ground: GroundOption = None,
    output_format: Annotated[
        Listing, typer.Option("--format", "-f", help="A table for people, or JSON for programs.")
    ] = Listing.TABLE,
) -> None:
    """Say, operation by operation, whether LiteRT, tflite-runtime, the Edge TPU or MediaPipe can run a model.

    Compares each operation's version with those that the runtimes register, and the whole with Coral's rules for the
    Edge TPU; nothing is run but with --run. Exits with 12 if a target cannot run all of it, or answers otherwise.
    """
    console.require_extra("convert", ("flatbuffers",))
    if python and not run:
        raise BadOption("--python is where a model is run, and without --run none is", "add --run")

    from convert.pipe_console import PipeConsole
    from convert.targets import check_report
    from convert.targets.check import check as check_model
    from convert.targets.operators import parse_targets
    from edge.inference.model_file import read_model

    found = check_model(read_model(model), parse_targets(target))
    told = PictureOptions(framing, colour, resampling, ground)
    runs = _run(found, images, data, python or [], told) if run else []
    if output_format is Listing.JSON:
        PipeConsole(sys.stdout).say_json(check_report.to_json(found, runs))
    else:
        check_report.show(found, sys.stdout, runs)
    unmet = [name for name in found.targets if not found.passes(name)]
    if unmet:
        raise TargetUnmet(
            f"{found.model.path} does not run in full on {', '.join(unmet)}",
            "the findings on stdout say why, operation by operation",
        )
    failed = [one for one in runs if one.complaint]
    if failed:
        raise TargetUnmet(
            f"{found.model.path} does not run as it should on {failed[0]}",
            "name only what the model is meant for with --target",
        )


def _run(found: Check, images: int, data: Path | None, pythons: Sequence[str], told: PictureOptions) -> list[TargetRun]:
    """Run the model for the targets that pass the check."""
    from convert.targets.runtimes import TargetRun, parse_pythons, run_targets
    from convert.verify.opening import open_for
    from edge.datasets import dataset

    chosen = parse_pythons(pythons)
    image = open_for(found.model, told).image
    pictures = dataset.load("test", data, image=image).images[:images]
    fit = [target for target in found.targets if found.passes(target)]
    content = found.model.path.read_bytes()
    ran = {run.target: run for run in run_targets(found.model, content, fit, pictures, chosen)} if fit else {}
    return [ran.get(target, TargetRun(target, absent="it cannot run all operations")) for target in found.targets]
