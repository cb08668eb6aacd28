"""Options whose text has a grammar of its own. It is read with the command line, as numbers and choices are.

So a mistake in it is told with all others by `config check`, and before anything is opened.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any


def _checks(example: object) -> Callable[[Callable[[Any], object]], Callable[[Any], Any]]:
    """A callback for an option: lets a reader raise BadOption, and gives the value as it is. None is not read.

    `example` is a value that is right, for the example of a configuration.
    """

    def checked(read: Callable[[Any], object]) -> Callable[[Any], Any]:
        @wraps(read)
        def callback(value: Any) -> Any:
            if value is not None:
                read(value)
            return value

        callback.__dict__["example"] = example
        return callback

    return checked


@_checks(example="0.2,0.1,0.6,0.8")
def roi(value: Any) -> None:
    """`x,y,w,h`."""
    from edge.isolation.roi import parse_roi

    parse_roi(value)


@_checks(example="vote:3/5")
def smoothing(value: Any) -> None:
    """`none`, `average:0.6`, `vote:3/5`, `hysteresis:3`."""
    if value != "none":
        from edge.stream.smoothing import parse_smoothing

        parse_smoothing(value, lambda: 0.0)


@_checks(example="250MB")
def size(value: Any) -> None:
    """`250MB`."""
    if value not in {DEFAULT_SIZE, DEFAULT_QUEUE_SIZE}:
        from edge.stream.review_folder import parse_size

        parse_size(value)


@_checks(example="640x480")
def resolution(value: Any) -> None:
    """`640x480`."""
    from edge.sources.settings import parse_resolution

    parse_resolution(value)


@_checks(example=15)
def rate(value: Any) -> None:
    """Frames a second."""
    from edge.sources.settings import parse_fps

    parse_fps(value)


@_checks(example="forever")
def retry(value: Any) -> None:
    """A number, or `forever`."""
    from edge.sources.settings import parse_retry

    parse_retry(value)


@_checks(example="https://example.org/hook")
def webhook(value: Any) -> None:
    """An address that can be posted to."""
    from edge.events.listeners.http_post import checked_url

    checked_url(value, "--webhook")


@_checks(example="9100")
def metrics(value: Any) -> None:
    """`9100`, `0.0.0.0:9100`."""
    from edge.events.listeners.metrics import parse_address

    parse_address(value)


@_checks(example="Sneaker=17")
def gpio(value: Any) -> None:
    """A list of `LABEL=PIN`."""
    if value:
        from edge.events.listeners.gpio import split_rule

        for rule in value:
            split_rule(rule)


@_checks(example="mqtt://shelf@192.168.1.2/garments/shelf-1")
def broker(value: Any) -> None:
    """`mqtt://USER@HOST:PORT/BASE/TOPIC`."""
    from edge.events.listeners.mqtt_broker import parse_broker

    parse_broker(value)


@_checks(example="homeassistant")
def discovery(value: Any) -> None:
    """The beginning of a topic, or `none`."""
    if value not in {DEFAULT_DISCOVERY, NO_DISCOVERY}:
        from edge.events.listeners.mqtt_broker import checked_topic

        checked_topic(value, "--mqtt-discovery")


DEFAULT_DISCOVERY, NO_DISCOVERY = "homeassistant", "none"
"""Where Home Assistant looks unless told otherwise; and what keeps it from being told."""

DEFAULT_SIZE = "250MB"
"""Of the folder that frames are kept in."""

DEFAULT_QUEUE_SIZE = "20MB"
"""Of the folder where events wait for a webhook."""
