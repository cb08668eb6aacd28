"""A site without a network: what the server works on, fed with a real run of a few frames."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from edge.choices import DEFAULT_MODEL
from edge.deployment.candidate import InService
from edge.deployment.model_in_service import ModelInService
from edge.events.publisher import Publisher
from edge.events.run import Run
from edge.events.run_state import RunState
from edge.inference.classifier import Classifier, open_classifier
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import read_model
from edge.serve.access import Access
from edge.serve.api.app import make_app
from edge.serve.event_feed import EventFeed
from edge.serve.label_folder import LabelFolder
from edge.serve.live_pictures import LivePictures
from edge.serve.live_state import LiveState
from edge.serve.metric_text import open_metrics
from edge.serve.picture_worker import PictureWorker, WorkerModel
from edge.serve.served_models import ServedModels
from edge.serve.site import Site
from edge.serve.web.static import StaticFiles
from edge.stream.review_folder import ReviewFolder
from edge.testing import FakeSource

PORT = 8470
ORIGIN = f"http://localhost:{PORT}"


@dataclass(frozen=True)
class Served:
    """A site, the run that feeds it, and a browser's side of it."""

    site: Site
    run: Run
    client: TestClient
    service: ModelInService

    def answer(self, frames: int = 1) -> None:
        """Let the run answer some frames of the test pattern."""
        for frame in FakeSource(frames):
            self.run.answer(frame, self.service(frame))


@contextmanager
def serving(classifier: Classifier, keep: Path | None = None, token: str | None = None) -> Iterator[Served]:
    publisher = Publisher(classifier.model_sha256)
    state = RunState(classifier.model_sha256, DEFAULT_MODEL, classifier.interpreter.name)
    service = ModelInService(
        InService(read_model(DEFAULT_MODEL), classifier),
        lambda path: read_model(str(path)),
        lambda model: open_classifier(model, open_interpreter(model)),
    )
    live = LiveState(publisher, state, lambda: service.current.last_seen)
    worker_model = WorkerModel(DEFAULT_MODEL, classifier.model_sha256, None, None, None, None, 1, None)
    if keep is not None:
        ReviewFolder(keep, 10_000_000, classifier.labels, DEFAULT_MODEL).__exit__(None, None, None)
    site = Site(
        live=live,
        feed=EventFeed(),
        pictures=LivePictures(live),
        worker=PictureWorker(lambda: worker_model),
        label=None if keep is None else LabelFolder(keep, classifier.labels),
        models=ServedModels(service, DEFAULT_MODEL),
        metrics=open_metrics(classifier.labels, publisher, DEFAULT_MODEL),
        access=Access(token, port=PORT, secure=False),
        files=StaticFiles(),
        version="1.2.3",
        labels=classifier.labels,
    )
    for subscriber in (live.take, site.feed.take, *([site.metrics.take] if site.metrics else [])):
        publisher.subscribe(subscriber)
    with TestClient(_living(make_app(site)), base_url=ORIGIN, follow_redirects=False) as client:
        try:
            run = Run(publisher)
            service.tell(run)
            yield Served(site, run, client, service)
        finally:
            site.worker.close()
            site.pictures.close()


def _living(app: ASGIApp) -> ASGIApp:
    """The application, for a client that wants to be told that it has started."""

    async def living(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        for event in ("startup", "shutdown"):
            assert (await receive())["type"] == f"lifespan.{event}"
            await send({"type": f"lifespan.{event}.complete"})

    return living


def put_frames(keep: Path, count: int, suffix: str = ".jpg") -> list[str]:
    """Frames that wait to be sorted, as the review folder leaves them; their ids."""
    ids = [f"{number:08}-20261125T090700Z" for number in range(1, count + 1)]
    for one in ids:
        (keep / "_unsorted" / f"{one}{suffix}").write_bytes(f"picture {one}".encode())
        note = (
            '{"v": 1, "time": "2026-11-25T09:07:00Z", "label": "Coat", "score": 0.4, "decision": "unknown", "top": []}'
        )
        (keep / "_unsorted" / f"{one}.json").write_text(note)
    return ids


def problem_of(response: Any) -> str:
    """The kind of problem in a response, which is one."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    document = response.json()
    assert document["status"] == response.status_code
    return str(document["type"]).removeprefix("urn:fmnist-edge:problem:")
