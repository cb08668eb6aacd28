"""Logging in at a camera: basic and digest authentication (RFC 7617, RFC 7616)."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

_HASHES = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}
"""Of the digests that a camera offers the first of these is taken."""

_CHALLENGE = re.compile(r"([\w-]+)(?: +(.+))?", re.DOTALL)


class Login:
    """User and password, and the server that they were typed for.

    A redirect takes them to the same server only: not to another host or port, and never from https to http.
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        self._server = _server(url)
        self.user, self.password = user, password
        self.is_given_unasked = False
        """Basic authentication without being asked: some cameras answer 403 otherwise, and never ask."""

    def is_for(self, url: str) -> bool:
        """Whether an address lies on the server."""
        scheme, host, port = _server(url)
        own_scheme, own_host, own_port = self._server
        is_upgrade = (own_scheme, scheme) == ("http", "https")
        return host == own_host and ((scheme, port) == (own_scheme, own_port) or is_upgrade)


def split_login(url: str) -> tuple[str, Login | None]:
    """An address without user and password, which urllib takes for the host; and the two."""
    parts = urlsplit(url)
    if parts.username is None:
        return url, None
    plain = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return plain, Login(plain, unquote(parts.username), unquote(parts.password or ""))


class LoginHandler(urllib.request.BaseHandler):
    """Answers the question for a password once a request, with the strongest proof that the camera offers.

    urllib's own handlers know no SHA-256 and no password beyond ASCII, look at one question only where a camera asks
    two, and take the password from https to http.
    """

    handler_order = 490

    def __init__(self, login: Login) -> None:
        self._login = login

    def http_request(self, request: urllib.request.Request) -> urllib.request.Request:
        """Send the password unasked where that is known to be wanted."""
        if self._login.is_given_unasked and self._login.is_for(request.full_url):
            request.add_unredirected_header("Authorization", basic(self._login))
        return request

    https_request = http_request

    def http_error_401(self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any) -> Any:
        """Ask again with a proof; None, which ends in the error 401, if that was refused or cannot be given."""
        if req.has_header("Authorization") or not self._login.is_for(req.full_url):
            return None
        proof = prove(self._login, headers.get_all("WWW-Authenticate", []), req.get_method(), req.selector)
        if proof is None:
            return None
        fp.close()  # urllib leaves that to the garbage collector
        req.add_unredirected_header("Authorization", proof)
        return self.parent.open(req, timeout=req.timeout)


def prove(login: Login, questions: Sequence[str], method: str, path: str) -> str | None:
    """The Authorization header that answers WWW-Authenticate headers; None if they offer no way that is known."""
    challenges = _challenges(questions)
    digests = [fields for scheme, fields in challenges if scheme == "digest" and {"realm", "nonce"} <= fields.keys()]
    for algorithm in _HASHES:
        for fields in digests:
            offered = fields.get("algorithm", "MD5").upper()
            if offered.removesuffix("-SESS") == algorithm and "auth" in _words(fields.get("qop", "auth")):
                return _digest(login, fields, method, path)
    return basic(login) if any(scheme == "basic" for scheme, _ in challenges) else None


def basic(login: Login) -> str:
    """The Authorization header of basic authentication: the password, hardly veiled."""
    return "Basic " + base64.b64encode(f"{login.user}:{login.password}".encode()).decode()


def _digest(login: Login, fields: Mapping[str, str], method: str, path: str) -> str:
    """RFC 7616, 3.4; without qop as the older RFC 2069 has it."""
    algorithm = fields.get("algorithm", "MD5")
    realm, nonce, once = fields["realm"], fields["nonce"], secrets.token_hex(8)

    def hashed(*parts: str) -> str:
        kind = _HASHES[algorithm.upper().removesuffix("-SESS")]
        return kind(":".join(parts).encode(), usedforsecurity=False).hexdigest()

    secret = hashed(login.user, realm, login.password)
    if algorithm.upper().endswith("-SESS"):
        secret = hashed(secret, nonce, once)
    request = hashed(method, path)
    told = {"username": login.user, "realm": realm, "nonce": nonce, "uri": path}
    unquoted = f", algorithm={algorithm}" if "algorithm" in fields else ""
    if "qop" in fields:
        told |= {"cnonce": once, "response": hashed(secret, nonce, "00000001", once, "auth", request)}
        unquoted += ", qop=auth, nc=00000001"
    else:
        told |= {"response": hashed(secret, nonce, request)}
    if "opaque" in fields:
        told["opaque"] = fields["opaque"]
    quoted = ", ".join(f'{name}="{_escaped(value)}"' for name, value in told.items())
    return f"Digest {quoted}{unquoted}".encode().decode("latin-1")  # http.client writes latin-1: these bytes


def _challenges(questions: Sequence[str]) -> list[tuple[str, dict[str, str]]]:
    """Each scheme, in small letters, with its fields; one header may hold several."""
    found: list[tuple[str, dict[str, str]]] = []
    for item in (item for question in questions for item in urllib.request.parse_http_list(question)):
        name, equals, value = item.partition("=")
        parts = _CHALLENGE.fullmatch(name.strip())
        if parts is None:
            continue
        first, second = parts.groups()
        if second is not None or not equals:  # a scheme, with or without its first field
            found.append((first.lower(), {}))
            name = second or ""
        if equals and found:
            found[-1][1][name.strip().lower()] = _unescaped(value.strip())
    return found


def _words(text: str) -> list[str]:
    return [word.strip().lower() for word in text.split(",")]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _unescaped(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def _server(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80}.get(parts.scheme, 443)
