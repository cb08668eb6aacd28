"""The command `fmnist-edge explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge.choices import DEFAULT_MODEL, DEFAULT_VIEWS
from edge.cli import console
from edge.cli.option_groups import takes_option_groups
from edge.cli.options import BackendOptions, ModelOption, PlainOptions, ViewsOption, open_model, read_checked
from edge.errors import BadOption, SourceError


@takes_option_groups
def explain(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="A picture, or - for one on stdin.")],
    model: ModelOption = DEFAULT_MODEL,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="PNG", help="The sheet; IMAGE.explained.png if not given.")
    ] = None,
    views: ViewsOption = DEFAULT_VIEWS,
    *,
    plain: PlainOptions,
    on: BackendOptions,
) -> None:
    """Show why: the garment's outline, what the model saw, its answers, and the parts that they rest on."""
    from edge.output.explanation import explain_picture
    from edge.sources.grammar import frames_of, parse_sources

    inputs = parse_sources([image])
    if len(inputs) != 1 or not (inputs[0].is_one_picture or inputs[0].is_pipe):
        raise BadOption(f"{image} is not one picture", "fmnist-edge explain shirt.jpg")
    classifier = open_model(read_checked(model, on), on, plain=plain, views=views)

    def stop(error: SourceError) -> None:
        raise error

    frame = next(frames_of(inputs, stop))
    sheet = output or Path("explained.png" if image == "-" else f"{Path(image).stem}.explained.png")
    for line in explain_picture(frame, classifier, sheet):
        console.say(line)
