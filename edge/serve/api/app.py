"""The ASGI application: the table of routes and the page's files, behind the guard."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route, Router

from edge.serve.api import openapi, pages
from edge.serve.api.routes import ENDPOINTS
from edge.serve.web.guard import Guard
from edge.serve.web.problem import Problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from edge.serve.site import Site

    Handler = Callable[[Site, Request], Awaitable[ASGIApp]]


def make_app(site: Site, hosts: Iterable[str] = ()) -> ASGIApp:
    """The application; `hosts` are names of this server beside its own."""
    described = openapi.document(ENDPOINTS, site.version)

    async def describe(_site: Site, _request: Request) -> ASGIApp:
        return JSONResponse(described)

    table: dict[str, dict[str, Handler]] = {openapi.PATH: {"GET": describe}}
    for address in site.files.addresses:
        table[address] = {"GET": pages.page}
    for one in ENDPOINTS:
        # The form that asks for the token is a file, too, with a handler of its own.
        methods = table.setdefault(one.path, {})
        methods[one.method] = one.handler
    # Starlette takes the first that fits: the longest begin, and {id} comes after what is fixed.
    routes = [Route(path, _Methods(site, table[path]), methods=None) for path in sorted(table, key=_order)]
    router = Router(routes, redirect_slashes=False, default=_nowhere)
    return Guard(_Answered(router), site.access, hosts)


def _order(path: str) -> tuple[bool, str]:
    return "{" in path, path


class _Methods:
    """An application for one path: a handler for each method; HEAD is GET without its body."""

    def __init__(self, site: Site, handlers: dict[str, Handler]) -> None:
        self._site = site
        self._handlers = handlers | ({"HEAD": handlers["GET"]} if "GET" in handlers else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        handler = self._handlers.get(scope["method"])
        if handler is None:
            allowed = ", ".join(sorted(self._handlers))
            raise Problem("method-not-allowed", f"there is {allowed}", headers={"allow": allowed})
        response = await handler(self._site, Request(scope, receive))
        await response(scope, receive, send)


class _Answered:
    """An application around another: whatever is raised becomes a problem, and a bug is told on stderr, once."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._told: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noting(message: object) -> None:
            nonlocal started
            started = True
            await send(message)  # type: ignore[arg-type]

        try:
            await self._app(scope, receive, noting)
        except Problem as problem:
            await problem(scope, receive, send)
        except ClientDisconnect:
            """Nobody is there to be answered."""
        except Exception as bug:
            self._tell(bug)
            if not started:
                await Problem("bug", "the server's log says more")(scope, receive, send)

    def _tell(self, bug: Exception) -> None:
        where = traceback.format_exception(bug)
        if where[-2:] and len(self._told) < 100 and (key := "".join(where[-2:])) not in self._told:
            self._told.add(key)
            sys.stderr.write("".join(where))


async def _nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    raise Problem("not-found", "there is nothing at this address", "GET /api/openapi.json lists what there is")
