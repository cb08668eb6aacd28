"""The newest frame as a JPEG: encoded once for all who look, and only while somebody does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from edge.opencv import cv2
from edge.output.view_sheet import draw_outlines, first_views

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.serve.live_state import LiveState, Look

PICTURES_PER_S = 15.0
LONGEST_EDGE = 960
JPEG_QUALITY = 80
VIEW_HEIGHT = 224
"""Of what the network sees, enlarged: eight pixels for one."""

SEND_AGAIN_S = 0.5
"""A picture that no other follows is sent twice: Chromium shows one when it has seen the head of the next."""

LOOK_AGAIN_S = 0.01
"""So soon a new frame is looked for, once one is due."""


class View(StrEnum):
    """What is shown of a frame."""

    PLAIN = "plain"
    OUTLINE = "outline"
    NETWORK = "network"


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG, of the answer with this number."""

    number: int
    jpeg: bytes


class LivePictures:
    """Encodes for the readers of its streams, and for those who ask for one picture. For the server's loop alone."""

    def __init__(self, live: LiveState) -> None:
        self._live = live
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pictures")
        self._newest: dict[View, Picture] = {}
        self._encoding: dict[View, asyncio.Task[Picture | None]] = {}
        self._closed = False
        self.readers = 0

    async def newest(self, view: View) -> Picture | None:
        """The newest frame; None before the first. Who asks while it is encoded gets the same."""
        look = self._live.look
        if look is None or self._closed:
            return None
        picture = self._newest.get(view)
        if picture is not None and picture.number == look.number:
            return picture
        task = self._encoding.get(view)
        if task is None:
            task = self._encoding[view] = asyncio.get_running_loop().create_task(self._encode(view, look))
        return await asyncio.shield(task)

    async def stream(self, view: View) -> AsyncGenerator[Picture]:
        """Newest frames, at most PICTURES_PER_S, until the reader goes; each once, the last of a while twice."""
        self.readers += 1
        seen = -1
        again_s = float("inf")
        try:
            while not self._closed:
                began = time.monotonic()
                look = self._live.look
                if look is not None and (look.number != seen or began >= again_s):
                    picture = await self.newest(view)
                    if picture is not None and (picture.number != seen or began >= again_s):
                        again_s = began + SEND_AGAIN_S if picture.number != seen else float("inf")
                        seen = picture.number
                        yield picture
                        await asyncio.sleep(max(0.0, 1 / PICTURES_PER_S - (time.monotonic() - began)))
                        continue
                await asyncio.sleep(LOOK_AGAIN_S)
        finally:
            self.readers -= 1

    def close(self) -> None:
        """End the streams and the encoder's thread."""
        self._closed = True
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _encode(self, view: View, look: Look) -> Picture | None:
        try:
            jpeg = await asyncio.get_running_loop().run_in_executor(self._thread, jpeg_of, look, view)
            picture = self._newest[view] = Picture(look.number, jpeg)
            return picture
        finally:
            del self._encoding[view]


def jpeg_of(look: Look, view: View) -> bytes:
    """A frame's JPEG, at most LONGEST_EDGE wide and high."""
    pixels = _network(look) if view is View.NETWORK else _shown(look, view)
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()


def _shown(look: Look, view: View) -> NDArray[np.uint8]:
    pixels = look.frame.pixels
    scale = LONGEST_EDGE / max(pixels.shape[:2])
    if scale < 1:
        size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    if view is View.OUTLINE and look.seen is not None and look.seen.garment is not None:
        pixels = pixels.copy()  # the frame is everybody's
        draw_outlines(pixels, look.seen)
    return pixels


def _network(look: Look) -> NDArray[np.uint8]:
    """Side by side, in the network's colours; black where it saw nothing."""
    views = first_views(look.seen) if look.seen is not None else []
    if not views:
        return np.zeros((VIEW_HEIGHT, VIEW_HEIGHT), np.uint8)
    scale = max(1, VIEW_HEIGHT // max(views[0].shape))
    return np.concatenate([view.repeat(scale, axis=0).repeat(scale, axis=1) for view in views], axis=1)
