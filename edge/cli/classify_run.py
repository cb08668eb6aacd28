"""What a run does while it lasts: pictures are answered and done, anything longer tells of itself by events."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from edge.cli import console
from edge.errors import BackendUnavailable

if TYPE_CHECKING:
    from edge.cli.listener_options import ListenerOptions
    from edge.cli.stop_signals import StopSignals
    from edge.deployment.model_in_service import ModelInService
    from edge.events.event import Event
    from edge.events.publisher import Publisher
    from edge.events.run import Run
    from edge.events.run_state import RunState
    from edge.fleet.run_watch import RunWatch
    from edge.inference.classifier import Classifier
    from edge.inference.model_file import Model
    from edge.output.sinks import Sink
    from edge.serve.live_state import LiveState
    from edge.serve.open_page import PageSettings
    from edge.sources.grammar import Input


@contextmanager
def open_watched_run(
    inputs: Sequence[Input],
    sink: Sink,
    service: ModelInService,
    listening: ListenerOptions,
    *,
    top_k: int,
    heartbeat_s: float,
    only_changed: bool,
    may_restart: Callable[[], bool] | None,
    page: PageSettings | None = None,
    rarely_answers: bool = False,
    followed: str | None = None,
) -> Iterator[tuple[Run, StopSignals, LiveState | None]]:
    """A run whose events go to the sink, to stderr for people, and to listeners; SIGTERM ends it between two frames.

    So does SIGHUP, if `may_restart` says so. With `page` it is served, and the page's state given, too. Where systemd
    has started it, systemd is told how it is; a run that `rarely_answers`, though its camera works, is alive without.
    """
    from edge.cli.stop_signals import StopSignals
    from edge.events.drift import monitor_for
    from edge.events.event_json import EventSink
    from edge.events.publisher import Publisher
    from edge.events.run import only_changes, open_run
    from edge.events.run_state import RunState
    from edge.sources.grammar import Kind

    _give_memory_back()
    written = EventSink(sink, top_k, is_live=any(source.kind is Kind.CAMERA for source in inputs))
    subscribers: list[Callable[[Event], None]] = [only_changes(written) if only_changed else written, tell_people]
    classifier = service.current
    publisher = Publisher(classifier.model_sha256)
    state = RunState(classifier.model_sha256, service.model.name, classifier.interpreter.name)
    listeners = []
    if listening.are_given():
        from edge.cli.listeners import open_listeners

        listeners = open_listeners(listening, publisher, classifier.labels, state)
    if os.environ.get("NOTIFY_SOCKET"):
        from edge.service.notify import Notifier, Supervision

        supervision = Supervision.of_environment(os.environ)
        if supervision is not None:  # behind the sink: an answer that could not be written is no sign of life
            subscribers.append(Notifier(supervision, rarely_answers=rarely_answers))
            heartbeat_s = supervision.heartbeat_s(heartbeat_s)
    fleet = _fleet_watch(followed, publisher)
    if fleet is not None:
        subscribers.append(fleet)
    interruptible = not any(source.may_be_live for source in inputs)
    with (
        StopSignals(interruptible=interruptible, may_restart=may_restart) as stop,
        _served(page, publisher, state, service) as live,
        open_run(publisher, subscribers, listeners, _warn, heartbeat_s, monitor_for(classifier.manifest)) as run,
    ):
        run.check_stop = stop.check if live is None else _both(live.alive, stop.check)
        run.follow(classifier.interpreter)
        service.tell(run)
        run.check_model = service.check if fleet is None else _both(service.check, fleet.check)
        yield run, stop, live
        if stop.received is not None:
            run.reason = stop.received.name


@contextmanager
def _served(
    page: PageSettings | None, publisher: Publisher, state: RunState, service: ModelInService
) -> Iterator[LiveState | None]:
    if page is None:
        yield None
        return
    from edge.serve.open_page import open_page

    with open_page(page, publisher, state, service, console.note) as live:
        yield live


def _fleet_watch(followed: str | None, publisher: Publisher) -> RunWatch | None:
    """Who tells of the updates of a folder of versions, and goes back; None where the model is no folder."""
    if followed is None or not Path(followed).is_dir():
        return None
    from edge.fleet.run_watch import RunWatch

    return RunWatch(Path(followed), publisher)


def _both(first: Callable[[], None], second: Callable[[], None]) -> Callable[[], None]:
    def call() -> None:
        first()
        second()

    return call


def into_service(
    model: Model, classifier: Classifier, open_classifier: Callable[..., Classifier], watched: str | None
) -> ModelInService:
    """A model that answers, as it was opened, and follows its file, link or folder if that is `watched`."""
    from edge.deployment.candidate import InService
    from edge.deployment.model_in_service import ModelInService
    from edge.deployment.model_watch import ModelWatch
    from edge.inference.model_file import bundled_models, read_model

    return ModelInService(
        InService(model, classifier),
        lambda path: read_model(str(path), model.trust),
        partial(open_classifier, on_backend_change=_refuse_change),
        ModelWatch(watched) if watched is not None and watched not in bundled_models() else None,
    )


def _refuse_change(before: str, _after: str, reason: str) -> None:
    raise BackendUnavailable(f"{before} does not run it: {reason}", "convert it again, or for the CPU")


def tell_people(event: Event) -> None:
    """Say on stderr what a person at the terminal, or who reads the journal, wants to know."""
    from edge.events.event import BackendChanged, CameraBack, CameraLost, Drift, Fleet, ModelChanged, ModelRefused

    what = event.what
    if isinstance(what, CameraLost):
        named = what.message if str(event.source) in what.message else f"{event.source}: {what.message}"
        console.note(f"camera lost: {named}; trying again")
        if what.hint:
            console.note(f"hint: {what.hint}")
    elif isinstance(what, CameraBack):
        console.note(f"camera back: {event.source}, after {what.away_s:.1f} s")
    elif isinstance(what, BackendChanged):
        console.note(f"warning: {what.after} goes on for {what.before}: {what.reason}")
    elif isinstance(what, ModelChanged):
        console.note(f"model changed: {what.name} ({what.after[:12]}) goes on for {what.before[:12]}")
    elif isinstance(what, ModelRefused):
        console.note(f"warning: {what.file} is not taken, the model in service goes on: {what.message}")
        if what.hint:
            console.note(f"hint: {what.hint}")
    elif isinstance(what, Drift):
        console.note(f"warning: {what.message}")
    elif isinstance(what, Fleet) and what.state == "refused":
        console.note(f"warning: update: {what.problem}")


def _give_memory_back() -> None:
    """Let freed memory go back to the system at once, and all threads share one heap: 3 MB less for a camera.

    glibc's parameters of mallopt(3), M_TRIM_THRESHOLD and M_ARENA_MAX; another C library may not have them.
    """
    import ctypes  # NumPy has loaded it already

    with suppress(AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(-1, 128 << 10)
        mallopt(-8, 1)


def _warn(text: str) -> None:
    console.note(f"warning: {text}")


def restart_on_hangup(output: Path | None) -> Callable[[], bool] | None:
    """What SIGHUP asks before it ends the run to begin anew: whether the configuration is good now.

    None where no configuration file is in use: then SIGHUP means what it always does, that the terminal is gone.
    """
    from edge.errors import FmnistEdgeError
    from edge.service.config_location import find_config
    from edge.service.reload import check_again, named_file

    if find_config(named_file()) in {None, Path(os.devnull)}:
        return None

    def may_restart() -> bool:
        if output is not None:
            _warn("SIGHUP is not obeyed with --output: a new start would replace the file")
            return False
        try:
            check_again()
        except FmnistEdgeError as error:
            console.complain(error)
            _warn("SIGHUP: the configuration is not valid; the run goes on as it was")
            return False
        return True

    return may_restart


def start_again() -> NoReturn:
    """Become the same command anew, which reads its configuration again. The process stays the same."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - the very command that runs
