"""A run that tells of itself: predictions, losses and heartbeats become events for stdout and for listeners."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edge.errors import FmnistEdgeError, OutputClosed, OutputFailed, SourceError
from edge.events.event import BackendChanged, CameraBack, CameraLost, Event, ModelChanged, ModelRefused, Stopped
from edge.events.heartbeat import HeartbeatClock
from edge.events.listeners.listener import Listener
from edge.events.listeners.listener_thread import ListenerThread, close_all
from edge.events.publisher import Publisher, Subscriber
from edge.frame import Prediction
from edge.stream.smoothing import Changes

if TYPE_CHECKING:
    from pathlib import Path

    from edge.deployment.candidate import InService
    from edge.events.drift import DriftMonitor
    from edge.frame import Frame
    from edge.inference.interpreters import Interpreter
    from edge.sources.live import Loss

HEARTBEAT_S = 60.0


class Run:
    """Publishes what happens while frames are classified. It is the sources' CameraObserver and a ModelObserver.

    All its methods are called in the thread that classifies.
    """

    def __init__(
        self,
        publisher: Publisher,
        listeners: Sequence[ListenerThread] = (),
        heartbeat_s: float = HEARTBEAT_S,
        drift: DriftMonitor | None = None,
    ) -> None:
        self._drift = drift
        self._publisher = publisher
        self._listeners = listeners
        self._heartbeat = HeartbeatClock(heartbeat_s)
        self._loss: Loss | None = None
        self.check_stop: Callable[[], None] = lambda: None
        """Called all the time while a live source is open or waited for: raises what ends the run, if it is to end."""
        self.check_model: Callable[[], None] = lambda: None
        """Called between two frames, and while none comes: another model may take over now."""
        self.reason = "the input has ended"
        """Why the run ends, if nothing is raised."""

    def lost(self, source: str, loss: Loss, error: SourceError) -> None:
        """A live source is lost."""
        self._loss = loss
        self._publisher.publish(CameraLost(loss, error.message, error.hint), source)

    def back(self, source: str, away_s: float, attempts: int) -> None:
        """It is there again."""
        self._loss = None
        self._publisher.publish(CameraBack(away_s, attempts), source)

    def backend_changed(self, before: str, after: str, reason: str) -> None:
        """Another runtime or device goes on with the work."""
        self._publisher.publish(BackendChanged(before, after, reason))

    def follow(self, interpreter: Interpreter) -> None:
        """Publish it when this interpreter goes on on another device."""
        from edge.inference.fallback import FallbackInterpreter

        if isinstance(interpreter, FallbackInterpreter):
            interpreter.on_change = self.backend_changed

    def model_changed(self, before: InService, after: InService) -> None:
        """Another model answers from now on."""
        from edge.events.drift import monitor_for

        was, now = before.classifier, after.classifier
        self._publisher.model = now.model_sha256
        self._publisher.publish(ModelChanged(was.model_sha256, now.model_sha256, after.model.name))
        if was.interpreter.name != now.interpreter.name:
            self.backend_changed(was.interpreter.name, now.interpreter.name, f"with the model {after.model.name}")
        self._drift = monitor_for(now.manifest)
        self.follow(now.interpreter)

    def model_refused(self, path: Path, error: FmnistEdgeError) -> None:
        """A model does not go into service."""
        self._publisher.publish(ModelRefused(str(path), error.message, error.hint))

    def tick(self) -> None:
        """Publish what is due by the clock, and end the run if that is wanted."""
        self.check_stop()
        self.check_model()
        self._beat()

    def answer(self, frame: Frame, prediction: Prediction) -> None:
        """Publish the prediction of a frame."""
        self._heartbeat.count(frame, prediction)
        self._publisher.newest_frame = frame
        self._publisher.publish(prediction, prediction.source)
        if self._drift is not None:
            for change in self._drift.see(prediction, time.monotonic()):
                self._publisher.publish(change, prediction.source)
        self._beat()
        self.check_model()

    def _beat(self) -> None:
        if self._heartbeat.is_due:
            states = {one.name: one.state for one in self._listeners}
            self._publisher.publish(self._heartbeat.beat(self._loss, states))

    def stop(self) -> None:
        """Publish that the run ends. A stdout that cannot take it is no reason to keep it from the listeners."""
        with contextlib.suppress(OutputClosed, OutputFailed):
            self._publisher.publish(Stopped(self.reason, self._heartbeat.frames))


@contextmanager
def open_run(
    publisher: Publisher,
    subscribers: Iterable[Subscriber],
    listeners: Iterable[Listener],
    say: Callable[[str], None],
    heartbeat_s: float = HEARTBEAT_S,
    drift: DriftMonitor | None = None,
) -> Iterator[Run]:
    """A run whose end is always told: `stopped`, with the reason, before the listeners are closed.

    `say` is given what goes wrong with a listener, in words. Raises what a listener's `open` raises.
    """
    threads = [ListenerThread(listener, say) for listener in listeners]
    # The listeners come first: a stdout that breaks keeps nothing from them.
    for thread in threads:
        publisher.subscribe(thread.offer)
    for subscriber in subscribers:
        publisher.subscribe(subscriber)
    run = Run(publisher, threads, heartbeat_s, drift)
    started: list[ListenerThread] = []
    try:
        for thread in threads:
            thread.start()
            started.append(thread)
        yield run
    except KeyboardInterrupt:
        run.reason = "SIGINT"
        raise
    except FmnistEdgeError as error:
        run.reason = error.message
        raise
    except BaseException as bug:
        run.reason = type(bug).__name__
        raise
    finally:
        if len(started) == len(threads):
            run.stop()
        close_all(started)


def only_changes(subscriber: Subscriber) -> Subscriber:
    """A subscriber that is given a source's predictions only when they say something else than the one before."""
    changes = Changes()

    def pass_on(event: Event) -> None:
        if not isinstance(event.what, Prediction) or changes.is_new(event.what):
            subscriber(event)

    return pass_on
