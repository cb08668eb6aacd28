"""A picture that is sent is classified."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from edge.serve.picture_worker import MOST_BYTES
from edge.serve.web.body import check_type, read_body
from edge.serve.web.problem import Problem

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from edge.serve.site import Site

PICTURES = (
    "application/octet-stream",
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/bmp",
    "image/tiff",
    "image/avif",
    "image/heic",
    "image/heif",
    "image/x-portable-anymap",
)
"""Types that no form of another site can send without being asked first."""

HINT = "curl --data-binary @shirt.jpg -H 'Content-Type: image/jpeg' .../api/classify"


async def classify(site: Site, request: Request) -> ASGIApp:
    """The prediction, as the command line's JSON has it."""
    check_type(request, PICTURES, HINT)
    return JSONResponse(await site.worker.classify(lambda: _picture(request)))


async def _picture(request: Request) -> bytes:
    content = await read_body(request, MOST_BYTES)
    if not content:
        raise Problem("unusable", "the picture is empty (zero bytes)", HINT)
    return content
