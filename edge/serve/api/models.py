"""Which models there are, which one answers, and that another shall."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from edge.errors import FmnistEdgeError
from edge.serve.web.body import read_json
from edge.serve.web.problem import Problem

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from edge.serve.site import Site


async def models(site: Site, _request: Request) -> ASGIApp:
    """The models."""
    return JSONResponse({"v": 1, "models": await asyncio.to_thread(site.models.as_json)})


async def switch(site: Site, request: Request) -> ASGIApp:
    """Put another model into service."""
    name = (await read_json(request)).get("name")
    if not isinstance(name, str) or name not in {one["name"] for one in await asyncio.to_thread(site.models.as_json)}:
        raise Problem("not-found", "there is no such model", "GET /api/models lists them")
    try:
        await asyncio.to_thread(site.models.switch, name)
    except FmnistEdgeError as error:
        raise Problem.of(error, "conflict") from error
    return await models(site, request)
