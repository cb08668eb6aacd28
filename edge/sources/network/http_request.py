"""One request to an http(s) address: login, redirects, time limits, and what a refusal means in plain words."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from edge.errors import CameraNotFound
from edge.sources.network.http_login import Login, LoginHandler, split_login
from edge.sources.settings import SourceSettings

TIMEOUT_S = 5.0
"""So long without a byte: the server hangs."""


class Connection:
    """The connection under a request. Any thread may hang up; whoever reads from it then meets its end at once."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self.is_hung_up = False

    def connected(self, to: socket.socket) -> None:
        """Keep a hold of a new connection, below TLS and whoever reads."""
        with self._lock:
            self._release()
            self._socket = to.dup()
            if self.is_hung_up:
                self._release()

    def hang_up(self) -> None:
        """End the connection. Nothing is read from it any more."""
        with self._lock:
            self.is_hung_up = True
            self._release()

    def hang_up_after(self, seconds: float) -> threading.Timer:
        """Hang up in so many seconds, unless the timer is cancelled: a server may send a byte every four seconds."""
        timer = threading.Timer(seconds, self.hang_up)
        timer.daemon = True
        timer.start()
        return timer

    def _release(self) -> None:
        if self._socket is None:
            return
        if self.is_hung_up:
            with suppress(OSError):  # the server hung up first
                self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._socket = None


class Answer(AbstractContextManager["Answer"]):
    """What a server sends: its content type, the first bytes, and the rest to be read."""

    def __init__(self, response: Any, connection: Connection) -> None:
        self._response = response
        self.connection = connection
        self.content_type: str = response.headers.get_content_type()
        self.has_length = response.headers["Content-Length"] is not None

    def read(self, size: int) -> bytes:
        """So many bytes, fewer at the end. Raises OSError."""
        return self._read(self._response.read, size)

    def read1(self, size: int) -> bytes:
        """What is there, at most so many bytes; nothing at the end. Raises OSError."""
        return self._read(self._response.read1, size)

    @staticmethod
    def _read(read: Callable[[int], bytes], size: int) -> bytes:
        try:
            return read(size)
        except (ValueError, http.client.HTTPException) as error:  # broken chunks; closed by another thread
            raise ConnectionError(f"the connection broke off ({type(error).__name__})") from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.hang_up()
        self._response.close()


def ask(url: str, name: str, connection: Connection, settings: SourceSettings) -> Answer:
    """The answer to a request, with the address's login where the server wants one.

    `name` is the address as it may be printed. Raises CameraNotFound with the server's reason.
    """
    login = None
    try:
        plain, login = split_login(url)
        return Answer(_open(plain, login, connection, settings), connection)
    except urllib.error.HTTPError as error:
        error.close()
        refused = _refusal(error, name, with_login=login is not None)
        connection.hang_up()
        raise refused from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        failed = no_answer(name, error, connection)
        connection.hang_up()
        raise failed from error


def _open(url: str, login: Login | None, connection: Connection, settings: SourceSettings) -> Any:
    """The response to a request, which is sent again with the login where a camera refuses it and does not ask."""
    try:
        return _opener(connection, login, settings).open(url, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code != 403 or login is None:
            raise
        error.close()
        login.is_given_unasked = True
        return _opener(connection, login, settings).open(url, timeout=TIMEOUT_S)


def no_answer(name: str, error: Exception, connection: Connection) -> CameraNotFound:
    """A connection that failed, or that took too long."""
    reason = "it is too slow" if connection.is_hung_up else getattr(error, "reason", error)
    if isinstance(reason, ssl.SSLError):
        from edge.sources.network.tls import in_plain_words

        return in_plain_words(reason, name)
    return CameraNotFound(f"{name} does not answer: {reason}", "check the address and the network")


def _refusal(error: urllib.error.HTTPError, name: str, *, with_login: bool) -> CameraNotFound:
    """What an answer of 400 or more means to the person who typed the address."""
    if error.code in {401, 403} and with_login:
        return CameraNotFound(
            f"{name} refuses the user name or the password ({error.code})",
            "write special characters in them as %40 for @, %3A for :, %2F for /",
        )
    if error.code == 401:
        return CameraNotFound(f"{name} asks for a user name and a password", "http://USER:PASSWORD@...")
    reason = str(error.reason).partition("\n")[0]  # urllib's of a circle of redirects has three lines
    return CameraNotFound(f"{name} answers {error.code} {reason}", "check the address in a browser")


def _opener(connection: Connection, login: Login | None, settings: SourceSettings) -> urllib.request.OpenerDirector:
    """Opens http and https, and nothing that a redirect could point to besides."""
    opener = urllib.request.OpenerDirector()
    handlers: list[urllib.request.BaseHandler] = [
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirect(),
        HttpHandler(connection),
        HttpsHandler(connection, settings),
    ]
    if login is not None:
        handlers.append(LoginHandler(login))
    for handler in handlers:
        opener.add_handler(handler)
    return opener


class _HttpConnection(http.client.HTTPConnection):
    reports_to: Connection

    def connect(self) -> None:
        super().connect()
        self.reports_to.connected(self.sock)


class _HttpsConnection(http.client.HTTPSConnection, _HttpConnection):
    """Its connect calls that of _HttpConnection before the handshake."""


def _reporting(kind: type[_HttpConnection], connection: Connection) -> Any:
    """What urllib calls to connect."""

    def connect(*arguments: Any, **options: Any) -> _HttpConnection:
        opened = kind(*arguments, **options)
        opened.reports_to = connection
        return opened

    return connect


class HttpHandler(urllib.request.HTTPHandler):
    """Opens connections that can be hung up."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connect = _reporting(_HttpConnection, connection)

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Called by urllib."""
        return self.do_open(self._connect, req)


class HttpsHandler(urllib.request.AbstractHTTPHandler):
    """Checks certificates as the settings say. Unlike urllib's it loads the trusted ones when one is to be checked."""

    def __init__(self, connection: Connection, settings: SourceSettings) -> None:
        super().__init__()
        self._connect = _reporting(_HttpsConnection, connection)
        self._settings = settings

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Called by urllib."""
        from edge.sources.network.tls import trust

        context = trust(self._settings.ca_file, insecure=self._settings.insecure)
        return self.do_open(self._connect, req, context=context)

    https_request = urllib.request.AbstractHTTPHandler.do_request_


class _Redirect(urllib.request.HTTPRedirectHandler):
    """Follows a camera to http and https addresses only; urllib would follow to ftp, too."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        scheme = urlsplit(newurl).scheme
        if scheme not in {"http", "https"}:
            raise urllib.error.HTTPError(req.full_url, code, f"and points to a {scheme}: address", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)
