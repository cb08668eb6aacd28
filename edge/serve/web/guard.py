"""What every request passes: the host it names, the site it comes from, the token; and what every response carries."""

from __future__ import annotations

import ipaddress
import math
import socket
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse

from edge.serve.web.problem import Problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from edge.serve.access import Access

SAFE = frozenset({"GET", "HEAD"})
OPEN = frozenset({"/login", "/healthz", "/readyz", "/page.css", "/favicon.svg"})
"""What is answered without a token: it says nothing of what the camera sees."""

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "manifest-src 'self'; frame-src 'self'; frame-ancestors 'self'; form-action 'self'; base-uri 'none'"
)
HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "same-origin",  # with no-referrer a form would be posted with Origin: null
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


class Guard:
    """An ASGI application around another."""

    def __init__(self, app: ASGIApp, access: Access, hosts: Iterable[str] = ()) -> None:
        self._app = app
        self._access = access
        self._hosts = {"localhost", *own_names(), *(host.lower().rstrip(".") for host in hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with a problem."""
        if scope["type"] != "http":
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        headers = Headers(scope=scope)
        try:
            self._check_host(headers)
            self._check_site(scope, headers)
            return self._check_token(scope, headers)
        except Problem as problem:
            return problem

    def _check_host(self, headers: Headers) -> None:
        """A name that an attacker's DNS points here is none of ours (DNS rebinding); an address is no name."""
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not is_own_host(hosts[0], self._hosts):
            named = hosts[0][:80] if hosts else "no host"
            raise Problem("wrong-host", f"{named} is no name of this server", "--host-name NAME lets it in")

    def _check_site(self, scope: Scope, headers: Headers) -> None:
        """What changes something comes from our own pages, or from no page at all. Pages of others read nothing."""
        site = headers.get("sec-fetch-site", "none")
        if scope["method"] in SAFE:
            is_navigation = headers.get("sec-fetch-mode") == "navigate" and not scope["path"].startswith("/api/")
            if site not in {"none", "same-origin"} and not is_navigation:
                raise Problem("cross-site", "another site asks for this")
            return
        origin = headers.get("origin")
        if site not in {"none", "same-origin"} or (origin is not None and not self._is_own_origin(origin, headers)):
            raise Problem("cross-site", "another site sent this request")

    def _is_own_origin(self, origin: str, headers: Headers) -> bool:
        """Whether an origin has the host and port that the request names. The scheme may be a proxy's."""
        try:
            parts = urlsplit(origin)
            return parts.scheme in {"http", "https"} and parts.netloc.lower() == headers["host"].lower()
        except ValueError:
            return False

    def _check_token(self, scope: Scope, headers: Headers) -> ASGIApp | None:
        access = self._access
        if access.is_open or scope["path"] in OPEN or access.has_cookie(headers):
            return None
        token = access.bearer(headers)
        if token is not None:
            check_try(access, address_of(scope))
            if access.is_token(token):
                access.limit.right(address_of(scope))
                return None
            access.limit.wrong(address_of(scope))
        if scope["path"] == "/" and scope["method"] in SAFE and token is None:
            return RedirectResponse("/login", 303)
        raise Problem(
            "login-needed",
            "this server asks for a token" if token is None else "the token is wrong",
            "log in at /login, or send Authorization: Bearer TOKEN",
            {"www-authenticate": 'Bearer realm="fmnist-edge"'},
        )


def check_try(access: Access, address: str) -> None:
    """Raise Problem if an address has sent too many wrong tokens."""
    wait_s = math.ceil(access.limit.wait_s(address))
    if wait_s:
        raise Problem("too-many", f"too many wrong tokens: wait {wait_s} s", headers={"retry-after": str(wait_s)})


def address_of(scope: Scope) -> str:
    """Who sent a request."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def own_names() -> set[str]:
    """What this machine calls itself; .local is how others find it without a DNS server."""
    name = socket.gethostname().lower().rstrip(".")
    first = name.partition(".")[0]
    return {one for one in (name, first, f"{first}.local") if first}


def is_own_host(host: str, names: Iterable[str]) -> bool:
    """Whether a Host header names this server: by one of its names, or by an address."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        _ = urlsplit(f"//{host}").port
    except ValueError:
        return False
    if not host or any(letter in host for letter in "/@?#\\ "):
        return False
    if name.rstrip(".") in names:
        return True
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True
