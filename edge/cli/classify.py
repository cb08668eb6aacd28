"""The command `fmnist-edge classify`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli import console
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
from edge.cli.options import BackendOptions, open_found, read_checked
from edge.errors import BadOption, SomeInputsFailed, SourceError
from edge.sources.settings import SourceSettings, parse_fps, parse_resolution, parse_retry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge.cli.serve_options import ServeOptions
    from edge.deployment.model_in_service import ModelInService
    from edge.inference.classifier import Classifier, FrameClassifier
    from edge.inference.model_file import Model
    from edge.serve.open_page import PageSettings
    from edge.sources.grammar import Input
    from edge.stream.review_folder import ReviewFolder
    from edge.stream.smoothing import Smoother


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
    camera: Annotated[
        str | None,
        typer.Option(help="A camera: number, device path or part of its name; fmnist-edge cameras lists them."),
    ] = None,
    *,
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
    """Classify pictures, videos or camera frames. Predictions go to stdout, everything else to stderr."""
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
    )


def run_classify(
    sources: list[str] | None,
    camera: str | None,
    *,
    of_model: ModelOptions,
    on: BackendOptions,
    of_output: OutputOptions,
    of_video: VideoOptions,
    of_camera: CameraOptions,
    of_live: LiveOptions,
    of_network: NetworkOptions,
    of_keep: KeepOptions,
    of_listeners: ListenerOptions,
    of_page: ServeOptions | None = None,
) -> None:
    """What `classify` does, and with `of_page` what `serve` does. Raises the errors of all that it opens."""
    from functools import partial
    from itertools import islice

    from edge.cli.display import progress_over
    from edge.inference.backends import release
    from edge.output.sinks import open_sink
    from edge.sources.grammar import frames_of, parse_sources
    from edge.stream.pipeline import classify_frames, frame_filters

    wanted = [*(sources or []), *([f"camera:{camera}"] if camera is not None else [])]
    if not wanted:
        raise BadOption(
            "nothing to classify", f"fmnist-edge {'serve' if of_page else 'classify shirt.png, or'} --camera 0"
        )
    inputs = parse_sources(wanted)
    settings = _source_settings(of_camera, of_live, of_network, of_video.interval)
    passing = frame_filters(of_video.roi, of_video.interval, of_video.motion_threshold if of_video.motion else None)
    model = read_checked(of_model.model, on)
    open_it = partial(
        open_found,
        on=on,
        threads=of_model.threads,
        labels=of_model.labels,
        views=of_model.views,
        min_score=of_model.min_score,
    )
    classifier = open_it(model)
    store = _open_store(of_keep, classifier, of_model.model)
    failures: list[SourceError] = []

    def report(error: SourceError) -> None:
        failures.append(error)
        if len(inputs) > 1:
            console.complain(error)

    endless = not all(source.is_one_picture for source in inputs)
    lasts = endless or of_video.on_change or of_listeners.are_given() or of_page is not None or _is_service()
    service = _into_service(model, classifier, open_it, of_model.model, inputs) if lasts else None
    width = max(len(source.where) for source in inputs)
    with (
        open_sink(of_output.form, of_output.output, of_output.top_k, endless=endless, source_width=width) as sink,
        progress_over(inputs, of_output.limit) as advance,
    ):
        frames = partial(frames_of, inputs, report, settings=settings)
        answers = partial(
            classify_frames,
            classifier=service or classifier,
            save_view=of_output.save_view,
            store=store,
            keep_below=of_keep.keep_below,
            smooth=_smoother(of_video.smooth, service or classifier),
            show=of_output.show,
        )
        page = None if of_page is None else _page_settings(of_page, of_model, on, of_keep)
        if service is None:
            for _, prediction in answers(islice(frames(through=passing), of_output.limit)):
                sink.write(prediction)
                advance()
        else:
            from edge.cli.classify_run import open_watched_run, restart_on_hangup, start_again

            with open_watched_run(
                inputs,
                sink,
                service,
                of_listeners,
                top_k=of_output.top_k,
                heartbeat_s=of_live.heartbeat,
                only_changed=of_video.on_change,
                may_restart=restart_on_hangup(of_output.output),
                page=page,
                rarely_answers=_rarely_answers(of_video, of_camera),
            ) as (run, stop, live):
                noted = passing if live is None else lambda taken: passing(live.passing(taken))
                given = frames(through=noted, observer=run)
                for frame, prediction in answers(stop.until_stopped(islice(given, of_output.limit))):
                    run.answer(frame, prediction)
                    advance()
                if failures:
                    run.reason = failures[-1].message
            if stop.restarts:
                release(service.current.interpreter)
                start_again()
    if failures and len(inputs) == 1:
        raise failures[0]
    if failures:
        raise SomeInputsFailed(f"{len(failures)} of {len(inputs)} inputs could not be classified; see above")


def _is_service() -> bool:
    """Whether systemd wants to be told how it goes."""
    return "NOTIFY_SOCKET" in os.environ


def _rarely_answers(video: VideoOptions, camera: CameraOptions) -> bool:
    """Whether minutes may pass without an answer while all is well."""
    return video.motion or video.interval is not None or (camera.fps is not None and camera.fps < 1)


def _into_service(
    model: Model, classifier: Classifier, open_it: Callable[..., Classifier], where: str, inputs: Sequence[Input]
) -> ModelInService:
    """The model as one that another may take over from; in front of a camera its file, link or folder is followed."""
    from edge.cli.classify_run import into_service

    is_live = any(source.may_be_live for source in inputs)
    return into_service(model, classifier, open_it, where if is_live else None)


def _page_settings(
    page: ServeOptions, of_model: ModelOptions, on: BackendOptions, keeping: KeepOptions
) -> PageSettings:
    from edge.cli.serve_settings import page_settings

    return page_settings(page, of_model, on, keeping.keep)


def _source_settings(
    camera: CameraOptions, live: LiveOptions, network: NetworkOptions, interval_s: float | None
) -> SourceSettings:
    """How to open the sources. Raises BadOption."""
    retry, waits_at_start = parse_retry(live.retry)
    settings = SourceSettings(
        interval_s=interval_s,
        retry=retry,
        waits_at_start=waits_at_start,
        resolution=None if camera.resolution is None else parse_resolution(camera.resolution),
        fps=None if camera.fps is None else parse_fps(camera.fps),
        rotation=camera.rotate,
        flip=camera.flip,
        ca_file=network.ca_file,
        insecure=network.insecure,
    )
    if settings.ca_file is not None:
        from edge.sources.network.tls import check_options

        check_options(settings)
    return settings


def _smoother(how: str, classifier: FrameClassifier) -> Smoother | None:
    """What steadies the predictions, None for nothing. Raises BadOption."""
    if how == "none":
        return None
    from edge.stream.smoothing import parse_smoothing

    return parse_smoothing(how, lambda: classifier.reject_below)


def _open_store(options: KeepOptions, classifier: Classifier, model: str) -> ReviewFolder | None:
    if options.keep is None:
        return None
    from edge.stream.review_folder import ReviewFolder, parse_size

    return ReviewFolder(options.keep, parse_size(options.keep_max), classifier.labels, model)
