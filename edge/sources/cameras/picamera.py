"""A Raspberry Pi's own camera, by picamera2, which comes with Raspberry Pi OS and is imported only here.

Written for picamera2 0.3.12 to 0.3.38. Its names for pixel formats are those of the kernel, which read from the
highest byte down: what it calls RGB888 lies in memory as blue, green, red (picamera2's issue 848), as OpenCV wants it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.choices import Flip, Rotation
from edge.errors import CameraBusy, CameraLost, CameraNeedsPicamera2, CameraNotFound
from edge.frame import Frame
from edge.sources.cameras.v4l2 import Mode
from edge.sources.settings import SourceSettings, say_what_it_gives

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLUE_GREEN_RED = "RGB888"
SIZE = (640, 480)
"""Unless another is asked for: the bundled models see 56 x 56 at most."""
BUFFERS = 4
"""picamera2's own six cost memory; fewer than four halve the rate of a Pi Zero 2."""
STALL_S = 5.0
OLDEST_S = 5.0
"""A sensor's time further back than this is another clock's."""

DEBIANS = Path("/usr/lib/python3/dist-packages")
BOARD = Path("/proc/device-tree/model")
_INSTALL = "sudo apt install python3-picamera2, and make the environment by python3 -m venv --system-site-packages"


@dataclass(frozen=True, slots=True)
class PiCamera:
    """One of the Pi's own cameras: its number is the one that Picamera2() takes."""

    number: int
    model: str
    id: str


def pi_cameras() -> list[PiCamera]:
    """The cameras on the Pi's ribbon cables; libcamera lists USB cameras as well, and they are left out.

    Raises CameraNeedsPicamera2 where picamera2 does not load.
    """
    found = _picamera2().global_camera_info()
    return [
        PiCamera(number, str(one.get("Model", "camera")), str(one["Id"]))
        for number, one in enumerate(found)
        if "/usb" not in str(one["Id"]).lower()
    ]


def is_installed() -> bool:
    """Whether this Python sees picamera2; whether it loads is another question."""
    return importlib.util.find_spec("picamera2") is not None


def is_expected() -> bool:
    """Whether picamera2 is worth asking: it is there, hidden or not, or this is a Raspberry Pi, where it should be."""
    if is_installed() or (DEBIANS / "picamera2").is_dir():
        return True
    try:
        return "Raspberry Pi" in BOARD.read_text("utf-8", "replace")
    except OSError:
        return False


def _picamera2() -> Any:
    """picamera2's class. Raises CameraNeedsPicamera2, which says what keeps it away."""
    if not is_installed():
        if (DEBIANS / "picamera2").is_dir():
            raise CameraNeedsPicamera2(
                "picamera2 is installed, but this environment does not see it",
                "python3 -m venv --system-site-packages .venv makes one that does",
            )
        raise CameraNeedsPicamera2("the Pi's own camera is read by picamera2, which is not installed", _INSTALL)
    os.environ.setdefault("LIBCAMERA_LOG_LEVELS", "*:ERROR")  # else it tells stderr about every start
    try:
        from picamera2 import Picamera2
    except Exception as error:  # its C modules raise what they like: ImportError, ValueError, OSError
        raise CameraNeedsPicamera2(f"picamera2 does not load: {error}", _cure(error)) from error
    return Picamera2


def _cure(error: Exception) -> str:
    if "size changed" in str(error) or "numpy" in str(error).lower():
        # Debian's simplejpeg is built against Debian's NumPy (picamera2's issues 1088 and 1211).
        return "pip install --upgrade simplejpeg builds one that fits this environment's NumPy"
    return f"{_INSTALL}, with the same Python as the system's"


def sensor_modes(camera: PiCamera) -> tuple[Mode, ...]:
    """What the sensor itself gives; other sizes are scaled from these. Raises CameraBusy or CameraNotFound."""
    opened = _opened(camera)
    try:
        return tuple(
            Mode(str(one["format"]), int(one["size"][0]), int(one["size"][1]), (round(float(one["fps"]), 2),))
            for one in opened.sensor_modes
        )
    finally:
        opened.close()


def open_pi_camera(camera: PiCamera, settings: SourceSettings) -> PiCameraSource:
    """Open and start a Pi's camera. Raises CameraBusy or CameraNotFound."""
    opened = _opened(camera)
    try:
        _start(opened, camera, settings)
    except Exception as error:
        opened.close()
        if isinstance(error, RuntimeError | ValueError):
            raise CameraNotFound(
                f"{_name(camera)} does not start: {error}", "rpicam-hello shows if it works"
            ) from error
        raise
    return PiCameraSource(opened, _name(camera), 1 / settings.fps if settings.fps else 0.0)


