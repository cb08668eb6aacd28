"""The command `fmnist-edge classify`."""

from __future__ import annotations

from typing import Annotated

import typer

from edge.cli.classify_options import CameraOption, RunOptions
from edge.cli.classify_sources import run_classify
from edge.cli.option_groups import takes_option_groups


@takes_option_groups
def classify(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SOURCE]...",
            help="Pictures, directories, globs, videos, a camera's number, /dev/videoN, http(s) and rtsp URLs, "
            "- for a picture or MJPEG on stdin, samples: for the bundled ones, fake: for a test pattern.",
        ),
    ] = None,
    camera: CameraOption = None,
    *,
    options: RunOptions,
) -> None:
    """Classify pictures, videos or camera frames. Predictions go to stdout, everything else to stderr."""
    run_classify(sources, camera, options)
