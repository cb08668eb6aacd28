"""One POST to an http(s) address: time limits, and a plain word for what goes wrong."""

from __future__ import annotations

import email.utils
import http.client
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

from edge.errors import BadOption
from edge.sources.network.http_request import Connection, HttpHandler, HttpsHandler
from edge.sources.network.tls import in_plain_words
from edge.sources.settings import AS_THEY_COME

LONGEST_RETRY_AFTER_S = 3600.0
LONGEST_REASON = 80


class NoAnswer(Exception):
    """The server could not be reached, or said nothing in time; the reason, in words."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server said: its status, and in how many seconds to come again, if it said so."""

    status: int
    reason: str
    retry_after_s: float | None

    def __str__(self) -> str:
        return f"{self.status} {self.reason[:LONGEST_REASON]}".rstrip()


def checked_url(url: str, option: str) -> str:
    """The address if it is one that can be posted to. Raises BadOption."""
    example = f"{option} https://example.org/hook"
    try:
        parts = urlsplit(url)
        _ = parts.port
        (parts.hostname or "").encode("idna")
    except ValueError as error:
        raise BadOption(f"{option}: no address: {error}", example) from error
    if parts.username is not None:
        raise BadOption(f"{option}: everybody on this machine can read a password on a command line", example)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadOption(f"{option}: expected http://HOST or https://HOST", example)
    if not url.isascii() or any(character <= " " or character == "\x7f" for character in url):
        raise BadOption(f"{option}: an address has neither spaces nor letters beyond ASCII", "write %20 for a space")
    return url


def name_of(url: str) -> str:
    """An address as it may be printed: path and query may hold a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class Poster:
    """Posts to one address. `timeout_s` is for each step, and twice that for the whole.

    Redirects are not followed: what is posted, and signed, was meant for the address that was given.
    """

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._connection = Connection()

    def post(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        """Send a body. Raises NoAnswer."""
        connection = self._connection = Connection()
        opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.UnknownHandler(),
            HttpHandler(connection),
            HttpsHandler(connection, AS_THEY_COME),
        ):
            opener.add_handler(handler)
        request = urllib.request.Request(self._url, body, dict(headers), method="POST")  # noqa: S310 - http(s) only
        limit = connection.hang_up_after(2 * self._timeout_s)
        try:
            with closing(opener.open(request, timeout=self._timeout_s)) as response:
                if connection.is_hung_up:  # by us: http.client takes half a head for a whole one
                    raise TimeoutError
                return Reply(response.status, response.reason, _seconds(response.headers["Retry-After"]))
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise NoAnswer(self._failure(error, connection)) from error
        finally:
            limit.cancel()
            connection.hang_up()

    def hang_up(self) -> None:
        """End the request that is on its way, from any thread."""
        self._connection.hang_up()

    def _failure(self, error: Exception, connection: Connection) -> str:
        name = name_of(self._url)
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(reason, ssl.SSLError):
            return in_plain_words(reason, name).message
        if isinstance(reason, TimeoutError) or connection.is_hung_up:
            return f"{name} does not answer in time"
        if isinstance(reason, socket.gaierror):
            return f"{name} is not found: {reason.strerror}"
        text = reason.strerror if isinstance(reason, OSError) and reason.strerror else reason
        return f"{name} does not answer: {text}"


def _seconds(retry_after: str | None) -> float | None:
    """What a Retry-After field asks for: seconds, or a date."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        seconds = float(retry_after)
    else:
        try:
            seconds = email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_S)
