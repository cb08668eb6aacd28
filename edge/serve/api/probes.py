"""What other programs ask: whether the run lives, whether it answers, its metrics, and what can be asked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from edge.serve.live_state import SILENT_S
from edge.serve.web.problem import Problem

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from edge.serve.site import Site

METRICS = "text/plain; version=0.0.4; charset=utf-8"


async def healthz(site: Site, _request: Request) -> ASGIApp:
    """Whether frames come, or a lost camera is looked after."""
    if site.live.silent_s > SILENT_S:
        raise Problem("not-alive", f"nothing was heard of the run for {site.live.silent_s:.0f} seconds")
    return JSONResponse({"status": "ok"})


async def readyz(site: Site, _request: Request) -> ASGIApp:
    """Whether camera and model give answers."""
    why_not = site.live.not_ready
    if why_not is not None:
        raise Problem("not-ready", why_not)
    return JSONResponse({"status": "ok"})


async def metrics(site: Site, _request: Request) -> ASGIApp:
    """Metrics for Prometheus."""
    if site.metrics is None:
        raise Problem("not-found", "prometheus-client is not installed", "pip install 'fmnist-edge[metrics]'")
    return Response(await asyncio.to_thread(site.metrics.as_text), media_type=METRICS)
