"""One row of the table of routes: what is done, and what the OpenAPI document says of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from edge.serve.site import Site

    Handler = Callable[[Site, Request], Awaitable[ASGIApp]]
else:
    Handler = Callable


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter in the path or the query."""

    name: str
    where: str
    schema: Mapping[str, Any]
    text: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A method of a path. `answers` are content types and schemas of what comes with 200, `problems` what else may."""

    method: str
    path: str
    handler: Handler
    summary: str
    answers: Mapping[str, Mapping[str, Any]]
    problems: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    body: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    is_open: bool = False
    """Whether it answers without a token."""
