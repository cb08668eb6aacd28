"""One grammar for everything that can be classified.

shirt.png  photos/  'photos/*.jpg'     image files, directories (with their sub-directories), globs
clip.mp4                               a video file
0  camera:1  /dev/video2  camera:NAME  a camera, by number, device path or part of its name
http://... https://... rtsp://...      a network camera, a stream, a picture or a video
-                                      standard input: a picture, or a stream of JPEGs; a named pipe likewise
fake:  fake:30                         a moving test pattern, endless or of so many frames
"""

from __future__ import annotations

import glob
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from edge.choices import Rotation
from edge.errors import BadOption, SourceDenied, SourceError, SourceNotFound
from edge.frame import Frame, FrameSource
from edge.sources.liveness import mark_unusable
from edge.sources.network.address import without_password
from edge.sources.pictures import IMAGE_SUFFIXES, decode_image, read_image
from edge.sources.settings import AS_THEY_COME, SourceSettings

if TYPE_CHECKING:
    from edge.sources.live import CameraObserver, LiveSource

_SAMPLES = Path(__file__).parents[1] / "samples"
VIDEO_SUFFIXES = frozenset({".mp4", ".avi", ".mkv", ".webm", ".mov", ".m4v", ".ts", ".mpg", ".mpeg", ".mjpeg", ".mjpg"})


class Kind(StrEnum):
    """How an input is opened."""

    IMAGE = "image"
    VIDEO = "video"
    CAMERA = "camera"
    STREAM = "stream"
    STDIN = "stdin"
    PIPE = "pipe"
    FAKE = "fake"


@dataclass(frozen=True, slots=True)
class Input:
    """One thing to open: `where` is a path, address, camera or count, according to its kind."""

    kind: Kind
    where: str

    @property
    def is_one_picture(self) -> bool:
        """Whether it gives exactly one frame."""
        return self.kind is Kind.IMAGE

    @property
    def may_be_live(self) -> bool:
        """Whether it is a camera or a network stream, as far as one can tell without opening it."""
        return self.kind is Kind.CAMERA or self.kind is Kind.STREAM

    @property
    def is_pipe(self) -> bool:
        """Whether only reading it tells if it is one picture or many."""
        return self.kind in {Kind.STDIN, Kind.PIPE}


def parse_sources(sources: Sequence[str]) -> list[Input]:
    """Resolve the grammar above, directories and globs expanded and sorted.

    Raises SourceNotFound, SourceDenied or BadOption.
    """
    return [found for source in sources for found in _looked_up(source)]


def _looked_up(source: str) -> list[Input]:
    """Parse one source; what the file system refuses to say becomes an error of ours."""
    try:
        return _parse(source)
    except SourceError:
        raise
    except PermissionError as error:
        raise SourceDenied(f"{source}: permission denied", "its folder is closed to this user: chmod a+x") from error
    except OSError as error:
        raise SourceNotFound(f"{source[:80]}: {error.strerror}", "check the path") from error


def _parse(source: str) -> list[Input]:
    path = Path(source)
    if source == "-":
        return [Input(Kind.STDIN, "-")]
    if source.startswith(("http://", "https://", "rtsp://", "rtsps://")):
        return [Input(Kind.STREAM, source)]
    if source.startswith("fake:"):
        return [_parse_fake(source)]
    if source == "samples:":
        return _parse_directory(_SAMPLES)
    if source.startswith("camera:"):
        return [Input(Kind.CAMERA, source.removeprefix("camera:"))]
    if path.is_dir():
        return _parse_directory(path)
    if path.is_char_device() or source.startswith(("/dev/video", "/dev/v4l/")):
        return [Input(Kind.CAMERA, source)]
    if path.is_fifo():
        return [Input(Kind.PIPE, source)]
    if path.exists():
        return [_file(str(path))]
    if source.isdecimal():
        return [Input(Kind.CAMERA, source)]
    if glob.has_magic(source):
        # Path.glob takes no absolute patterns.
        matches = sorted(Path(match) for match in glob.glob(source, recursive=True))  # noqa: PTH207
        if matches:
            return [
                found
                for match in matches
                for found in (_parse_directory(match) if match.is_dir() else [_file(str(match))])
            ]
        raise SourceNotFound(f"no file matches {source}", "'**' reaches into sub-directories")
    raise SourceNotFound(f"{source}: no such file", "a file, directory, glob, camera index, URL, -, samples: or fake:")


def _parse_fake(source: str) -> Input:
    frames = source.removeprefix("fake:")
    if frames and not frames.isdecimal():
        raise BadOption(f"{source}: expected fake: or fake:NUMBER")
    return Input(Kind.FAKE, frames)


def _parse_directory(directory: Path) -> list[Input]:
    wanted = IMAGE_SUFFIXES | VIDEO_SUFFIXES
    found = [_file(name) for name in sorted(_files_below(str(directory)), key=_parts) if _suffix(name) in wanted]
    if not found:
        raise SourceNotFound(f"{directory} holds no pictures or videos", f"looked for {', '.join(sorted(wanted))}")
    return found


