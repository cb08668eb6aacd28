"""A picamera2 and a libcamera without hardware, with the interface of picamera2 0.3.38 as far as a source needs it.

It is strict where the real one is silent or hangs: a request that is not released, a camera that is not closed, use
from another thread, and every way to capture but requests fail the test. Arrays mean what the real ones mean: the
names of formats read from the highest byte of a little-endian word down, so RGB888 is blue, green, red in memory.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import numpy as np
import pytest

RED, GREEN, BLUE = 210, 90, 20
"""The colour of the whole scene, but for a white corner at the top left."""

MEMORY: dict[str, tuple[int, ...]] = {
    "RGB888": (BLUE, GREEN, RED),
    "BGR888": (RED, GREEN, BLUE),
    "XRGB8888": (BLUE, GREEN, RED, 255),
    "XBGR8888": (RED, GREEN, BLUE, 255),
}


@dataclass
class FakePi:
    """What is plugged in, and what became of it."""

    cameras: list[dict[str, Any]] = field(default_factory=list)
    busy: set[int] = field(default_factory=set)
    largest: tuple[int, int] = (1920, 1080)
    frame_us: tuple[int, int] = (16_666, 120_000_000)
    frames: int = 1_000
    """So many, then nothing comes any more."""
    age_s: float = 0.02
    start_fails: bool = False
    opened: list[Any] = field(default_factory=list)
    requests: list[Any] = field(default_factory=list)
    pipes: list[int] = field(default_factory=list)
    """The real one makes a pipe before it opens, and forgets it when that fails."""

    def check(self) -> None:
        """Everything that was taken has been given back."""
        assert [camera for camera in self.opened if not camera.closed] == [], "a camera was not closed"
        assert [request.holds for request in self.requests if request.holds] == [], "a request was not released"
        assert [pipe for pipe in self.pipes if is_open(pipe)] == [], "a pipe was not closed"


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


@dataclass(frozen=True)
class Transform:
    hflip: int = 0
    vflip: int = 0


class CompletedRequest:
    def __init__(self, camera: Any) -> None:
        self.camera = camera
        self.holds = 1

    def make_array(self, name: str) -> Any:
        self.camera.in_its_thread()
        assert self.holds == 1, "the buffer has gone back to the camera"
        return scene(self.camera.configuration[name], self.camera.configuration["transform"])

    def get_metadata(self) -> dict[str, Any]:
        assert self.holds == 1
        sensor_ns = int((time.clock_gettime(time.CLOCK_BOOTTIME) - self.camera.pi.age_s) * 1e9)
        return {"SensorTimestamp": sensor_ns, "FrameDuration": 33_333, "ExposureTime": 10_000}

    def release(self) -> None:
        self.camera.in_its_thread()
        self.holds -= 1
        if self.holds < 0:
            raise RuntimeError("CompletedRequest: lock now has negative ref_count")


def scene(stream: dict[str, Any], transform: Transform) -> Any:
    """What the sensor sees, uint8 (H, W, channels) in the order of the format's name; (H * 3 / 2, W) for YUV420."""
    width, height = stream["size"]
    if stream["format"] == "YUV420":
        return np.full((height * 3 // 2, width), 128, np.uint8)
    pixels = np.full((height, width, len(MEMORY[stream["format"]])), MEMORY[stream["format"]], np.uint8)
    pixels[: height // 4, : width // 4] = 255
    return np.ascontiguousarray(pixels[:: -1 if transform.vflip else 1, :: -1 if transform.hflip else 1])


def picamera2_of(pi: FakePi) -> type:
    """The class Picamera2 for these cameras."""

    class Picamera2:
        def __init__(self, camera_num: int = 0, verbose_console: Any = None, tuning: Any = None) -> None:
            self.notifyme_r, self.notifyme_w = os.pipe2(os.O_NONBLOCK)
            self.notifymeread = os.fdopen(self.notifyme_r, "rb")
            pi.pipes.append(self.notifyme_w)
            if camera_num >= len(pi.cameras):
                raise RuntimeError(f"No camera number {camera_num} found")
            if camera_num in pi.busy:
                try:
                    raise RuntimeError("Failed to acquire camera: Device or resource busy")
                except RuntimeError as error:
                    raise RuntimeError("Camera __init__ sequence did not complete.") from error
            pi.busy.add(camera_num)
            pi.opened.append(self)
            self.pi = pi
            self.number = camera_num
            self.thread = threading.get_ident()
            self.closed = False
            self.started = False
            self.configuration: dict[str, Any] = {}
            self.taken = 0

        @staticmethod
        def global_camera_info() -> list[dict[str, Any]]:
            return sorted(pi.cameras, key=lambda one: ("/usb" not in one["Id"], one["Id"]), reverse=True)

        def in_its_thread(self) -> None:
            assert threading.get_ident() == self.thread, "used from another thread than the one that opened it"
            assert not self.closed, "used after it was closed"

        @property
        def camera_controls(self) -> dict[str, tuple[int, ...]]:
            self.in_its_thread()
            return {"FrameDurationLimits": (*pi.frame_us, 33_333)}

        @property
        def sensor_modes(self) -> list[dict[str, Any]]:
            self.in_its_thread()
            return [{"format": "SRGGB10_CSI2P", "bit_depth": 10, "size": (1536, 864), "fps": 120.13}]

        def create_video_configuration(
            self,
            main: dict[str, Any],
            transform: Transform = Transform(),
            buffer_count: int = 6,
            controls: dict[str, Any] | None = None,
        ) -> dict[str, Any]:
            self.in_its_thread()
            stream = {"format": "XBGR8888", "size": (1280, 720), "preserve_ar": True} | main
            assert stream["format"] in {*MEMORY, "YUV420"}, "libcamera does not know this format"
            limits = {"FrameDurationLimits": (33_333, 33_333)} | (controls or {})
            return {"main": stream, "transform": transform, "buffer_count": buffer_count, "controls": limits}

        def configure(self, camera_config: dict[str, Any]) -> None:
            self.in_its_thread()
            if self.started:
                raise RuntimeError("Camera must be stopped before configuring")
            width, height = map(min, camera_config["main"]["size"], pi.largest)
            main = camera_config["main"] | {"size": (width - width % 2, height - height % 2)}
            self.configuration = camera_config | {"main": main}

        def camera_configuration(self) -> dict[str, Any]:
            return self.configuration

        def start(self) -> None:
            self.in_its_thread()
            assert self.configuration, "started with picamera2's own preview configuration"
            if pi.start_fails:
                raise RuntimeError("Failed to start camera: Connection timed out")
            self.started = True

        def capture_request(self, wait: float | None = None) -> CompletedRequest:
            self.in_its_thread()
            assert self.started, "the real one waits here for ever"
            assert wait, "without a time limit the real one waits for ever when the camera has gone"
            held = sum(request.holds for request in pi.requests if request.camera is self)
            assert held < self.configuration["buffer_count"], "all buffers are held: the real one waits for ever"
            if self.taken == pi.frames:
                raise TimeoutError
            self.taken += 1
            pi.requests.append(CompletedRequest(self))
            return pi.requests[-1]

        def capture_array(self, *_arguments: Any, **_named: Any) -> None:
            raise AssertionError("it halves the rate (picamera2's issue 950)")

        capture_buffer = capture_image = capture_arrays = capture_array

        def close(self) -> None:
            if not self.closed:
                self.in_its_thread()
                self.closed = True
                self.notifymeread.close()
                os.close(self.notifyme_w)
                pi.pipes.remove(self.notifyme_w)
                pi.busy.discard(self.number)

    return Picamera2


@contextmanager
def plugged_in(monkeypatch: pytest.MonkeyPatch, *ids: str) -> Iterator[FakePi]:
    """A Pi with cameras of these libcamera ids, in libcamera's order; checks at the end that all was given back."""
    pi = FakePi([{"Model": model_of(one), "Id": one, "Num": number} for number, one in enumerate(ids)])
    for name, content in (("picamera2", {"Picamera2": picamera2_of(pi)}), ("libcamera", {"Transform": Transform})):
        install(monkeypatch, name, content)
    yield pi
    pi.check()


def install(monkeypatch: pytest.MonkeyPatch, name: str, content: dict[str, Any]) -> None:
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None)
    vars(module).update(content)
    monkeypatch.setitem(sys.modules, name, module)


def model_of(camera_id: str) -> str:
    return "HD Pro Webcam" if "/usb" in camera_id else camera_id.rpartition("/")[2].partition("@")[0]


RIBBON = "/base/axi/pcie@1000120000/rp1/i2c@80000/imx708@1a"
SECOND = "/base/axi/pcie@1000120000/rp1/i2c@88000/imx219@10"
USB = "/base/axi/pcie@1000120000/rp1/usb@300000-1:1.0-046d:082d"
