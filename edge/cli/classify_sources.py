"""What `classify` and `serve` do once their command line is read: sources in, predictions out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from edge.cli import console, garbage
from edge.cli.classify_options import CameraOptions, KeepOptions, RunOptions, VideoOptions
from edge.cli.display import progress_over
from edge.cli.options import cores_for, open_model, read_checked
from edge.errors import BadOption, SomeInputsFailed, SourceError
from edge.sources.settings import SourceSettings, parse_fps, parse_resolution, parse_retry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from edge.cli.serve_options import ServeOptions
    from edge.deployment.model_in_service import ModelInService
    from edge.frame import Frame, Prediction
    from edge.inference.classifier import Classifier, FrameClassifier
    from edge.inference.model_file import Model
    from edge.output.sinks import Sink
    from edge.serve.open_page import PageSettings
    from edge.sources.grammar import Input
    from edge.stream.pipeline import FrameFilter
    from edge.stream.review_folder import ReviewFolder
    from edge.stream.smoothing import Smoother


def run_classify(
    sources: list[str] | None, camera: str | None, options: RunOptions, of_page: ServeOptions | None = None
) -> None:
    """What `classify` does, and with `of_page` what `serve` does. Raises the errors of all that it opens."""
    from functools import partial
    from itertools import islice

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
    endless = not all(source.is_one_picture for source in inputs)
    lasts = endless or video.on_change or options.listeners.are_given() or of_page is not None or _is_service()
    only_lines = not lasts and _only_lines(options)
    at_a_time = min(cores_for(named.threads), len(inputs)) if only_lines else 1
    open_it = partial(
        open_model,
        on=options.backend,
        threads=named.threads if at_a_time == 1 else 1,
        plain=named.plain,
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

    service = _into_service(model, classifier, open_it, named.model, inputs) if lasts else None
    answers = partial(
        classify_frames,
        classifier=service or classifier,
        save_view=output.save_view,
        store=store,
        keep_below=options.keep.keep_below,
        smooth=_smoother(video.smooth, service or classifier),
        show=output.show,
    )
    width = max(len(source.where) for source in inputs)
    garbage.take_up()
    with open_sink(output.form, output.output, output.top_k, endless=endless, source_width=width) as sink:
        if only_lines:
            from edge.cli.classify_pictures import write_pictures

            write_pictures(inputs, sink, classifier, passing, settings, at_a_time, output.limit, report)
        elif service is None:
            from edge.stream.picture_answers import frames_of_pictures, reported

            pictures = reported(frames_of_pictures(inputs, passing, settings), report)
            with progress_over(inputs, output.limit) as advance:
                for _, prediction in answers(islice(pictures, output.limit)):
                    sink.write(prediction)
                    advance(1)
        else:
            given = partial(frames_of, inputs, report, settings=settings)
            _run_while_it_lasts(inputs, sink, service, options, of_page, given, passing, answers, failures)
    if failures and len(inputs) == 1:
        raise failures[0]
    if failures:
        raise SomeInputsFailed(f"{len(failures)} of {len(inputs)} inputs could not be classified; see above")


def _run_while_it_lasts(
    inputs: Sequence[Input],
    sink: Sink,
    service: ModelInService,
    options: RunOptions,
    of_page: ServeOptions | None,
    frames: Callable[..., Iterator[Frame]],
    passing: FrameFilter,
    answers: Callable[[Iterable[Frame]], Iterator[tuple[Frame, Prediction]]],
    failures: Sequence[SourceError],
) -> None:
    """Answer frames until they end or a signal comes; whatever happens becomes an event."""
    from itertools import islice

    from edge.cli.classify_run import open_watched_run, restart_on_hangup, start_again
    from edge.inference.backends import release

    with (
        open_watched_run(
            inputs,
            sink,
            service,
            options.listeners,
            top_k=options.output.top_k,
            heartbeat_s=options.live.heartbeat,
            only_changed=options.video.on_change,
            may_restart=restart_on_hangup(options.output.output),
            page=None if of_page is None else _page_settings(of_page, options),
            rarely_answers=_rarely_answers(options.video, options.camera),
            followed=options.model.model if any(source.may_be_live for source in inputs) else None,
        ) as (run, stop, live),
        progress_over(inputs, options.output.limit) as advance,
    ):
        noted = passing if live is None else lambda taken: passing(live.passing(taken))
        given = frames(through=noted, observer=run)
        for frame, prediction in answers(stop.until_stopped(islice(given, options.output.limit))):
            run.answer(frame, prediction)
            advance(1)
        if failures:
            run.reason = failures[-1].message
    if stop.restarts:
        release(service.current.interpreter)
        start_again()


def _only_lines(options: RunOptions) -> bool:
    """Whether nothing is asked for but a line for each picture: no frame is kept, shown or compared with another."""
    output, video = options.output, options.video
    return (
        options.keep.keep is None
        and output.save_view is None
        and not (output.show or video.motion)
        and (video.smooth == "none" and video.interval is None)
    )


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
