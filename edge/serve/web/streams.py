"""Responses without end: pictures after pictures, events after events."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.types import Receive, Scope, Send

    from edge.serve.live_pictures import Picture

BOUNDARY = "picture"
MJPEG = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
EVENT_STREAM = "text/event-stream; charset=utf-8"


class Stream:
    """A response of pieces as they come; it ends with them, or when the client hangs up.

    A client that stops reading stops its own pieces alone: the connection's limit ends it
    (edge/serve/web/connection.py).
    """

    def __init__(self, pieces: AsyncGenerator[bytes], content_type: str, headers: dict[str, str] | None = None) -> None:
        self._pieces = pieces
        self._headers = {"content-type": content_type, "cache-control": "no-store", **(headers or {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the pieces."""
        headers = [(name.encode(), value.encode()) for name, value in self._headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if scope["method"] == "HEAD":
            await self._pieces.aclose()
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        sending = asyncio.ensure_future(self._send(send))
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait({sending, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, gone):
                task.cancel()
            with suppress(asyncio.CancelledError):
                await gone
        with suppress(asyncio.CancelledError):
            await sending

    async def _send(self, send: Send) -> None:
        async with aclosing(self._pieces) as pieces:
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        """A body that nobody wants."""


async def multipart(pictures: AsyncGenerator[Picture]) -> AsyncGenerator[bytes]:
    """Pictures as the parts of multipart/x-mixed-replace.

    Each part ends with the next boundary: a browser shows a picture when it has seen that.
    """
    async with aclosing(pictures):
        yield f"--{BOUNDARY}\r\n".encode()
        async for picture in pictures:
            head = f"Content-Type: image/jpeg\r\nContent-Length: {len(picture.jpeg)}\r\n\r\n"
            yield head.encode() + picture.jpeg + f"\r\n--{BOUNDARY}\r\n".encode()
