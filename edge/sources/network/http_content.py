"""What is at an http address: a picture, a stream of JPEGs, or a video for OpenCV's FFmpeg."""

from __future__ import annotations

from contextlib import ExitStack

from edge.errors import CameraNotFound
from edge.sources.mjpeg import CHUNK_BYTES
from edge.sources.network.http_request import Answer, Connection, ask, no_answer
from edge.sources.network.jpeg_splitter import JpegSplitter
from edge.sources.network.network_mjpeg import NetworkMjpegSource
from edge.sources.pictures import MAX_FILE_BYTES
from edge.sources.settings import AS_THEY_COME, SourceSettings

OPEN_S = 10.0
"""Until the server has said what it has, and has sent all of it if that is a picture."""

_JPEG = b"\xff\xd8\xff"
_STARTS_OF_PICTURES = (_JPEG, b"\x89PNG\r\n\x1a\n", b"BM", b"II*\0", b"MM\0*", b"P5", b"P6")
_STARTS_OF_PAGES = (b"<!doctype html", b"<html", b"<head", b"<?xml")


def open_http(
    url: str, name: str, connection: Connection, settings: SourceSettings = AS_THEY_COME
) -> bytes | NetworkMjpegSource | None:
    """The bytes of the picture at an http(s) address, or the stream of JPEGs there; None for any other video.

    What the server sends is told by its first bytes, too: some call a JPEG application/octet-stream. `name` is the
    address as it may be printed. Raises CameraNotFound with the server's reason.
    """
    timer = connection.hang_up_after(OPEN_S)
    try:
        with ExitStack() as opened:
            answer = opened.enter_context(ask(url, name, connection, settings))
            found = _look_at(answer, name)
            if connection.is_hung_up:  # which http.client takes for the regular end of headers and contents
                raise TimeoutError
            if isinstance(found, NetworkMjpegSource):
                opened.pop_all()  # it reads on
            return found
    except CameraNotFound:
        raise
    except OSError as error:
        raise no_answer(name, error, connection) from error
    finally:
        timer.cancel()


def _look_at(answer: Answer, name: str) -> bytes | NetworkMjpegSource | None:
    kind = answer.content_type
    if kind.startswith("multipart/"):
        return NetworkMjpegSource(answer, name, [])
    if kind.startswith("audio/"):
        return None
    start = answer.read(512)
    if _is_page(kind, start):
        raise CameraNotFound(
            f"{name} is a web page, not a picture",
            "it may be a login page: give the address of the picture or stream itself, "
            "http://USER:PASSWORD@... where it asks for a password",
        )
    if start.startswith(_JPEG) and not kind.startswith("image/") and not answer.has_length:
        chunks, goes_on = _read_first(answer, start)
        return NetworkMjpegSource(answer, name, chunks) if goes_on else b"".join(chunks)
    if kind.startswith("image/") or _is_picture(start):
        return start + answer.read(MAX_FILE_BYTES + 1 - len(start))
    return None


def _read_first(answer: Answer, start: bytes) -> tuple[list[bytes], bool]:
    """Read a JPEG of unstated length; whether another one follows."""
    chunks = []
    splitter = JpegSplitter()
    chunk, jpegs = start, 0
    while chunk:
        chunks.append(chunk)
        jpegs += len(list(splitter.feed(chunk)))
        if jpegs and (jpegs > 1 or splitter.rest):
            return chunks, True
        if splitter.gap + splitter.pending > MAX_FILE_BYTES:
            break
        chunk = answer.read1(CHUNK_BYTES)
    return chunks, False


def _is_page(kind: str, start: bytes) -> bool:
    return kind == "text/html" or start.lstrip().lower().startswith(_STARTS_OF_PAGES)


def _is_picture(start: bytes) -> bool:
    return start.startswith(_STARTS_OF_PICTURES) or (start[:4] == b"RIFF" and start[8:12] == b"WEBP")
