"""All that the server works on, and the seams to what is not its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from edge.serve.access import Access
    from edge.serve.event_feed import EventFeed
    from edge.serve.label_folder import LabelFolder
    from edge.serve.live_pictures import LivePictures
    from edge.serve.live_state import LiveState
    from edge.serve.metric_text import MetricText
    from edge.serve.picture_worker import PictureWorker
    from edge.serve.web.static import StaticFiles


class Models(Protocol):
    """The models that may answer. Its methods may block, and are called in any thread."""

    def as_json(self) -> list[dict[str, Any]]:
        """Each model's name, SHA-256, whether it is in service, its accuracy and card, as JSON."""
        ...

    def switch(self, name: str) -> None:
        """Put a model into service between two frames. Raises a ModelError; the old one stays then."""
        ...


@dataclass(frozen=True, slots=True)
class Site:
    """What a handler is given. `label` is None without --keep, `metrics` without the extra."""

    live: LiveState
    feed: EventFeed
    pictures: LivePictures
    worker: PictureWorker
    label: LabelFolder | None
    models: Models
    metrics: MetricText | None
    access: Access
    files: StaticFiles
    version: str
    labels: tuple[str, ...]
