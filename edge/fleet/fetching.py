"""How bytes come from a repository: by urllib3, on one connection, and never for longer than a limit."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from tuf.api.exceptions import DownloadError, DownloadHTTPError
from tuf.ngclient import FetcherInterface

from edge.errors import RepositoryUnreachable

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

SILENCE_S = 10
"""So long without a byte: the server hangs."""

METADATA_S = 60.0
"""All metadata are there after so long, or it is too slow."""

SLOWEST_RATE = 4000.0
"""Bytes a second of a model file; less is too slow."""

CHUNK = 1 << 16
LONGEST_EXCUSE = 1 << 16
"""Bytes of the page that says that there is no such file."""

_REFUSED = 400


class Fetcher(FetcherInterface):
    """Fetches from one server; the connection is kept for the next check. Whatever breaks it is a DownloadError.

    Unlike python-tuf's own it can be closed, and leaves no connection open that broke off.
    """

    def __init__(self, url: str) -> None:
        settings: dict[str, Any] = {
            "timeout": urllib3.Timeout(SILENCE_S),
            "retries": urllib3.Retry(2, redirect=3, backoff_factor=0.1),
            "headers": {"User-Agent": "fmnist-edge"},
        }
        proxy = getproxies().get(url.partition(":")[0])
        is_direct = proxy is None or proxy_bypass(urlsplit(url).hostname or "")
        self._pools = urllib3.PoolManager(**settings) if is_direct else urllib3.ProxyManager(str(proxy), **settings)

        self._reading: BaseHTTPResponse | None = None

    def close(self) -> None:
        """Hang up."""
        self._break_off()
        self._pools.clear()

    def _fetch(self, url: str) -> Iterator[bytes]:
        self._break_off()
        self._reading = response = self._pools.request("GET", url, preload_content=False)
        if response.status < _REFUSED:
            return self._chunks(response)
        response.read(LONGEST_EXCUSE)  # then the connection is good for the next request
        if response.closed:
            self._reading = None
        raise DownloadHTTPError(f"the server answers {response.status}", response.status)

    def _chunks(self, response: BaseHTTPResponse) -> Iterator[bytes]:
        try:
            yield from response.stream(CHUNK)
        except urllib3.exceptions.HTTPError as error:
            raise DownloadError(f"the connection broke off: {error}") from error
        response.release_conn()
        self._reading = None

    def _break_off(self) -> None:
        """Close a connection from which not all was read."""
        if self._reading is not None:
            self._reading.close()
            self._reading = None


class _OverTimeError(BaseException):
    """No code in between is to take it for a failure that it knows."""


@contextmanager
def at_most(seconds: float, what: str) -> Iterator[None]:
    """End what takes longer. Raises RepositoryUnreachable.

    A server may send a byte every nine seconds, in a header or in a file: no limit for each byte notices that. Only the
    main thread can be interrupted; in another one there is no limit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise _OverTimeError

    before = signal.signal(signal.SIGALRM, interrupt)
    began = time.monotonic()
    others_s, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except _OverTimeError:
        raise RepositoryUnreachable(
            f"{what} was not there within {seconds:.0f} s: the server or the network is too slow"
        ) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if others_s:  # somebody else waits for the alarm, too
            signal.setitimer(signal.ITIMER_REAL, max(others_s - (time.monotonic() - began), 0.001))
