"""A request's body, bounded: in bytes, and in the time that it takes to come."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from edge.documents import parse_json
from edge.serve.web.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.requests import Request

LONGEST_JSON = 64 << 10
SLOWEST_S = 30.0


async def read_body(request: Request, most_bytes: int, slowest_s: float = SLOWEST_S) -> bytes:
    """The body, if it is no larger and comes in time. Raises Problem."""
    stated = request.headers.get("content-length", "0")
    if stated.isdecimal() and int(stated[:20]) > most_bytes:
        raise _too_large(most_bytes)
    body = bytearray()
    try:
        async with asyncio.timeout(slowest_s):
            while True:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise Problem("bad-request", "the client is gone")
                body += message.get("body", b"")
                if len(body) > most_bytes:
                    raise _too_large(most_bytes)
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise Problem("too-slow", f"the body did not come within {slowest_s:.0f} seconds") from None


async def read_json(request: Request) -> dict[str, Any]:
    """The JSON object in the body. Raises Problem."""
    check_type(request, {"application/json"}, "Content-Type: application/json")
    content = await read_body(request, LONGEST_JSON)
    try:
        value = parse_json(content)
    except ValueError as error:
        raise Problem("bad-request", f"the body is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise Problem("bad-request", "the body is no JSON object")
    return value


def type_of(request: Request) -> str:
    """The body's content type without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def check_type(request: Request, types: Collection[str], hint: str) -> None:
    """Raise Problem unless the body is of one of these types."""
    if type_of(request) not in types:
        raise Problem("unsupported-type", f"{type_of(request) or 'no content type'} is not taken here", hint)


def _too_large(most_bytes: int) -> Problem:
    size = f"{most_bytes >> 20} MB" if most_bytes >= 1 << 20 else f"{most_bytes >> 10} KB"
    return Problem("too-large", f"the body is larger than {size}")
