"""The command `fmnist-edge serve`."""

from __future__ import annotations

from typing import Annotated

import typer

from edge.cli.classify_options import CameraOption, RunOptions
from edge.cli.classify_sources import run_classify
from edge.cli.option_groups import takes_option_groups
from edge.cli.serve_options import ServeOptions
from edge.cli.serve_settings import check_page


@takes_option_groups
def serve(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SOURCE]...", help="What to classify, as for classify; a camera, usually."),
    ] = None,
    camera: CameraOption = None,
    *,
    of_page: ServeOptions,
    options: RunOptions,
) -> None:
    """Classify as classify does, and show it on a page: live pictures, answers, and uncertain frames to sort."""
    check_page(of_page)
    run_classify(sources, camera, options, of_page)
