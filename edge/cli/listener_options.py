"""The options that start listeners, and the listeners that they ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from edge.events.listener import Listener
    from edge.events.publisher import Publisher

LISTENERS = "Listeners"


@dataclass(frozen=True, slots=True)
class ListenerOptions:
    """Who is told of events beside stdout."""

    metrics: Annotated[
        str | None,
        typer.Option(
            metavar="[ADDRESS:]PORT",
            help="Serve metrics to Prometheus; to this machine alone unless an address is given.",
            rich_help_panel=LISTENERS,
        ),
    ] = None
    gpio: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LABEL=PIN",
            help="Switch this pin on while that is the answer; also unknown=PIN, no_garment=PIN, camera_lost=PIN. "
            "Repeatable.",
            rich_help_panel=LISTENERS,
        ),
    ] = None

    def are_given(self) -> bool:
        """Whether any listener is asked for."""
        return self.metrics is not None or bool(self.gpio)

    def listeners(self, publisher: Publisher, labels: tuple[str, ...]) -> list[Listener]:
        """The listeners that the options ask for; `labels` are the model's. Raises BadOption or MissingExtra."""
        found: list[Listener] = []
        if self.metrics is not None:
            from edge.events.metrics import Metrics, parse_address

            found.append(Metrics(*parse_address(self.metrics), publisher, labels))
        if self.gpio:
            from edge.events.gpio import Gpio, parse_pins

            found.append(Gpio(parse_pins(self.gpio, labels)))
        return found
