"""The options that start listeners, and the listeners that they ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.events.listener import Listener
    from edge.events.publisher import Publisher

LISTENERS = "Listeners"


@dataclass(frozen=True, slots=True)
class ListenerOptions:
    """Who is told of events beside stdout."""

    def are_given(self) -> bool:
        """Whether any listener is asked for."""
        return False

    def listeners(self, publisher: Publisher, labels: tuple[str, ...]) -> list[Listener]:
        """The listeners that the options ask for; `labels` are the model's. Raises BadOption or MissingExtra."""
        found: list[Listener] = []
        return found