def _files_below(folder: str) -> Iterator[str]:
    """Files in a folder and its sub-directories, but for hidden ones; links to folders are not followed.

    What may not be listed is left out. pathlib would make an object of each, which takes as long as reading it.
    """
    try:
        with os.scandir(folder) as listed:
            entries = [entry for entry in listed if not entry.name.startswith(".")]
    except PermissionError:
        return
    for entry in entries:
        path = entry.path.removeprefix("./") if folder == "." else entry.path
        if entry.is_dir(follow_symlinks=False):
            yield from _files_below(path)
        elif entry.is_file():
            yield path


def _parts(path: str) -> list[str]:
    """What files are sorted by: a folder's are together."""
    return path.split("/")


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - as above


def _file(path: str) -> Input:
    return Input(Kind.VIDEO if _suffix(path) in VIDEO_SUFFIXES else Kind.IMAGE, path)


def open_source(source: Input, settings: SourceSettings = AS_THEY_COME) -> FrameSource:
    """Open one input, as the settings say; its frames come turned and mirrored.

    Raises the SourceErrors of edge.sources.pictures, edge.sources.video and edge.sources.cameras.camera.
    """
    if source.kind is Kind.CAMERA:
        from edge.sources.cameras.camera import open_camera

        return open_camera(source.where, settings)  # some turn their frames themselves
    if settings.rotation is Rotation.NONE and settings.flip is None:
        return _open(source, settings)
    from edge.sources.orientation import oriented

    return oriented(_open(source, settings), settings.rotation, settings.flip)


def _open(source: Input, settings: SourceSettings) -> FrameSource:
    match source.kind:
        case Kind.IMAGE:
            return nullcontext((read_picture(source),))
        case Kind.STDIN:
            return _open_pipe("-")
        case Kind.PIPE:
            return _open_pipe(source.where)
        case Kind.VIDEO:
            from edge.sources.video import open_video

            return open_video(Path(source.where))
        case Kind.STREAM:
            return _open_address(source.where, settings)
        case Kind.FAKE:
            from edge.testing import FakeSource

            return FakeSource(int(source.where) if source.where else None, settings.fps)
        case _:
            raise ValueError(f"{source.kind} is opened by open_source")


def _open_pipe(where: str) -> FrameSource:
    """Standard input (-) or a named pipe; opening the latter waits for whoever writes. Raises SourceDenied."""
    from edge.sources.mjpeg import PipeSource

    if where == "-":
        return PipeSource(sys.stdin.buffer, "-", closes=False)
    try:
        return PipeSource(Path(where).open("rb"), where)
    except OSError as error:
        raise SourceDenied(f"{where}: {error.strerror}", f"chmod a+r {where}, or run as its owner") from error


def _open_address(url: str, settings: SourceSettings) -> FrameSource:
    """A picture or a stream, as the server says."""
    if url.startswith("http"):
        from edge.sources.network.http_content import open_http
        from edge.sources.network.http_request import Connection
        from edge.sources.network.snapshot import SnapshotSource

        began = time.monotonic()
        name = without_password(url)
        found = open_http(url, name, Connection(), settings)
        if isinstance(found, bytes):
            arrived_s = time.monotonic()
            pixels = decode_image(found, name)
            interval_s = settings.interval_s
            read_ms = (time.monotonic() - began) * 1e3
            first = Frame(pixels, name, 0, arrived_s, read_ms, is_live=interval_s is not None)
            return nullcontext((first,)) if interval_s is None else SnapshotSource(url, first, interval_s, settings)
        if found is not None:
            return found
    from edge.sources.video import open_stream

    return open_stream(url, settings)


def read_picture(source: Input) -> Frame:
    """The only frame of an image file. Raises the SourceErrors of edge.sources.pictures."""
    began = time.monotonic()
    pixels = read_image(source.where)
    now = time.monotonic()
    return Frame(pixels, source.where, 0, now, (now - began) * 1e3)


def frames_of(
    inputs: Iterable[Input],
    on_failure: Callable[[SourceError], None],
    through: Callable[[Iterable[Frame]], Iterator[Frame]] = iter,
    settings: SourceSettings = AS_THEY_COME,
    observer: CameraObserver | None = None,
) -> Iterator[Frame]:
    """All frames of all inputs, one after the other; an input that fails is reported and the next one taken.

    Black frames are marked (liveness.py); cameras and streams are watched (live.py), and the `observer` is told when
    one is lost and when it is back. Each input's frames then go `through` a generator of their own, which may crop and
    drop some.
    """
    for source in inputs:
        try:
            if source.may_be_live:
                with _watched(source, settings, observer) as frames:
                    yield from through(frames)
            else:
                with open_source(source, settings) as frames:
                    yield from through(mark_unusable(frames))
        except SourceError as error:
            on_failure(error)


def _watched(source: Input, settings: SourceSettings, observer: CameraObserver | None) -> LiveSource:
    from edge.sources.live import DEFAULT_LIMITS, NOBODY, UNWATCHED, LiveSource

    return LiveSource(
        partial(open_source, source, settings),
        without_password(source.where),
        observer or NOBODY,
        retry=settings.retry,
        waits_at_start=settings.waits_at_start,
        limits=UNWATCHED if settings.retry == 0 else DEFAULT_LIMITS,
    )
