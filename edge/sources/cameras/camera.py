"""Which camera is meant, and how it is opened: the Pi's own by picamera2, all others by Video4Linux and OpenCV.

A number is the Pi's own camera where there is one, else /dev/videoN. A path is always Video4Linux. Anything else is
part of a camera's name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge.errors import BadOption, CameraBusy, CameraNeedsPicamera2, CameraNotFound, SourceError
from edge.frame import FrameSource
from edge.sources.cameras import picamera, v4l2
from edge.sources.cameras.picamera import PiCamera
from edge.sources.cameras.usb_camera import LIST_HINT, denied, needs_libcamera, open_usb_camera
from edge.sources.orientation import oriented
from edge.sources.settings import AS_THEY_COME, SourceSettings


@dataclass(frozen=True, slots=True)
class FoundCamera:
    """A camera that can be opened: `camera` is what --camera takes, `device` a node's path or libcamera's id."""

    camera: str
    name: str
    device: str
    library: str
    modes: tuple[v4l2.Mode, ...]


def open_camera(camera: str, settings: SourceSettings = AS_THEY_COME) -> FrameSource:
    """A camera by number, device path or part of its name, its frames turned as the settings say.

    Raises CameraNotFound (and its children), SourceDenied or BadOption.
    """
    meant = _meant(camera)
    if isinstance(meant, PiCamera):
        opened: FrameSource = picamera.open_pi_camera(meant, settings)
        if picamera.turns_itself(settings):
            return opened
    else:
        opened = open_usb_camera(meant, settings)
    return oriented(opened, settings.rotation, settings.flip)


def found_cameras() -> tuple[list[FoundCamera], list[SourceError]]:
    """All cameras, the Pi's own first, and what keeps others from being found. Opens and closes the Pi's own."""
    problems: list[SourceError] = []
    found = [
        FoundCamera(str(index), one.model, one.id, "picamera2", _modes_of(one, problems))
        for index, one in enumerate(_pi_cameras(problems))
    ]
    hidden = len(found)  # numbers that mean the Pi's own
    for node in _nodes(problems):
        number = node.path.name.removeprefix("video")
        camera = str(node.path) if int(number) < hidden else number
        found.append(FoundCamera(camera, node.name, str(node.path), "v4l2", node.modes))
    if not found and not problems:
        reason = "no node that delivers pictures" if v4l2.node_paths() else "no /dev/video node"
        problems.append(CameraNotFound(f"there is {reason}", "plug in a USB camera; lsusb shows if it is seen"))
    return found, problems


def _meant(camera: str) -> PiCamera | Path:
    if camera.isascii() and camera.isdecimal():
        return _numbered(int(camera))
    if "/" in camera:
        return Path(camera)
    return _called(camera)


def _numbered(number: int) -> PiCamera | Path:
    problems: list[SourceError] = []
    own = _pi_cameras(problems)
    if number < len(own):
        return own[number]
    node = v4l2.DEV / f"video{number}"
    if problems and not node.exists():
        raise CameraNeedsPicamera2(f"there is no {node}, and {problems[0].message}", problems[0].hint)
    return node


def _called(name: str) -> PiCamera | Path:
    """The one camera whose name holds these letters, in either case."""
    if not name.strip():
        raise BadOption("--camera names no camera", LIST_HINT)
    problems: list[SourceError] = []
    all_of_them: list[tuple[str, str, PiCamera | Path]] = [
        *((one.model, f"camera {index}", one) for index, one in enumerate(_pi_cameras(problems))),
        *((node.name, str(node.path), node.path) for node in _nodes(problems, briefly=True)),
    ]
    matches = [one for one in all_of_them if name.strip().casefold() in one[0].casefold()]
    if len(matches) == 1:
        return matches[0][2]
    listed = ", ".join(f"{title} ({where})" for title, where, _ in matches or all_of_them) or "none"
    if matches:
        raise CameraNotFound(
            f"{len(matches)} cameras are called {name!r}: {listed}", "type more of the name, or a path"
        )
    if problems and not all_of_them:
        raise problems[0]
    raise CameraNotFound(f"no camera is called {name!r} (found: {listed})", LIST_HINT)


def _pi_cameras(problems: list[SourceError]) -> list[PiCamera]:
    """The Pi's own cameras; none where picamera2 is missing or does not load, which is a problem on a Pi only."""
    if not picamera.is_expected():
        return []
    try:
        return picamera.pi_cameras()
    except CameraNeedsPicamera2 as error:
        problems.append(error)
        return []


def _modes_of(camera: PiCamera, problems: list[SourceError]) -> tuple[v4l2.Mode, ...]:
    try:
        return picamera.sensor_modes(camera)
    except CameraBusy:
        return ()
    except CameraNotFound as error:
        problems.append(error)
        return ()


def _nodes(problems: list[SourceError], *, briefly: bool = False) -> Iterator[v4l2.VideoNode]:
    """The nodes that are cameras; why others are none goes to the problems, where it can be mended."""
    for path in v4l2.node_paths():
        try:
            node = v4l2.ask(path, briefly=briefly)
        except PermissionError:
            problems.append(denied(path))
            continue
        except OSError:  # it was pulled out while being asked
            continue
        if node.is_camera:
            yield node
        elif node.needs_libcamera and not picamera.is_expected():
            problems.append(needs_libcamera(node))
