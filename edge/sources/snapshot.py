"""A single picture at an http address, as shops' cameras and catalogues serve it."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from edge.errors import CameraLost, CameraNotFound, SourceError
from edge.frame import Frame
from edge.sources.pictures import MAX_FILE_BYTES, decode_image

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TIMEOUT_S = 5.0

MOST_FAILURES = 3
LOST_S = 10.0
RETRY_S = 1.0
"""At least so long between a failure and the next request, however short the interval."""

_STARTS_OF_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"II*\0", b"MM\0*", b"P5", b"P6")
_STARTS_OF_PAGES = (b"<!doctype html", b"<html", b"<head", b"<?xml")


def fetch_picture(url: str, name: str) -> NDArray[np.uint8] | None:
    """The picture at an http(s) address, uint8 (H, W, 3) blue green red; None if a video or stream is there.

    What the server sends is told by its first bytes, too: some call a JPEG application/octet-stream. OpenCV's FFmpeg
    reads such an address only if the server states its length. `name` is the address as it may be printed. Raises
    CameraNotFound with the server's reason, or ImageUnreadable.
    """
    plain, opener = _login(url)
    try:
        with opener.open(plain, timeout=TIMEOUT_S) as answer:
            kind = answer.headers.get_content_type()
            if kind.startswith(("multipart/", "video/", "audio/")):
                return None
            start: bytes = answer.read(512)
            if _is_page(kind, start):
                raise CameraNotFound(
                    f"{name} is a web page, not a picture",
                    "it may be a login page: give the address of the picture or stream itself, "
                    "http://USER:PASSWORD@... where it asks for a password",
                )
            if not kind.startswith("image/") and not _is_picture(start):
                return None
            content = start + answer.read(MAX_FILE_BYTES + 1 - len(start))
    except urllib.error.HTTPError as error:
        error.close()
        raise _refusal(error, name, with_login=plain != url) from error
    except CameraNotFound:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise CameraNotFound(f"{name} does not answer: {reason}", "check the address and the network") from error
    return decode_image(content, name)


def asked_again(url: str, first: Frame, interval_s: float) -> Iterator[Frame]:
    """The `first` picture of an address, then a new one every `interval_s` seconds, without end.

    A picture that cannot be had is left out with a warning. Raises CameraLost after MOST_FAILURES in a row that took
    LOST_S or longer: the camera will not come back by itself.
    """
    yield first
    index, failures = 1, 0
    due_s = last_s = first.captured_at_s
    while True:
        due_s = max(due_s + interval_s, time.monotonic())
        time.sleep(max(0.0, due_s - time.monotonic()))
        began = time.monotonic()
        try:
            picture = fetch_picture(url, first.source)
        except SourceError as error:
            failures += 1
            if failures >= MOST_FAILURES and began - last_s >= LOST_S:
                raise CameraLost(f"{first.source} is gone: {error.message}", error.hint) from error
            warnings.warn(f"{error.message}; asking again", stacklevel=2)
            due_s = max(due_s, time.monotonic() + RETRY_S - interval_s)
            continue
        if picture is None:
            raise CameraLost(f"{first.source} gives no picture any more", "check the address in a browser")
        now = last_s = time.monotonic()
        failures = 0
        yield Frame(picture, first.source, index, now, (now - began) * 1e3, is_live=True)
        index += 1


def _refusal(error: urllib.error.HTTPError, name: str, *, with_login: bool) -> CameraNotFound:
    """What an answer of 400 or more means to the person who typed the address."""
    if error.code in {401, 403} and with_login:
        return CameraNotFound(
            f"{name} refuses the user name or the password ({error.code})",
            "write special characters in them as %40 for @, %3A for :, %2F for /",
        )
    if error.code == 401:
        return CameraNotFound(f"{name} asks for a user name and a password", "http://USER:PASSWORD@...")
    return CameraNotFound(f"{name} answers {error.code} {error.reason}", "check the address in a browser")


def _is_page(kind: str, start: bytes) -> bool:
    return kind == "text/html" or start.lstrip().lower().startswith(_STARTS_OF_PAGES)


def _is_picture(start: bytes) -> bool:
    return start.startswith(_STARTS_OF_PICTURES) or (start[:4] == b"RIFF" and start[8:12] == b"WEBP")


def _login(url: str) -> tuple[str, urllib.request.OpenerDirector]:
    """The address without user and password, which urllib takes for the host, and an opener that logs in with them.

    By basic or digest authentication, as the server asks for.
    """
    parts = urlsplit(url)
    if parts.username is None:
        return url, urllib.request.build_opener()
    plain = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    passwords = urllib.request.HTTPPasswordMgrWithPriorAuth()
    # Basic authentication without being asked: some cameras answer 403 otherwise, and never ask.
    passwords.add_password(None, plain, unquote(parts.username), unquote(parts.password or ""), is_authenticated=True)
    return plain, urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(passwords), _Digest(passwords))


class _Digest(urllib.request.HTTPDigestAuthHandler):
    """Closes each refusal before it asks again, which urllib leaves to the garbage collector."""

    def http_error_401(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        fp.close()
        return super().http_error_401(req, fp, code, msg, headers)
