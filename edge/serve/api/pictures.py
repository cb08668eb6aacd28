"""What the camera sees: one picture, or one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from edge.serve.live_pictures import View
from edge.serve.web.problem import Problem
from edge.serve.web.streams import MJPEG, Stream, multipart

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from edge.serve.site import Site

VIEWERS = 40


async def frame(site: Site, request: Request) -> ASGIApp:
    """The newest frame."""
    picture = await site.pictures.newest(_view(request))
    if picture is None:
        raise Problem("not-found", "no frame has been answered yet")
    return Response(picture.jpeg, media_type="image/jpeg", headers={"x-frame-number": str(picture.number)})


async def stream(site: Site, request: Request) -> ASGIApp:
    """Frames as they come."""
    view = _view(request)
    if site.pictures.readers >= VIEWERS:
        raise Problem("too-many", f"{VIEWERS} viewers are looking already", headers={"retry-after": "10"})
    return Stream(multipart(site.pictures.stream(view)), MJPEG)


def _view(request: Request) -> View:
    try:
        return View(request.query_params.get("view", View.PLAIN))
    except ValueError:
        raise Problem("bad-request", "there is no such view", f"view is one of {', '.join(View)}") from None
