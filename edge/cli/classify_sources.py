"""What `classify` and `serve` do once their command line is read: sources in, predictions out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from edge.cli import console
from edge.cli.classify_options import CameraOptions, KeepOptions, RunOptions, VideoOptions
from edge.cli.options import open_model, read_checked
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


def run_classify(
    sources: list[str] | None, camera: str | None, options: RunOptions, of_page: ServeOptions | None = None
) -> None:
    """What `classify` does, and with `of_page` what `serve` does. Raises the errors of all that it opens."""
    from functools import partial
    from itertools import islice

    from edge.cli.display import progress_over
    from edge.inference.backends import release
    from edge.output.sinks import open_sink
    from edge.sources.grammar import frames_of, parse_sources
    from edge.stream.pipeline import classify_frames, frame_filters

    named, output, video = options.model, options.output, options.video
    wanted = [*(sources or []), *([f"camera:{camera}"] if camera is not None else [])]
    if not wanted:
        raise BadOption(
            "nothing to classify", f"fmnist-edge {'serve' if of_page else 'classify shirt.png, or'} --camera 0"
        )
    inputs = parse_sources(wanted)
    settings = _source_settings(options)
    passing = frame_filters(video.roi, video.interval, video.motion_threshold if video.motion else None)
    model = read_checked(named.model, options.backend)
    open_it = partial(
        open_model,
        on=options.backend,
        threads=named.threads,
        labels=named.labels,
        views=named.views,
        min_score=named.min_score,
    )
    classifier = open_it(model)
    store = _open_store(options.keep, classifier, named.model)
    failures: list[SourceError] = []

    def report(error: SourceError) -> None:
        failures.append(error)
        if len(inputs) > 1:
            console.complain(error)

    endless = not all(source.is_one_picture for source in inputs)
    lasts = endless or video.on_change or options.listeners.are_given() or of_page is not None or _is_service()
    service = _into_service(model, classifier, open_it, named.model, inputs) if lasts else None
    width = max(len(source.where) for source in inputs)
    with (
        open_sink(output.form, output.output, output.top_k, endless=endless, source_width=width) as sink,
        progress_over(inputs, output.limit) as advance,
    ):
        frames = partial(frames_of, inputs, report, settings=settings)
        answers = partial(
            classify_frames,
            classifier=service or classifier,
            save_view=output.save_view,
            store=store,
            keep_below=options.keep.keep_below,
            smooth=_smoother(video.smooth, service or classifier),
            show=output.show,
        )
        if service is None:
            for _, prediction in answers(islice(frames(through=passing), output.limit)):
                sink.write(prediction)
                advance()
        else:
            from edge.cli.classify_run import open_watched_run, restart_on_hangup, start_again

            with open_watched_run(
                inputs,
                sink,
                service,
                options.listeners,
                top_k=output.top_k,
                heartbeat_s=options.live.heartbeat,
                only_changed=video.on_change,
                may_restart=restart_on_hangup(output.output),
                page=None if of_page is None else _page_settings(of_page, options),
                rarely_answers=_rarely_answers(video, options.camera),
            ) as (run, stop, live):
                noted = passing if live is None else lambda taken: passing(live.passing(taken))
                given = frames(through=noted, observer=run)
                for frame, prediction in answers(stop.until_stopped(islice(given, output.limit))):
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


def _page_settings(page: ServeOptions, options: RunOptions) -> PageSettings:
    from edge.cli.serve_settings import page_settings

    return page_settings(page, options.model, options.backend, options.keep.keep)


def _source_settings(options: RunOptions) -> SourceSettings:
    """How to open the sources. Raises BadOption."""
    camera, network = options.camera, options.network
    retry, waits_at_start = parse_retry(options.live.retry)
    settings = SourceSettings(
        interval_s=options.video.interval,
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
