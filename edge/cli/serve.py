"""The command `fmnist-edge serve`."""

from __future__ import annotations

from typing import Annotated

import typer

from edge.cli.classify import run_classify
from edge.cli.classify_options import (
    CameraOptions,
    KeepOptions,
    LiveOptions,
    ModelOptions,
    NetworkOptions,
    OutputOptions,
    VideoOptions,
)
from edge.cli.listener_options import ListenerOptions
from edge.cli.option_groups import takes_option_groups
from edge.cli.options import BackendOptions
from edge.cli.serve_options import ServeOptions
from edge.cli.serve_settings import check_page


@takes_option_groups
def serve(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SOURCE]...", help="What to classify, as for classify; a camera, usually."),
    ] = None,
    camera: Annotated[
        str | None,
        typer.Option(help="A camera: number, device path or part of its name; fmnist-edge cameras lists them."),
    ] = None,
    *,
    of_page: ServeOptions,
    of_model: ModelOptions,
    on: BackendOptions,
    of_output: OutputOptions,
    of_video: VideoOptions,
    of_camera: CameraOptions,
    of_live: LiveOptions,
    of_network: NetworkOptions,
    of_keep: KeepOptions,
    of_listeners: ListenerOptions,
) -> None:
    """Classify as classify does, and show it on a page: live pictures, answers, and uncertain frames to sort."""
    check_page(of_page)
    run_classify(
        sources,
        camera,
        of_model=of_model,
        on=on,
        of_output=of_output,
        of_video=of_video,
        of_camera=of_camera,
        of_live=of_live,
        of_network=of_network,
        of_keep=of_keep,
        of_listeners=of_listeners,
        of_page=of_page,
    )