def turns_itself(settings: SourceSettings) -> bool:
    """Whether the sensor gives its frames turned as asked: it mirrors, and turns by half, but not by a quarter."""
    return settings.rotation in {Rotation.NONE, Rotation.HALF}


def _opened(camera: PiCamera) -> Any:
    kind = _picamera2()
    opened = kind.__new__(kind)
    try:
        opened.__init__(camera.number)
    except RuntimeError as error:
        _close_pipe(opened)
        reason = _reasons(error)
        if "busy" in reason.lower() or "acquire" in reason.lower():
            raise CameraBusy(
                f"{_name(camera)} is in use by another program", "stop rpicam-vid, or whatever else has it open"
            ) from error
        raise CameraNotFound(f"{_name(camera)} does not open: {reason}", "rpicam-hello shows if it works") from error
    return opened


def _close_pipe(opened: Any) -> None:
    """Close what a Picamera2 that did not open leaves open: retried for a day, it would be all that a process may."""
    with contextlib.suppress(AttributeError, OSError):
        opened.notifymeread.close()
        os.close(opened.notifyme_w)


def _start(opened: Any, camera: PiCamera, settings: SourceSettings) -> None:
    from libcamera import Transform

    half = settings.rotation is Rotation.HALF
    itself = turns_itself(settings)
    horizontal = itself and (settings.flip in {Flip.HORIZONTAL, Flip.BOTH}) != half
    vertical = itself and (settings.flip in {Flip.VERTICAL, Flip.BOTH}) != half
    controls = {}
    if settings.fps is not None:
        frame_us = round(1e6 / settings.fps)
        controls["FrameDurationLimits"] = (frame_us, frame_us)
    configuration = opened.create_video_configuration(
        main={"size": settings.resolution or SIZE, "format": BLUE_GREEN_RED},
        transform=Transform(hflip=int(horizontal), vflip=int(vertical)),
        buffer_count=BUFFERS,
        controls=controls,
    )
    opened.configure(configuration)
    main = opened.camera_configuration()["main"]
    if main["format"] != BLUE_GREEN_RED:
        raise ValueError(f"it gives {main['format']} instead of {BLUE_GREEN_RED}")
    say_what_it_gives(_name(camera), settings, tuple(main["size"]), _rate(opened, settings))
    opened.start()


def _rate(opened: Any, settings: SourceSettings) -> float:
    """The rate that the sensor's limits leave of the one asked for; 0 if it tells no limits."""
    shortest, longest, *_ = opened.camera_controls.get("FrameDurationLimits", (0, 0, 0))
    if settings.fps is None or not shortest or not longest:
        return 0.0
    return float(1e6 / min(max(1e6 / settings.fps, shortest), longest))


class PiCameraSource:
    """Frames of a started Picamera2. Opened, read and left in one thread; raises CameraLost when frames stop."""

    def __init__(self, camera: Any, name: str, expected_gap_s: float = 0.0) -> None:
        self.name = name
        self.expected_gap_s = expected_gap_s
        self._camera = camera

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        while True:
            began = time.monotonic()
            try:
                pixels, captured_s = self._capture()
            except (RuntimeError, TimeoutError) as error:
                raise CameraLost(
                    f"{self.name} stopped delivering frames after {index}: {error or 'nothing came'}",
                    "check its ribbon cable and the Pi's power supply",
                ) from error
            yield Frame(pixels, self.name, index, captured_s, (time.monotonic() - began) * 1e3, is_live=True)
            index += 1

    def _capture(self) -> tuple[NDArray[np.uint8], float]:
        """The next frame's pixels and the time at which the sensor took it."""
        request = self._camera.capture_request(wait=STALL_S + 2 * self.expected_gap_s)
        try:
            pixels = np.asarray(request.make_array("main"), np.uint8)  # a copy: the buffer goes back to the camera
            taken_ns = request.get_metadata().get("SensorTimestamp", 0)
        finally:
            request.release()
        return pixels, _on_monotonic_clock(taken_ns)

    def __enter__(self) -> PiCameraSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A camera that was pulled out cannot be stopped in good order; the next opening says so.
        with contextlib.suppress(RuntimeError):
            self._camera.close()


def _on_monotonic_clock(taken_ns: int) -> float:
    """A sensor's time, nanoseconds since the start with all sleep, on Frame's clock in seconds; now if it is absurd."""
    now_s = time.monotonic()
    age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - taken_ns / 1e9
    return now_s - age_s if 0 <= age_s <= OLDEST_S else now_s


def _name(camera: PiCamera) -> str:
    return f"camera:{camera.number}"


def _reasons(error: BaseException) -> str:
    """An error and what led to it: picamera2's own says only that something did not complete."""
    texts: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        texts.append(str(cause))
        cause = cause.__cause__ or cause.__context__
    return ": ".join(texts)
