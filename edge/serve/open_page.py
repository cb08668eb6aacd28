"""Puts the server together around a run, and takes it apart again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

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
from edge.serve.web.web_server import Certificate, WebServer, bind

if TYPE_CHECKING:
    from edge.deployment.model_in_service import ModelInService
    from edge.events.publisher import Publisher
    from edge.events.run_state import RunState

SWITCH_INTERVAL_S = 0.0005
"""Python lets a thread keep the interpreter for 5 ms, and a frame asks for it some thirty times."""


@dataclass(frozen=True, slots=True)
class PageSettings:
    """Where the page is served, to whom, and what belongs to it. `worker` is the model for pictures that are sent."""

    host: str
    port: int
    token: str | None
    hosts: tuple[str, ...]
    certificate: Certificate | None
    keep: Path | None
    worker: WorkerModel
    version: str


@contextmanager
def open_page(
    settings: PageSettings,
    publisher: Publisher,
    state: RunState,
    service: ModelInService,
    say: Callable[[str], None],
) -> Iterator[LiveState]:
    """Serve the page of a run; `say` is given its address. Gives what wants to know of signs of life.

    Raises BadOption or OutputFailed.
    """
    classifier = service.current
    live = LiveState(publisher, state, lambda: service.current.last_seen)
    feed = EventFeed()
    pictures = LivePictures(live)
    worker = PictureWorker(lambda: _answering(settings.worker, service))
    metrics = open_metrics(classifier.labels, publisher, state.model_name)
    listening = bind(settings.host, settings.port)
    port = int(listening.getsockname()[1])
    access = Access(settings.token, port=port, secure=settings.certificate is not None)
    site = Site(
        live=live,
        feed=feed,
        pictures=pictures,
        worker=worker,
        label=None if settings.keep is None else LabelFolder(settings.keep, classifier.labels),
        models=ServedModels(service, settings.worker.model),
        metrics=metrics,
        access=access,
        files=StaticFiles(),
        version=settings.version,
        labels=classifier.labels,
    )

    async def closing() -> None:
        feed.close()
        pictures.close()

    before_s = sys.getswitchinterval()
    try:
        app = make_app(site, (*settings.hosts, settings.host))
        with WebServer(app, listening, settings.certificate, closing):
            sys.setswitchinterval(SWITCH_INTERVAL_S)
            for subscriber in (live.take, feed.take, *([metrics.take] if metrics else [])):
                publisher.subscribe(subscriber)
            say(f"page: {_address(settings, port)}")
            yield live
    finally:
        sys.setswitchinterval(before_s)
        worker.close()
        listening.close()


def _answering(model: WorkerModel, service: ModelInService) -> WorkerModel:
    """The model that answers for the camera at this moment."""
    return replace(model, model=str(service.model.path), sha256=service.current.model_sha256)


def _address(settings: PageSettings, port: int) -> str:
    host = {"0.0.0.0": "", "::": "", "": ""}.get(settings.host, settings.host)  # noqa: S104 - only looked at
    if not host:
        import socket

        host = socket.gethostname()
    scheme = "http" if settings.certificate is None else "https"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}/"
