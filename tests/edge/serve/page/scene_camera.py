"""A network camera on 127.0.0.1 that films drawn garments, and changes the scene when a test says so."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from edge.opencv import cv2
from tests.edge.sources.scripted_camera import Send, answer, parts, scripted_camera

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHAPES = {
    "T-shirt/top": [(30, 16), (42, 22), (58, 22), (70, 16), (97, 36), (85, 50), (73, 42), (73, 92), (27, 92), (27, 42),
                    (15, 50), (3, 36)],
    "Trouser": [(33, 4), (67, 4), (71, 97), (54, 97), (50, 34), (46, 97), (29, 97)],
    "Dress": [(40, 4), (60, 4), (62, 38), (80, 97), (20, 97), (38, 38)],
}  # fmt: skip
"""Corners in percent of a square."""

COLOURS = {"T-shirt/top": (118, 62, 38), "Trouser": (84, 58, 52), "Dress": (62, 44, 128)}
SIZE = (640, 480)
FRAMES_PER_S = 12
PICTURES = 8


class SceneCamera:
    """What the camera films. `scene` is a name of SHAPES, "empty", or "between": half of one, half of another."""

    def __init__(self, address: str = "") -> None:
        self.address = address
        self.scene = "T-shirt/top"
        self.is_on = True
        self._on = threading.Event()

    def film(self, send: Send) -> None:
        """Send frames for ever; hang up while the camera is off."""
        send(answer("multipart/x-mixed-replace; boundary=frame"))
        number = 0
        while self.is_on:
            send(parts(picture(self.scene, number % PICTURES)))
            number += 1
            time.sleep(1 / FRAMES_PER_S)


@cache
def picture(scene: str, number: int) -> bytes:
    """A JPEG of 640 x 480: a garment on a table, that sways a little from number to number."""
    pixels = _table(number)
    outline = SHAPES.get(scene)
    if outline is not None:
        turn = 2 * np.pi * number / PICTURES
        corners = np.array(outline) * 3.9 + (126 + 9 * np.cos(turn), 42 + 6 * np.sin(turn))
        _lay(pixels, corners, COLOURS[scene])
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def _table(number: int) -> NDArray[np.uint8]:
    """A light table, brighter at the upper left, with a camera's noise: uint8 (480, 640, 3) BGR."""
    rng = np.random.default_rng(number)
    down, across = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    light = 214 - 0.025 * across - 0.03 * down
    table = light[:, :, None] + np.array([-6.0, 0.0, 5.0]) + rng.normal(0, 1.6, (SIZE[1], SIZE[0], 1))
    return np.clip(table, 0, 255).astype(np.uint8)


def _lay(pixels: NDArray[np.uint8], corners: NDArray[np.float64], colour: tuple[int, int, int]) -> None:
    """Lay cloth on the table: a soft shadow, a colour, folds."""
    mask = np.zeros(pixels.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.rint(corners * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), 2.2), np.uint8)
    shadow = np.roll(np.asarray(cv2.GaussianBlur(mask, (0, 0), 5)), (3, 3), (0, 1)) / 255 * 0.16
    down, across = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    folds = 1 + 0.07 * np.sin(across / 17 + np.sin(down / 41) * 1.4) + 0.04 * np.sin(down / 23 + across / 60)
    cloth = np.clip(np.array(colour) * folds[:, :, None], 0, 255)
    share = mask[:, :, None] / 255
    pixels[:] = (pixels * (1 - shadow[:, :, None]) * (1 - share) + cloth * share).astype(np.uint8)


@contextmanager
def scene_camera() -> Iterator[SceneCamera]:
    """The camera, while it runs; its address ends in .mjpg."""
    camera = SceneCamera()
    with scripted_camera(camera.film) as (address, _):
        camera.address = f"{address}/stream.mjpg"
        with suppress(OSError):
            yield camera
        camera.is_on = False
