"""Pictures are encoded once for all who look, and for nobody when nobody does."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from edge.frame import Frame
from edge.opencv import cv2
from edge.serve import live_pictures
from edge.serve.live_pictures import LONGEST_EDGE, LivePictures, View, jpeg_of
from edge.serve.live_state import Look
from edge.serve.web.streams import multipart
from edge.testing import FakeSource


def look_at(number: int, height: int = 480, width: int = 640) -> Look:
    pixels = cv2.resize(FakeSource.draw(number), (width, height))
    return Look(number, Frame(np.asarray(pixels, np.uint8), "camera:0", number, 0.0, 0.0), None)


@dataclass
class Camera:
    """What a LiveState has of a frame."""

    look: Look | None = None


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the frames that were encoded."""
    numbers: list[int] = []

    def counting(look: Look, view: View) -> bytes:
        numbers.append(look.number)
        return jpeg_of(look, view)

    monkeypatch.setattr(live_pictures, "jpeg_of", counting)
    return numbers


def test_twenty_viewers_are_one_encoder_s_work(encoded: list[int]) -> None:
    async def look() -> list[int]:
        camera: Any = Camera(look_at(0))
        pictures = LivePictures(camera)

        async def viewer() -> list[int]:
            async with aclosing(pictures.stream(View.PLAIN)) as stream:
                return [(await anext(stream)).number for _ in range(5)]

        viewing = [asyncio.create_task(viewer()) for _ in range(20)]
        for number in range(1, 200):
            camera.look = look_at(number)
            await asyncio.sleep(0.02)
            if all(one.done() for one in viewing):
                break
        seen = [await one for one in viewing]
        assert pictures.readers == 0
        pictures.close()
        assert all(numbers == sorted(set(numbers)) for numbers in seen)
        return seen[0]

    assert len(asyncio.run(look())) == 5
    assert encoded == sorted(set(encoded))
    assert len(encoded) < 20


def test_nobody_looks_and_nothing_is_encoded(encoded: list[int]) -> None:
    async def look() -> None:
        pictures = LivePictures(Camera(look_at(0)))  # type: ignore[arg-type]
        async with aclosing(pictures.stream(View.PLAIN)) as stream:
            await anext(stream)
        await asyncio.sleep(0.2)
        assert encoded == [0]
        assert await pictures.newest(View.PLAIN) is await pictures.newest(View.PLAIN)
        assert encoded == [0]
        pictures.close()

    asyncio.run(look())


def test_streams_end_with_the_server() -> None:
    async def look() -> list[int]:
        pictures = LivePictures(Camera(look_at(7)))  # type: ignore[arg-type]
        asyncio.get_running_loop().call_later(0.1, pictures.close)
        return [one.number async for one in pictures.stream(View.NETWORK)]

    assert asyncio.run(look()) == [7]


def test_a_part_ends_with_the_next_boundary() -> None:
    """A browser shows a picture when it has seen that."""

    async def look() -> bytes:
        pictures = LivePictures(Camera(look_at(0)))  # type: ignore[arg-type]
        asyncio.get_running_loop().call_later(0.2, pictures.close)
        return b"".join([piece async for piece in multipart(pictures.stream(View.PLAIN))])

    content = asyncio.run(look())
    assert content.startswith(b"--picture\r\nContent-Type: image/jpeg\r\n")
    assert content.endswith(b"\xff\xd9\r\n--picture\r\n")


@pytest.mark.parametrize(("height", "width"), [(3000, 4000), (4000, 300), (1, 5000)])
def test_a_large_frame_is_made_smaller(height: int, width: int) -> None:
    jpeg = jpeg_of(look_at(0, height, width), View.OUTLINE)
    shown = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert max(shown.shape[:2]) == LONGEST_EDGE
