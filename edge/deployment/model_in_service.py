"""The model that answers, which may be another one from one frame to the next."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from edge.deployment.candidate import InService, OpenClassifier, check_answers, verify
from edge.errors import BackendUnavailable, FmnistEdgeError, ModelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.deployment.model_watch import ModelWatch
    from edge.frame import Frame, Prediction
    from edge.inference.classifier import Classifier
    from edge.inference.model_file import Model
    from edge.spec import ImageSpec


class ModelObserver(Protocol):
    """Is told, in the thread that classifies, what becomes of models."""

    def model_changed(self, before: InService, after: InService) -> None:
        """Another model answers from now on."""
        ...

    def model_refused(self, path: Path, error: FmnistEdgeError) -> None:
        """A model does not go into service, and why; the old one stays."""
        ...


@dataclass(frozen=True, slots=True)
class _Verified:
    """A candidate that waits for the moment between two frames: opened, still to be opened, or refused."""

    path: Path
    result: Future[Model]
    opened: InService | None = None
    to_open: Model | None = None
    error: FmnistEdgeError | None = None


class ModelInService:
    """Classifies frames with the model that is in service, and lets another one take over between two of them.

    Call it with a Frame, and `check` after each, in one and the same thread. `offer` and `current` are for any thread.
    Candidates are read, verified and opened in a thread of their own, one at a time, while the old model answers.
    """

    def __init__(
        self,
        running: InService,
        read: Callable[[Path], Model],
        open_classifier: OpenClassifier,
        watch: ModelWatch | None = None,
    ) -> None:
        self._running = running
        self._read = read
        self._open = open_classifier
        self._watch = watch
        self._observers: list[ModelObserver] = []
        self._one_at_a_time = threading.Lock()
        self._verified: deque[_Verified] = deque()
        self._refused_last = False

    @property
    def current(self) -> Classifier:
        """The classifier that answers now."""
        return self._running.classifier

    @property
    def model(self) -> Model:
        """The file that answers now."""
        return self._running.model

    def read(self, path: Path) -> Model:
        """Read a model file as one that is offered is read. Raises ModelError."""
        return self._read(path)

    @property
    def image(self) -> ImageSpec:
        """The picture that the model in service wants."""
        return self.current.image

    @property
    def views(self) -> int:
        """How many views of a garment it sees at most."""
        return self.current.views

    def __call__(self, frame: Frame) -> Prediction:
        """Classify one frame."""
        return self.current(frame)

    @property
    def reject_below(self) -> float:
        """The score under which an answer is "unknown"."""
        return self.current.reject_below

    def tell(self, observer: ModelObserver) -> None:
        """Tell this observer, too, of every change from now on."""
        self._observers.append(observer)

    def offer(self, path: Path) -> Future[Model]:
        """Verify a model file, and let it take over at the next `check` after that.

        The result is the model once it answers. It raises what is wrong with a refused one: a ModelError or
        BackendUnavailable.
        """
        result: Future[Model] = Future()
        threading.Thread(target=self._prepare, args=(path, result), name="model", daemon=True).start()
        return result

    def check(self) -> None:
        """Swap what is verified, and look whether the file has changed. Call it between two frames; it costs nothing.

        Raises what observers raise.
        """
        while self._verified:
            self._settle(self._verified.popleft())
        if self._watch is not None and (path := self._watch.changed()) is not None:
            self.offer(path)

    def _prepare(self, path: Path, result: Future[Model]) -> None:
        with self._one_at_a_time:
            try:
                self._verified.append(self._verify(path, result))
            except (ModelError, BackendUnavailable) as error:
                self._verified.append(_Verified(path, result, error=error))
            except BaseException as bug:  # whoever waits for the result is not left waiting
                result.set_exception(bug)
                raise

    def _verify(self, path: Path, result: Future[Model]) -> _Verified:
        from edge.inference.backends import holds_coral

        running = self._running
        model = self._read(path)
        if running.is_same(model):
            return _Verified(path, result, running)
        verify(model, running)
        if model.compiled_for_edgetpu and holds_coral(running.classifier.interpreter):
            return _Verified(path, result, to_open=model)
        return _Verified(path, result, self._opened(model, running))

    def _opened(self, model: Model, running: InService) -> InService:
        from edge.inference.backends import release

        after = InService(model, self._open(model))
        try:
            check_answers(after.classifier, running)
        except (ModelError, BackendUnavailable):
            release(after.classifier.interpreter)  # the error's traceback would hold it
            raise
        return after

    def _settle(self, verified: _Verified) -> None:
        try:
            if verified.error is not None:
                raise verified.error
            after = verified.opened
            if verified.to_open is not None:
                after = self._change_coral(verified.to_open)
        except (ModelError, BackendUnavailable) as error:
            self._refused_last = True
            verified.result.set_exception(error)
            for observer in self._observers:
                observer.model_refused(verified.path, error)
            return
        assert after is not None
        # What was refused is gone when the model in service lies there again: that is told as a change, too.
        before, is_news = self._running, after is not self._running or self._refused_last
        self._running, self._refused_last = after, False
        verified.result.set_result(after.model)
        for observer in self._observers if is_news else ():
            observer.model_changed(before, after)

    def _change_coral(self, model: Model) -> InService:
        """Open a model on the Coral that is in use: it is given back first, and frames wait meanwhile.

        Raises what is wrong with the model, once the old one is on the Coral again.
        """
        from edge.inference.backends import release

        running = self._running
        release(running.classifier.interpreter)
        try:
            return self._opened(model, running)
        except (ModelError, BackendUnavailable):
            self._running = InService(running.model, self._open(running.model))
            for observer in self._observers:
                observer.model_changed(running, self._running)
            raise
