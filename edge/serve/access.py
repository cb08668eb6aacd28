"""Who is let in: a token by header, or a cookie that a login gave. Neither needs a clock that is right."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import time
from collections import OrderedDict
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

FREE_TRIES = 5
"""Wrong tokens that an address may send before it has to wait."""

WAIT_S = 10.0
LONGEST_WAIT_S = 600.0
"""After the first wrong token too many, and at most; doubled with each."""

FORGET_S = 3600.0
MOST_ADDRESSES = 1000


class LoginLimit:
    """Makes addresses wait that send wrong tokens. It remembers MOST_ADDRESSES of them."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()  # how many, and when the last

    def wait_s(self, address: str) -> float:
        """How long this address has to wait before it may try again."""
        count, last_s = self._wrong.get(_network(address), (0, 0.0))
        if count < FREE_TRIES:
            return 0.0
        wait_s: float = min(WAIT_S * 2 ** min(count - FREE_TRIES, 16), LONGEST_WAIT_S)
        return max(0.0, last_s + wait_s - time.monotonic())

    def wrong(self, address: str) -> None:
        """Note a wrong token."""
        network, now = _network(address), time.monotonic()
        count, last_s = self._wrong.pop(network, (0, now))
        self._wrong[network] = (1 if now - last_s > FORGET_S else count + 1, now)
        while len(self._wrong) > MOST_ADDRESSES:
            self._wrong.popitem(last=False)

    def right(self, address: str) -> None:
        """Forget what was wrong."""
        self._wrong.pop(_network(address), None)


class Access:
    """Compares tokens and cookies. A cookie is a random number and its HMAC by the token.

    So it holds until the token changes: over restarts, and whatever the clock says. `port` tells the cookies of
    several servers on a host apart; without a token everybody is let in.
    """

    def __init__(self, token: str | None, *, port: int, secure: bool) -> None:
        self._token = None if token is None else token.encode()
        self._secure = secure
        self.cookie = f"{'__Host-' if secure else ''}fmnist-edge-{port}"
        self.limit = LoginLimit()

    @property
    def is_open(self) -> bool:
        """Whether no token is asked for."""
        return self._token is None

    def is_token(self, given: str) -> bool:
        """Whether this is the token; takes as long whatever is wrong with it."""
        expected = hashlib.sha256(self._token or b"").digest()
        found = hashlib.sha256(given.encode("utf-8", "surrogateescape")).digest()
        return self._token is not None and hmac.compare_digest(expected, found)

    def bearer(self, headers: Mapping[str, str]) -> str | None:
        """The token in an Authorization header, right or wrong."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None

    def has_cookie(self, headers: Mapping[str, str]) -> bool:
        """Whether a cookie of ours is there."""
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            return False
        if morsel is None or self._token is None:
            return False
        number, _, code = morsel.value.partition(".")
        return hmac.compare_digest(self._code(number).encode(), code.encode("utf-8", "surrogateescape"))

    def new_cookie(self) -> str:
        """The Set-Cookie header of a login."""
        number = secrets.token_urlsafe(16)
        return f"{self.cookie}={number}.{self._code(number)}; Max-Age=31536000; {self._attributes}"

    def no_cookie(self) -> str:
        """The Set-Cookie header of a logout."""
        return f"{self.cookie}=; Max-Age=0; {self._attributes}"

    @property
    def _attributes(self) -> str:
        return "Path=/; HttpOnly; SameSite=Strict" + ("; Secure" if self._secure else "")

    def _code(self, number: str) -> str:
        message = f"fmnist-edge session {number}".encode("utf-8", "surrogateescape")
        return hmac.digest(self._token or b"", message, hashlib.sha256).hex()


def _network(address: str) -> str:
    """An IPv4 address; of IPv6 the network of 64 bits, which one host has all of."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
