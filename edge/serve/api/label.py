"""Uncertain frames are sorted into classes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from edge.serve.label_archive import zip_pieces
from edge.serve.web.body import read_json
from edge.serve.web.problem import Problem
from edge.serve.web.streams import Stream

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from edge.serve.label_folder import LabelFolder, Moved
    from edge.serve.site import Site

MOST_LISTED = 200
MOST_IDS = 500


async def listing(site: Site, request: Request) -> ASGIApp:
    """The newest frames that wait, and the counts."""
    folder = _folder(site)
    text = request.query_params.get("limit", "60")
    if not (text.isascii() and text.isdecimal() and len(text) < 5 and 1 <= int(text) <= MOST_LISTED):
        raise Problem("bad-request", "limit is no number that can be used", f"1 to {MOST_LISTED}")
    before = request.query_params.get("before")
    try:
        entries = await asyncio.to_thread(folder.entries, int(text), before)
        counts = await asyncio.to_thread(folder.counts)
    except OSError as error:
        raise _disk(error) from error
    return JSONResponse({"v": 1, "frames": entries, "targets": folder.targets, **counts})


async def picture(site: Site, request: Request) -> ASGIApp:
    """A frame that waits."""
    try:
        found = await asyncio.to_thread(_folder(site).picture, request.path_params["id"])
    except OSError as error:
        raise _disk(error) from error
    if found is None:
        raise Problem("not-found", "no such frame waits to be sorted")
    # An id is never given to another picture.
    return Response(found[0], media_type=found[1], headers={"cache-control": "private, max-age=86400, immutable"})


async def move(site: Site, request: Request) -> ASGIApp:
    """Move frames into a class."""
    folder = _folder(site)
    wanted = await read_json(request)
    ids, target = wanted.get("ids"), wanted.get("to")
    if not isinstance(ids, list) or not 1 <= len(ids) <= MOST_IDS or not all(isinstance(one, str) for one in ids):
        raise Problem(
            "bad-request", "ids is no list of frames", f'{{"ids": ["..."], "to": "..."}}, 1 to {MOST_IDS} ids'
        )
    if target not in folder.targets or not isinstance(target, str):
        raise Problem("bad-request", "to is nothing that frames can be moved to", ", ".join(folder.targets))
    try:
        moved = await asyncio.to_thread(folder.move, ids, target)
    except OSError as error:
        raise _disk(error) from error
    return await _answer(folder, moved)


async def undo(site: Site, request: Request) -> ASGIApp:
    """Take the last move back."""
    folder = _folder(site)
    await read_json(request)
    try:
        moved = await asyncio.to_thread(folder.undo)
    except OSError as error:
        raise _disk(error) from error
    return await _answer(folder, moved)


async def archive(site: Site, _request: Request) -> ASGIApp:
    """All sorted frames, as a zip."""
    folder = _folder(site)
    headers = {"content-disposition": 'attachment; filename="sorted.zip"'}
    return Stream(_pieces(folder), "application/zip", headers)


async def _pieces(folder: LabelFolder) -> AsyncGenerator[bytes]:
    pieces = zip_pieces(folder.sorted_pictures())
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        if piece:
            yield piece


async def _answer(folder: LabelFolder, moved: Moved) -> ASGIApp:
    """What was done. Where nothing could be, a problem: the frames are where they were."""
    missing = "it is not there any more"
    if moved.failed and not moved.done and set(moved.failed.values()) != {missing}:
        reason = next(text for text in moved.failed.values() if text != missing)
        raise Problem("disk", f"{reason}: nothing was moved, and nothing is lost", "make room, and try again")
    counts: dict[str, Any] = {}
    try:
        counts = await asyncio.to_thread(folder.counts)
    except OSError as error:
        raise _disk(error) from error
    failed = [{"id": one, "reason": reason} for one, reason in moved.failed.items()]
    return JSONResponse({"v": 1, "moved": moved.done, "failed": failed, **counts})


def _folder(site: Site) -> LabelFolder:
    if site.label is None:
        raise Problem("not-found", "no frames are kept", "fmnist-edge serve --keep DIR keeps uncertain frames")
    return site.label


def _disk(error: OSError) -> Problem:
    return Problem("disk", f"the folder of --keep: {error.strerror or error}", "check the disk; nothing is lost")
