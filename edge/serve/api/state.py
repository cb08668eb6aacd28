"""How the run stands: state, history, events."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from edge.serve.web.streams import EVENT_STREAM, Stream

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from edge.serve.site import Site


async def state(site: Site, _request: Request) -> ASGIApp:
    """The state, with the counts of the label folders."""
    found = site.live.as_json()
    models = await asyncio.to_thread(site.models.as_json)
    accuracy = next((one["accuracy"] for one in models if one["sha256"] == found["model"]["sha256"]), None)
    found["model"]["accuracy"] = accuracy
    beside = {"version": site.version, "labels": list(site.labels), "label": await label_counts(site)}
    return JSONResponse(found | beside | {"asks_token": not site.access.is_open})


async def label_counts(site: Site) -> dict[str, Any] | None:
    """What waits to be sorted, and what is; None without --keep, and where the folder cannot be read."""
    if site.label is None:
        return None
    try:
        return await asyncio.to_thread(site.label.counts)
    except OSError:
        return None


async def history(site: Site, _request: Request) -> ASGIApp:
    """The last hour by the minute."""
    return JSONResponse({"v": 1, "buckets": site.live.history()})


async def events(site: Site, request: Request) -> ASGIApp:
    """Events as they happen."""
    last = request.headers.get("last-event-id", "")
    is_id = last.isascii() and last.isdecimal() and len(last) < 19
    return Stream(site.feed.read(int(last) if is_id else None), EVENT_STREAM)
