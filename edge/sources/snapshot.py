"""A single picture at an http address, as shops' cameras and catalogues serve it."""

from __future__ import annotations

import base64
import urllib.error
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from edge.errors import CameraNotFound
from edge.sources.pictures import MAX_FILE_BYTES, decode_image

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TIMEOUT_S = 5.0


def fetch_picture(url: str, name: str) -> NDArray[np.uint8] | None:
    """The picture at an http(s) address, uint8 (H, W, 3) blue green red; None if a video or stream is there.

    OpenCV's FFmpeg reads such an address only if the server states its length. `name` is the address as it may
    be printed. Raises CameraNotFound with the server's reason, or ImageUnreadable.
    """
    try:
        with urllib.request.urlopen(_request(url), timeout=TIMEOUT_S) as answer:  # noqa: S310 - http(s) only, by the caller
            if not answer.headers.get_content_type().startswith("image/"):
                return None
            content: bytes = answer.read(MAX_FILE_BYTES + 1)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 401:
            return None  # FFmpeg knows more ways to log in (digest)
        raise CameraNotFound(f"{name} answers {error.code} {error.reason}", "check the address in a browser") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise CameraNotFound(f"{name} does not answer: {reason}", "check the address and the network") from error
    return decode_image(content, name)


def _request(url: str) -> urllib.request.Request:
    """A request with the address's user and password as basic authentication: urllib takes them for the host."""
    parts = urlsplit(url)
    if parts.username is None:
        return urllib.request.Request(url)  # noqa: S310
    host = parts.netloc.rpartition("@")[2]
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    basic = base64.b64encode(login.encode()).decode()
    return urllib.request.Request(  # noqa: S310
        parts._replace(netloc=host).geturl(), headers={"Authorization": f"Basic {basic}"}
    )
