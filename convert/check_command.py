"""The command `convert check`: parse, check, print. Loads NumPy and the schema only once it must work."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from edge import console
from edge.errors import TargetUnmet


class Listing(StrEnum):
    """How the findings are written."""

    TABLE = "table"
    JSON = "json"


def check(
    model: Annotated[str, typer.Argument(help="A .tflite file of any origin, or a bundled model's name.")],
    target: Annotated[
        str, typer.Option(help="What it is meant for: one or more of these, with commas between.")
    ] = "litert,tflite-runtime,edgetpu",
    output_format: Annotated[
        Listing, typer.Option("--format", "-f", help="A table for people, or JSON for programs.")
    ] = Listing.TABLE,
) -> None:
    """Say, operation by operation, whether LiteRT, tflite-runtime and the Edge TPU can run a model. Runs nothing.

    Compares each operation's version with those that the runtimes register, and the whole with Coral's rules for the
    Edge TPU. Exits with 12 if a target cannot run all of it.
    """
    console.require_extra("convert", ("flatbuffers",))

    from convert import check_report
    from convert.check import check as check_model
    from convert.operators import parse_targets
    from convert.pipe_console import PipeConsole
    from edge.model_file import read_model

    found = check_model(read_model(model), parse_targets(target))
    if output_format is Listing.JSON:
        PipeConsole(sys.stdout).say(check_report.to_json(found))
    else:
        check_report.show(found, sys.stdout)
    unmet = [name for name in found.targets if not found.passes(name)]
    if unmet:
        raise TargetUnmet(
            f"{found.model.path} does not run in full on {', '.join(unmet)}",
            "the findings on stdout say why, operation by operation",
        )
