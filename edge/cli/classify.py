"""The command `fmnist-edge classify`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.choices import DEFAULT_MODEL, DEFAULT_VIEWS, EDGETPU_LIBRARY, Backend, Format
from edge.cli import console
from edge.cli.options import (
    BackendOption,
    DelegateOption,
    LabelsOption,
    ModelOption,
    ThreadsOption,
    ViewsOption,
    open_model,
)
from edge.errors import BadOption, SomeInputsFailed, SourceError

if TYPE_CHECKING:
    from edge.inference.classifier import Classifier
    from edge.stream.review_folder import ReviewFolder

VIDEO = "Video and cameras"
KEEP = "Frames to learn from"


def classify(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SOURCE]...",
            help="Pictures, directories, globs, videos, a camera index, /dev/videoN, http(s) and rtsp URLs, "
            "- for a picture or MJPEG on stdin, samples: for the bundled ones, fake: for a test pattern.",
        ),
    ] = None,
    camera: Annotated[str | None, typer.Option(help="A camera: index or device path.")] = None,
    model: ModelOption = DEFAULT_MODEL,
    backend: BackendOption = Backend.AUTO,
    threads: ThreadsOption = 1,
    labels: LabelsOption = None,
    delegate: DelegateOption = EDGETPU_LIBRARY,
    form: Annotated[Format, typer.Option("--format", "-f", help="A table, JSON Lines or CSV.")] = Format.TABLE,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write there instead of stdout.")] = None,
    views: ViewsOption = DEFAULT_VIEWS,
    min_score: Annotated[
        float | None, typer.Option(min=0, max=1, help="Less is unknown; the model's own threshold if not given.")
    ] = None,
    top_k: Annotated[int, typer.Option(min=1, max=1000, help="Labels per frame.")] = 3,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after so many frames.")] = None,
    save_view: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Save there, for each frame, what the model saw of it.")
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Show the frames in a window.")] = False,
    roi: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y,W,H", help="Only this part of each frame: pixels, or fractions.", rich_help_panel=VIDEO
        ),
    ] = None,
    interval: Annotated[
        float | None, typer.Option(min=0, metavar="SECONDS", help="At most a frame in so many.", rich_help_panel=VIDEO)
    ] = None,
    motion: Annotated[
        bool, typer.Option("--motion", help="Only when something moves, until it is still.", rich_help_panel=VIDEO)
    ] = False,
    motion_threshold: Annotated[
        float, typer.Option(min=0, max=255, help="Grey levels, on average, that are motion.", rich_help_panel=VIDEO)
    ] = 3.0,
    smooth: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="Over frames: average:0.6 (weight of the newest), vote:3/5 or hysteresis:3. "
            "Cameras, too, are not smoothed unless asked.",
            rich_help_panel=VIDEO,
        ),
    ] = "none",
    on_change: Annotated[
        bool, typer.Option("--on-change", help="Write an answer only when it changes.", rich_help_panel=VIDEO)
    ] = False,
    keep: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Store uncertain frames there, to sort.", rich_help_panel=KEEP)
    ] = None,
    keep_max: Annotated[
        str, typer.Option(metavar="SIZE", help="At most so much; the oldest make room.", rich_help_panel=KEEP)
    ] = "250MB",
    keep_below: Annotated[
        float, typer.Option(min=0, max=1, help="A lower score is uncertain.", rich_help_panel=KEEP)
    ] = 0.6,
) -> None:
    """Classify pictures, videos or camera frames. Predictions go to stdout, everything else to stderr."""
    from itertools import islice

    from edge.cli.display import progress_over
    from edge.output.sinks import open_sink
    from edge.sources.grammar import frames_of, parse_sources
    from edge.stream.pipeline import classify_frames, frame_filters
    from edge.stream.smoothing import parse_smoothing

    wanted = [*(sources or []), *([f"camera:{camera}"] if camera is not None else [])]
    if not wanted:
        raise BadOption("nothing to classify", "fmnist-edge classify shirt.png, or --camera 0")
    inputs = parse_sources(wanted)
    passing = frame_filters(roi, interval, motion_threshold if motion else None)
    classifier = open_model(model, backend, threads, labels, delegate, views, min_score)
    steady = parse_smoothing(smooth, classifier.score_calibration.reject_below)
    store = _open_store(keep, keep_max, classifier, model)
    failures: list[SourceError] = []

    def report(error: SourceError) -> None:
        failures.append(error)
        if len(inputs) > 1:
            console.complain(error)

    endless = not all(source.is_one_picture for source in inputs)
    width = max(len(source.where) for source in inputs)
    with (
        open_sink(form, output, top_k, endless=endless, source_width=width) as sink,
        progress_over(inputs, limit) as advance,
    ):
        frames = islice(frames_of(inputs, report, passing, interval), limit)
        predictions = classify_frames(
            frames,
            classifier,
            save_view=save_view,
            store=store,
            keep_below=keep_below,
            smooth=steady,
            show=show,
            only_changes=on_change,
        )
        for prediction in predictions:
            sink.write(prediction)
            advance()
    if failures and len(inputs) == 1:
        raise failures[0]
    if failures:
        raise SomeInputsFailed(f"{len(failures)} of {len(inputs)} inputs could not be classified; see above")


def _open_store(folder: Path | None, cap: str, classifier: Classifier, model: str) -> ReviewFolder | None:
    if folder is None:
        return None
    from edge.stream.review_folder import ReviewFolder, parse_size

    return ReviewFolder(folder, parse_size(cap), classifier.labels, model)
